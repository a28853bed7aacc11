"""Defines what the routes of webhook endpoints answer."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Count, Id, Instant, Version
from chalicelib.shop.webhooks.deliveries import DeliveryStatus
from chalicelib.shop.webhooks.groups import Source


class ListedWebhookEndpoint(TypedDict):
    """`disabled_reason` is `organiser`, `failing` or `gone` while it is disabled; the public key verifies `v1a`."""

    id: Id
    url: str
    events: list[str]
    description: str
    enabled: bool
    disabled_reason: str | None
    disabled_at: Instant | None
    public_key: Annotated[str, Field(pattern="^whpk_")]
    old_secret_until: Instant | None
    created_at: Instant


class ShownWebhookEndpoint(ListedWebhookEndpoint):
    """The version is that of all endpoints of the organiser."""

    version: Version


class WebhookEndpointWithSecret(ShownWebhookEndpoint):
    """The secret verifies `v1`, and is not shown again."""

    secret: Annotated[str, Field(pattern="^whsec_")]


class WebhookSubject(TypedDict):
    """Names the order, the concert or the test that a message is about."""

    type: Source
    id: Id


class WebhookDelivery(TypedDict):
    """One message with its last attempt; `waiting` counts those of its order or concert behind it."""

    id: Id
    event: str
    about: WebhookSubject
    happened_at: Instant
    status: DeliveryStatus
    attempts: Count
    attempted_at: Instant
    next_attempt_at: Instant | None
    response_status: int | None
    error: str | None
    duration_ms: Count
    waiting: Count


class DeliveryToCome(TypedDict):
    """Names the delivery that will be in the log."""

    id: Id


class RequestedReplay(TypedDict):
    """Names a replay, and says over how many concerts it goes."""

    id: Id
    concerts: Count
