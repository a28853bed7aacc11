"""Defines the events of an organiser's webhook endpoints, and of concerts that are sold out."""

from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event, Instant, StoredModel


class EndpointKeys(StoredModel):
    """Holds the keys with which messages to an endpoint are signed.

    `sealed` has the HMAC key and the seed of the Ed25519 key, encrypted with the master key for this endpoint.
    """

    sealed: str
    public_key: str


class WebhookEndpointEvent(Event, aggregate="WebhookEndpoints"):
    """Base of the events of all webhook endpoints of one organiser."""


class WebhookEndpointCreated(
    WebhookEndpointEvent, stored_as="Cloudbash.Domain.Webhooks.Events.WebhookEndpointCreatedEvent"
):
    """Records that an organiser wants to be told of events of these kinds at an address, from `at` on."""

    endpoint_id: UUID
    organiser_id: UUID
    url: str
    kinds: tuple[str, ...]
    description: str = ""
    keys: EndpointKeys
    request_hash: str
    at: Instant


class WebhookEndpointChanged(
    WebhookEndpointEvent, stored_as="Cloudbash.Domain.Webhooks.Events.WebhookEndpointChangedEvent"
):
    """Records that an endpoint was changed, and has all of its details as they are now."""

    endpoint_id: UUID
    url: str
    kinds: tuple[str, ...]
    description: str = ""
    at: Instant


class WebhookSecretRotated(
    WebhookEndpointEvent, stored_as="Cloudbash.Domain.Webhooks.Events.WebhookSecretRotatedEvent"
):
    """Records that an endpoint has new keys; until `old_until`, messages are signed with the old ones as well."""

    endpoint_id: UUID
    rotation_id: UUID
    keys: EndpointKeys
    old_until: Instant
    at: Instant


class WebhookEndpointDisabled(
    WebhookEndpointEvent, stored_as="Cloudbash.Domain.Webhooks.Events.WebhookEndpointDisabledEvent"
):
    """Records that nothing is sent to an endpoint any more.

    `reason` is `organiser`, who wanted it, `failing` for days without a success, or `gone`, as the receiver answered.
    """

    endpoint_id: UUID
    reason: str
    at: Instant


class WebhookEndpointEnabled(
    WebhookEndpointEvent, stored_as="Cloudbash.Domain.Webhooks.Events.WebhookEndpointEnabledEvent"
):
    """Records that the organiser enabled an endpoint again."""

    endpoint_id: UUID
    at: Instant


class WebhookEndpointDeleted(
    WebhookEndpointEvent, stored_as="Cloudbash.Domain.Webhooks.Events.WebhookEndpointDeletedEvent"
):
    """Records that the organiser deleted an endpoint."""

    endpoint_id: UUID
    at: Instant


class WebhookReplayRequested(
    WebhookEndpointEvent, stored_as="Cloudbash.Domain.Webhooks.Events.WebhookReplayRequestedEvent"
):
    """Records that the organiser wants everything since an instant sent to an endpoint again, of these concerts."""

    endpoint_id: UUID
    replay_id: UUID
    since: Instant
    concert_ids: tuple[UUID, ...]
    request_hash: str
    at: Instant


class SoldOutEvent(Event, aggregate="SoldOut"):
    """Base of the events that say when one concert was sold out."""


class ConcertSoldOut(SoldOutEvent, stored_as="Cloudbash.Domain.Webhooks.Events.ConcertSoldOutEvent"):
    """Records that at `at` every ticket of a concert was found sold, none held and none free.

    It is recorded again if tickets were given back meanwhile and the last one was sold once more.
    """

    concert_id: UUID
    tickets: int
    at: Instant
