"""Declares the routes of webhook endpoints, for the organisers whose systems receive."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, Protocol
from uuid import UUID

from pydantic import Field

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.amounts import OffsetInstant
from chalicelib.platform.http.answers import Accepted, Created, NoContent, Ok, Tagged, created, no_content, ok
from chalicelib.platform.http.paging import Page, page_of
from chalicelib.platform.http.requests import Body, Changes, Line, said
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.platform.readmodels.min_versions import NOTHING_NAMED, MinVersions
from chalicelib.platform.services import Services
from chalicelib.shop.webhooks import commands, queries
from chalicelib.shop.webhooks.addresses import ensure_acceptable
from chalicelib.shop.webhooks.deliveries import DeliveryLog
from chalicelib.shop.webhooks.endpoints import EndpointDetails, WebhookEndpoint, endpoints_id
from chalicelib.shop.webhooks.kinds import WebhookKind
from chalicelib.shop.webhooks.messages import made_to_try
from chalicelib.shop.webhooks.task_kinds import REDELIVER_WEBHOOK, TEST_WEBHOOK

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Items
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.webhooks.answers import (
        DeliveryToCome,
        ListedWebhookEndpoint,
        RequestedReplay,
        ShownWebhookEndpoint,
        WebhookDelivery,
        WebhookEndpointWithSecret,
    )
    from chalicelib.shop.webhooks.signing import SecretBox


class WebhookServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def webhook_receivers_allowed(self) -> str: ...

    @property
    def webhook_secrets(self) -> "SecretBox": ...

    @property
    def webhook_deliveries(self) -> DeliveryLog: ...

    @property
    def webhook_queue(self) -> WorkQueue: ...

    def sales_reflecting(self, min_versions: MinVersions, log: EventStore) -> AbstractContextManager["Reader"]: ...


routes: Routes[WebhookServices] = Routes(__name__)

Url = Annotated[
    str,
    Field(min_length=1, max_length=500),
    said(r'^https://[!-"$-.0->A-\[\]-~]+([/?][!-"$-\[\]-~]*)?$'),
]
"""Visible ASCII without a fragment, and no name or password before the host. A development stage takes http as well."""
Kinds = Annotated[list[WebhookKind], Field(min_length=1, max_length=8)]


class NewWebhookEndpoint(Body):
    """Says which events are sent where."""

    url: Url
    events: Kinds
    description: Line | None = None


class WebhookEndpointChanges(Changes):
    """Lists what to change; whatever is left out stays as it is."""

    url: Url | None = None
    events: Kinds | None = None
    description: Line | None = None
    enabled: bool | None = None

    def amended(self, endpoint: WebhookEndpoint) -> tuple[EndpointDetails, bool]:
        known = endpoint.details
        kinds = known.kinds if self.events is None else _distinct(self.events)
        details = EndpointDetails(self.url or known.url, kinds, self.description or known.description)
        return details, endpoint.is_enabled if self.enabled is None else self.enabled


class NewReplay(Body):
    """Says since when everything is to be sent again, of these concerts or of all."""

    since: OffsetInstant
    concert_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)] | None = None


@routes.post("/webhook-endpoints", Role.ORGANISER, refuses=("owner_needed", "not_found", "too_many_webhook_endpoints"))
def create_webhook_endpoint(
    call: Call[WebhookServices], body: NewWebhookEndpoint
) -> "Created[WebhookEndpointWithSecret]":
    """Have events sent to an address; the secret is shown in no other answer but that of a rotation."""
    _ensure_acceptable(call, body.url)
    caller = call.caller()
    details = EndpointDetails(body.url, _distinct(body.events), body.description or "")
    keys = call.shop.webhook_secrets.seal_new_keys(caller.request.id)
    changed = commands.create_endpoint(call.shop.repository, caller, details, keys)
    return created(_with_secret(call, changed), f"/webhook-endpoints/{changed.endpoint.id}")


@routes.get("/webhook-endpoints", Role.ORGANISER, refuses=("owner_needed",))
def list_webhook_endpoints(call: Call[WebhookServices]) -> "Ok[Items[ListedWebhookEndpoint]]":
    """List your webhook endpoints, from the log and so never behind."""
    state, _ = commands.find_endpoints(call.shop.repository, commands.organiser_of(call.actor))
    return ok(page_of([queries.shown_endpoint(one) for one in state.endpoints.values()], None))


@routes.get("/webhook-endpoints/{endpoint_id}", Role.ORGANISER, refuses=("owner_needed",))
def get_webhook_endpoint(call: Call[WebhookServices]) -> "Tagged[ShownWebhookEndpoint]":
    """Show a webhook endpoint."""
    state, version = commands.find_endpoints(call.shop.repository, commands.organiser_of(call.actor))
    return _shown(commands.ChangedEndpoint(state.get(call.id("endpoint_id")), version))


@routes.patch("/webhook-endpoints/{endpoint_id}", Role.ORGANISER, refuses=("owner_needed",))
def change_webhook_endpoint(
    call: Call[WebhookServices], body: WebhookEndpointChanges
) -> "Tagged[ShownWebhookEndpoint]":
    """Change what is given of a webhook endpoint; `enabled` is false to have nothing sent."""
    if body.url is not None:
        _ensure_acceptable(call, body.url)
    endpoint_id = call.id("endpoint_id")
    return _shown(commands.change_endpoint(call.shop.repository, call.caller(), endpoint_id, body.amended))


@routes.delete("/webhook-endpoints/{endpoint_id}", Role.ORGANISER, if_match=True, refuses=("owner_needed",))
def delete_webhook_endpoint(call: Call[WebhookServices]) -> NoContent:
    """Delete a webhook endpoint."""
    return no_content(commands.delete_endpoint(call.shop.repository, call.caller(), call.id("endpoint_id")))


@routes.post("/webhook-endpoints/{endpoint_id}/rotate-secret", Role.ORGANISER, refuses=("owner_needed",))
def rotate_webhook_secret(call: Call[WebhookServices]) -> "Tagged[WebhookEndpointWithSecret]":
    """Replace the secret and the public key; for a day, messages are signed with the old ones as well."""
    caller, endpoint = call.caller(), _own_endpoint(call)
    keys = call.shop.webhook_secrets.seal_new_keys(endpoint.id)
    changed = commands.rotate_secret(call.shop.repository, caller, endpoint.id, keys)
    return ok(_with_secret(call, changed), changed.version)


@routes.post("/webhook-endpoints/{endpoint_id}/test", Role.ORGANISER, refuses=("owner_needed",))
def test_webhook_endpoint(call: Call[WebhookServices]) -> "Accepted[DeliveryToCome]":
    """Have a message sent that tries the receiver; the log of deliveries then has its answer."""
    caller, endpoint = call.caller(), _own_endpoint(call)
    request_id = caller.request.id
    task = Task(TEST_WEBHOOK, endpoints_id(commands.organiser_of(call.actor)), str(request_id), about=endpoint.id)
    call.shop.webhook_queue.send([task])
    return _delivery_to_come(endpoint.id, made_to_try(endpoint.id, request_id, call.shop.clock()).id_for(endpoint.id))


@routes.get("/webhook-endpoints/{endpoint_id}/deliveries", Role.ORGANISER, refuses=("owner_needed",))
def list_webhook_deliveries(call: Call[WebhookServices], page: Page) -> "Ok[Items[WebhookDelivery]]":
    """List what was sent in the last thirty days, the last attempt first."""
    endpoint = _own_endpoint(call)
    found, next_key = call.shop.webhook_deliveries.list_of(endpoint.id, page.limit, page.after)
    return ok(page_of([queries.shown_delivery(one) for one in found], next_key))


@routes.get("/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}", Role.ORGANISER, refuses=("owner_needed",))
def get_webhook_delivery(call: Call[WebhookServices]) -> "Ok[WebhookDelivery]":
    """Show one message with its last attempt."""
    endpoint = _own_endpoint(call)
    found = queries.find_delivery(call.shop.webhook_deliveries, endpoint.id, call.id("delivery_id"))
    return ok(queries.shown_delivery(found))


@routes.post(
    "/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver", Role.ORGANISER, refuses=("owner_needed",)
)
def redeliver_webhook(call: Call[WebhookServices]) -> "Accepted[DeliveryToCome]":
    """Have one message sent again, now and once, whatever waits before it."""
    caller, endpoint = call.caller(), _own_endpoint(call)
    found = queries.find_delivery(call.shop.webhook_deliveries, endpoint.id, call.id("delivery_id"))
    call.shop.webhook_queue.send([Task(REDELIVER_WEBHOOK, found.id, caller.origin.causation_id)])
    return _delivery_to_come(endpoint.id, found.id)


@routes.post(
    "/webhook-endpoints/{endpoint_id}/replay",
    Role.ORGANISER,
    refuses=("owner_needed", "too_many_concerts_to_replay", "webhook_endpoint_disabled"),
)
def replay_webhooks(call: Call[WebhookServices], body: NewReplay) -> "Accepted[RequestedReplay]":
    """Have everything since an instant sent again, from the log, under the ids that it had."""
    shop = call.shop
    caller, endpoint = call.caller(), _own_endpoint(call)
    with shop.sales_reflecting(NOTHING_NAMED, call.metered(shop.event_store)) as sales:
        concert_ids = queries.concerts_to_replay(sales, commands.organiser_of(call.actor), body.concert_ids)
    replay_id = commands.request_replay(shop.repository, caller, endpoint.id, body.since, concert_ids)
    return Accepted({"id": str(replay_id), "concerts": len(concert_ids)})


def _own_endpoint(call: Call[WebhookServices]) -> WebhookEndpoint:
    state, _ = commands.find_endpoints(call.shop.repository, commands.organiser_of(call.actor))
    return state.get(call.id("endpoint_id"))


def _ensure_acceptable(call: Call[WebhookServices], url: str) -> None:
    try:
        ensure_acceptable(url, call.shop.webhook_receivers_allowed)
    except ValueError as error:
        raise InvalidInput(f"`url` {error}.", (("#/url", str(error)),)) from None


def _shown(changed: commands.ChangedEndpoint) -> "Tagged[ShownWebhookEndpoint]":
    shown: ShownWebhookEndpoint = {**queries.shown_endpoint(changed.endpoint), "version": changed.version}
    return ok(shown, changed.version)


def _with_secret(call: Call[WebhookServices], changed: commands.ChangedEndpoint) -> "WebhookEndpointWithSecret":
    secret = call.shop.webhook_secrets.open(changed.endpoint.id, changed.endpoint.keys).secret
    return {**queries.shown_endpoint(changed.endpoint), "version": changed.version, "secret": secret}


def _delivery_to_come(endpoint_id: UUID, delivery_id: UUID) -> "Accepted[DeliveryToCome]":
    location = f"/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}"
    return Accepted({"id": str(delivery_id)}, headers={"Location": location})


def _distinct(kinds: list[WebhookKind]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, kinds)))
