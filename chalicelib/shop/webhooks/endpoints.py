"""Defines the webhook endpoints of one organiser: addresses, kinds of events, keys, and whether they are enabled."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.webhooks.events import (
    EndpointKeys,
    WebhookEndpointChanged,
    WebhookEndpointCreated,
    WebhookEndpointDeleted,
    WebhookEndpointDisabled,
    WebhookEndpointEnabled,
    WebhookReplayRequested,
    WebhookSecretRotated,
)

MOST_ENDPOINTS = 10
MOST_REPLAYS = 20
"""A replay is found in the state for as long as no so many others were requested after it."""

OLD_KEYS_COUNT_FOR = timedelta(days=1)


class TooManyWebhookEndpoints(RuleViolated):
    code = "too_many_webhook_endpoints"
    fact_types = facts(limit=int)


class WebhookEndpointIsDisabled(RuleViolated):
    code = "webhook_endpoint_disabled"
    fact_types = facts(reason=str)


class EndpointDetails(NamedTuple):
    url: str
    kinds: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """`disabled` is the reason, empty while it is enabled; `old_keys` sign as well before `old_until`."""

    id: UUID
    details: EndpointDetails
    keys: EndpointKeys
    created_at: datetime
    request_hash: str
    old_keys: EndpointKeys | None = None
    old_until: datetime | None = None
    rotation_id: UUID | None = None
    disabled: str = ""
    disabled_at: datetime | None = None

    @property
    def is_enabled(self) -> bool:
        return not self.disabled

    def wants(self, kind: str) -> bool:
        return kind in self.details.kinds

    def keys_at(self, now: datetime) -> tuple[EndpointKeys, ...]:
        """Return the keys with which a message is signed now."""
        if self.old_keys is not None and self.old_until is not None and now < self.old_until:
            return self.keys, self.old_keys
        return (self.keys,)


class WebhookReplay(NamedTuple):
    endpoint_id: UUID
    since: datetime
    concert_ids: tuple[UUID, ...]
    request_hash: str


@dataclass(frozen=True, slots=True)
class WebhookEndpoints:
    organiser_id: UUID | None = None
    endpoints: Mapping[UUID, WebhookEndpoint] = field(default_factory=dict)
    deleted: frozenset[UUID] = frozenset()
    replays: Mapping[UUID, WebhookReplay] = field(default_factory=dict)

    def create(
        self,
        endpoint_id: UUID,
        organiser_id: UUID,
        details: EndpointDetails,
        keys: EndpointKeys,
        request_hash: str,
        now: datetime,
    ) -> list[Event]:
        """Create an endpoint; the same request again changes nothing.

        Raises:
            IdempotencyKeyReused: another request made this endpoint.
            TooManyWebhookEndpoints: the organiser has as many as there may be.
            NotFound: this request made one that was deleted since.
        """
        if endpoint_id in self.deleted:
            raise _no_such_endpoint()
        if known := self.endpoints.get(endpoint_id):
            if known.request_hash != request_hash:
                raise IdempotencyKeyReused
            return []
        if len(self.endpoints) >= MOST_ENDPOINTS:
            raise TooManyWebhookEndpoints(
                f"You have {len(self.endpoints)} webhook endpoints, the most there may be.", limit=MOST_ENDPOINTS
            )
        created = WebhookEndpointCreated(
            endpoint_id=endpoint_id,
            organiser_id=organiser_id,
            keys=keys,
            request_hash=request_hash,
            at=now,
            **details._asdict(),
        )
        return [created]

    def change(self, endpoint_id: UUID, details: EndpointDetails, enabled: bool, now: datetime) -> list[Event]:
        """Replace the details, and enable or disable the endpoint.

        Raises NotFound.
        """
        endpoint = self.get(endpoint_id)
        changed = WebhookEndpointChanged(endpoint_id=endpoint_id, at=now, **details._asdict())
        events: list[Event] = [changed] if details != endpoint.details else []
        if enabled == endpoint.is_enabled:
            return events
        switched = WebhookEndpointEnabled(endpoint_id=endpoint_id, at=now)
        return [*events, switched] if enabled else [*events, *self.disable(endpoint_id, "organiser", now)]

    def disable(self, endpoint_id: UUID, reason: str, now: datetime) -> list[Event]:
        """Disable an endpoint that is there and enabled; any other stays as it is."""
        endpoint = self.endpoints.get(endpoint_id)
        if endpoint is None or not endpoint.is_enabled:
            return []
        return [WebhookEndpointDisabled(endpoint_id=endpoint_id, reason=reason, at=now)]

    def delete(self, endpoint_id: UUID, now: datetime) -> list[Event]:
        """Delete an endpoint; deleting it again changes nothing.

        Raises:
            NotFound: there never was one.
        """
        if endpoint_id in self.deleted:
            return []
        self.get(endpoint_id)
        return [WebhookEndpointDeleted(endpoint_id=endpoint_id, at=now)]

    def rotate(self, endpoint_id: UUID, rotation_id: UUID, keys: EndpointKeys, now: datetime) -> list[Event]:
        """Replace the keys; the last rotation again changes nothing.

        Raises NotFound.
        """
        if self.get(endpoint_id).rotation_id == rotation_id:
            return []
        until = now + OLD_KEYS_COUNT_FOR
        return [
            WebhookSecretRotated(endpoint_id=endpoint_id, rotation_id=rotation_id, keys=keys, old_until=until, at=now)
        ]

    def replay(self, replay_id: UUID, replay: WebhookReplay, now: datetime) -> list[Event]:
        """Request a replay; the same request again changes nothing.

        Raises:
            NotFound: there is no such endpoint.
            IdempotencyKeyReused: another request has made this replay.
            WebhookEndpointIsDisabled: nothing would be sent.
            InvalidInput: the instant is in the future.
        """
        endpoint = self.get(replay.endpoint_id)
        if known := self.replays.get(replay_id):
            if known.request_hash != replay.request_hash:
                raise IdempotencyKeyReused
            return []
        if not endpoint.is_enabled:
            raise WebhookEndpointIsDisabled("The endpoint is disabled. Enable it first.", reason=endpoint.disabled)
        if replay.since > now:
            raise InvalidInput("`since` is in the future.", (("#/since", "is in the future"),))
        return [WebhookReplayRequested(replay_id=replay_id, at=now, **replay._asdict())]

    def wanting(self, kinds: Collection[str]) -> list[WebhookEndpoint]:
        """Return the enabled endpoints that want any of the kinds."""
        return [one for one in self.endpoints.values() if one.is_enabled and any(map(one.wants, kinds))]

    def get(self, endpoint_id: UUID) -> WebhookEndpoint:
        """Return an endpoint.

        Raises NotFound.
        """
        if endpoint_id not in self.endpoints:
            raise _no_such_endpoint()
        return self.endpoints[endpoint_id]


def _no_such_endpoint() -> NotFound:
    return NotFound("There is no such webhook endpoint.")


def evolve(state: WebhookEndpoints, event: Event) -> WebhookEndpoints:
    match event:
        case WebhookEndpointCreated():
            details = EndpointDetails(event.url, event.kinds, event.description)
            made = WebhookEndpoint(event.endpoint_id, details, event.keys, event.at, event.request_hash)
            endpoints = {**state.endpoints, made.id: made}
            return replace(state, organiser_id=event.organiser_id, endpoints=endpoints)
        case WebhookEndpointDeleted():
            left = {key: one for key, one in state.endpoints.items() if key != event.endpoint_id}
            return replace(state, endpoints=left, deleted=state.deleted | {event.endpoint_id})
        case WebhookReplayRequested():
            requested = WebhookReplay(event.endpoint_id, event.since, event.concert_ids, event.request_hash)
            replays = list({**state.replays, event.replay_id: requested}.items())[-MOST_REPLAYS:]
            return replace(state, replays=dict(replays))
        case WebhookEndpointChanged() | WebhookSecretRotated() | WebhookEndpointDisabled() | WebhookEndpointEnabled():
            known = state.endpoints.get(event.endpoint_id)
            changed = {} if known is None else {event.endpoint_id: _evolve_endpoint(known, event)}
            return replace(state, endpoints={**state.endpoints, **changed})
    return state


def _evolve_endpoint(endpoint: WebhookEndpoint, event: Event) -> WebhookEndpoint:
    match event:
        case WebhookEndpointChanged():
            return replace(endpoint, details=EndpointDetails(event.url, event.kinds, event.description))
        case WebhookSecretRotated():
            return replace(
                endpoint,
                keys=event.keys,
                old_keys=endpoint.keys,
                old_until=event.old_until,
                rotation_id=event.rotation_id,
            )
        case WebhookEndpointDisabled():
            return replace(endpoint, disabled=event.reason, disabled_at=event.at)
        case WebhookEndpointEnabled():
            return replace(endpoint, disabled="")
    return endpoint


def endpoints_id(organiser_id: UUID) -> UUID:
    """Return the id of an organiser's endpoints, which follows from the organiser's own."""
    return uuid5(organiser_id, "webhook endpoints")


WEBHOOK_ENDPOINTS = Aggregate("WebhookEndpoints", WebhookEndpoints(), evolve, owner=lambda state: state.organiser_id)
