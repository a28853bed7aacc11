"""Changes the webhook endpoints of organisers, and records what is sold out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.caller import Actor, Caller
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.ownership import done_before
from chalicelib.shop.webhooks.endpoints import (
    WEBHOOK_ENDPOINTS,
    EndpointDetails,
    WebhookEndpoint,
    WebhookEndpoints,
    WebhookReplay,
    endpoints_id,
)
from chalicelib.shop.webhooks.events import EndpointKeys
from chalicelib.shop.webhooks.groups import GroupKey
from chalicelib.shop.webhooks.sold_out import SOLD_OUT, sold_out_id

Amend = Callable[[WebhookEndpoint], tuple[EndpointDetails, bool]]
"""Returns the details that an endpoint shall have, and whether it shall be enabled."""


@dataclass(frozen=True, slots=True)
class ChangedEndpoint:
    """An endpoint after a command; `version` is that of all endpoints of its organiser."""

    endpoint: WebhookEndpoint
    version: int


def organiser_of(actor: Actor) -> UUID:
    """Return the organiser whose endpoints the caller sees to: they tell of every sale, so they are for owners.

    Raises Forbidden, OwnerNeeded, or InvalidInput from who works for several organisers.
    """
    organiser_id = actor.organiser(None)
    actor.ensure_owns(organiser_id)
    return organiser_id


def create_endpoint(
    repository: Repository, caller: Caller, details: EndpointDetails, keys: EndpointKeys
) -> ChangedEndpoint:
    """Create an endpoint; a repeated request gets the one that it made, with the keys of then.

    Raises IdempotencyKeyReused, NotFound if it was deleted since, or TooManyWebhookEndpoints.
    """
    endpoint_id, request_hash = caller.request.id, caller.request.request_hash

    def decide(state: WebhookEndpoints, now: datetime) -> list[Event]:
        return state.create(endpoint_id, organiser_of(caller.actor), details, keys, request_hash, now)

    return _changed(repository, caller, endpoint_id, decide)


def change_endpoint(repository: Repository, caller: Caller, endpoint_id: UUID, amend: Amend) -> ChangedEndpoint:
    """Change the details by `amend`, which gets the endpoint as it is.

    Raises NotFound or PreconditionFailed.
    """

    def decide(state: WebhookEndpoints, now: datetime) -> list[Event]:
        return state.change(endpoint_id, *amend(state.get(endpoint_id)), now)

    return _changed(repository, caller, endpoint_id, decide)


def rotate_secret(repository: Repository, caller: Caller, endpoint_id: UUID, keys: EndpointKeys) -> ChangedEndpoint:
    """Replace the keys; the old ones sign as well for a day.

    Raises NotFound.
    """

    def decide(state: WebhookEndpoints, now: datetime) -> list[Event]:
        return state.rotate(endpoint_id, caller.request.id, keys, now)

    return _changed(repository, caller, endpoint_id, decide)


def delete_endpoint(repository: Repository, caller: Caller, endpoint_id: UUID) -> int:
    """Delete an endpoint, and return the version of all endpoints.

    Raises NotFound or PreconditionFailed.
    """
    return _change(repository, caller, lambda state, now: state.delete(endpoint_id, now))


def request_replay(
    repository: Repository, caller: Caller, endpoint_id: UUID, since: datetime, concert_ids: Sequence[UUID]
) -> UUID:
    """Request that everything since an instant is sent again, and return the replay's id.

    Raises NotFound, IdempotencyKeyReused, WebhookEndpointIsDisabled or InvalidInput.
    """
    replay = WebhookReplay(endpoint_id, since, tuple(concert_ids), caller.request.request_hash)
    _change(repository, caller, lambda state, now: state.replay(caller.request.id, replay, now))
    return caller.request.id


def find_endpoints(repository: Repository, organiser_id: UUID) -> tuple[WebhookEndpoints, int]:
    """Return an organiser's endpoints and their version; -1 if there never was one.

    Raises Unavailable.
    """
    return repository.load(WEBHOOK_ENDPOINTS, endpoints_id(organiser_id))


def disable_endpoint(repository: Repository, origin: Origin, named: GroupKey, reason: str) -> None:
    """Disable an endpoint whose receiver takes nothing any more.

    Raises Unavailable.
    """

    def command(session: Session) -> None:
        state = session.load(WEBHOOK_ENDPOINTS, named.endpoints_id)
        events = state.disable(named.endpoint_id, reason, session.now)
        session.append(WEBHOOK_ENDPOINTS, named.endpoints_id, *events)

    repository.execute(command, origin)


def record_sold_out(
    repository: Repository, origin: Origin, concert_id: UUID, tickets: int, last_sale_at: datetime
) -> None:
    """Record that a concert is sold out, unless that is known.

    Raises Unavailable.
    """
    stream_id = sold_out_id(concert_id)

    def command(session: Session) -> None:
        sold_out = session.load(SOLD_OUT, stream_id)
        session.append(SOLD_OUT, stream_id, *sold_out.record(concert_id, tickets, last_sale_at, session.now))

    repository.execute(command, origin)


def _changed(
    repository: Repository,
    caller: Caller,
    endpoint_id: UUID,
    decide: Callable[[WebhookEndpoints, datetime], Sequence[Event]],
) -> ChangedEndpoint:
    version = _change(repository, caller, decide)
    state, _ = find_endpoints(repository, organiser_of(caller.actor))
    return ChangedEndpoint(state.get(endpoint_id), version)


def _change(
    repository: Repository, caller: Caller, decide: Callable[[WebhookEndpoints, datetime], Sequence[Event]]
) -> int:
    """Append what `decide` returns to the caller's own endpoints, and return their version."""
    stream_id = endpoints_id(organiser_of(caller.actor))

    def command(session: Session) -> int:
        state = session.load(WEBHOOK_ENDPOINTS, stream_id)
        if (version := done_before(session, caller, stream_id)) is not None:
            return version
        session.append(WEBHOOK_ENDPOINTS, stream_id, *decide(state, session.now))
        return session.version(stream_id)

    return repository.execute(command, caller.origin)
