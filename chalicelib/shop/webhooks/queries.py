"""Shows endpoints and deliveries to their organiser, and finds the concerts of a replay."""

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.errors import NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.webhooks.deliveries import Delivery, DeliveryLog
from chalicelib.shop.webhooks.endpoints import WebhookEndpoint

if TYPE_CHECKING:
    from datetime import datetime

    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.webhooks.answers import ListedWebhookEndpoint, WebhookDelivery

MOST_CONCERTS = 2_000
"""One request for a replay is about so many concerts at most; their ids are in its event."""

_CONCERTS = """
select id from sales_concerts
 where organiser_id = %(organiser_id)s and (%(ids)s::uuid[] is null or id = any(%(ids)s::uuid[]))
 order by id
 limit %(limit)s
"""


class TooManyConcertsToReplay(RuleViolated):
    code = "too_many_concerts_to_replay"
    fact_types = facts(limit=int)


def concerts_to_replay(sales: "Reader", organiser_id: UUID, named: Collection[UUID] | None) -> list[UUID]:
    """Return the organiser's concerts that are named, or all of them.

    Raises:
        NotFound: one that is named is not there, or not the organiser's.
        TooManyConcertsToReplay: there are too many for one request.
        Unavailable
    """
    ids = None if named is None else list(named)
    rows = sales.fetch_all(_CONCERTS, {"organiser_id": organiser_id, "ids": ids, "limit": MOST_CONCERTS + 1})
    found = [row["id"] for row in rows]
    if ids is not None and {*ids} != {*found}:
        raise NotFound("There is no such concert.")
    if len(found) > MOST_CONCERTS:
        raise TooManyConcertsToReplay(
            f"You have more than {MOST_CONCERTS} concerts; name those to replay.", limit=MOST_CONCERTS
        )
    return found


def find_delivery(log: DeliveryLog, endpoint_id: UUID, delivery_id: UUID) -> Delivery:
    """Return a delivery of this endpoint.

    Raises NotFound or Unavailable.
    """
    delivery = log.find(delivery_id)
    if delivery is None or delivery.named.endpoint_id != endpoint_id:
        raise NotFound("There is no such delivery.")
    return delivery


def shown_endpoint(endpoint: WebhookEndpoint) -> "ListedWebhookEndpoint":
    """Return an endpoint as its organiser sees it, without the secret."""
    return {
        "id": str(endpoint.id),
        "url": endpoint.details.url,
        "events": list(endpoint.details.kinds),
        "description": endpoint.details.description,
        "enabled": endpoint.is_enabled,
        "disabled_reason": endpoint.disabled or None,
        "disabled_at": _text(endpoint.disabled_at),
        "public_key": endpoint.keys.public_key,
        "old_secret_until": _text(endpoint.old_until),
        "created_at": format_instant(endpoint.created_at),
    }


def shown_delivery(delivery: Delivery) -> "WebhookDelivery":
    """Return a delivery as the organiser sees it."""
    return {
        "id": str(delivery.id),
        "event": delivery.kind,
        "about": {"type": delivery.named.source, "id": str(delivery.named.key)},
        "happened_at": format_instant(delivery.happened_at),
        "status": delivery.status,
        "attempts": delivery.attempts,
        "attempted_at": format_instant(delivery.attempted_at),
        "next_attempt_at": _text(delivery.next_attempt_at),
        "response_status": delivery.response_status,
        "error": delivery.error or None,
        "duration_ms": delivery.milliseconds,
        "waiting": delivery.waiting,
    }


def _text(instant: "datetime | None") -> str | None:
    return None if instant is None else format_instant(instant)
