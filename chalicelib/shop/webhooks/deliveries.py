"""Keeps the log of deliveries: what was sent to which endpoint, how often, and what the receiver answered."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.webhooks.groups import GroupKey, Source
from chalicelib.shop.webhooks.messages import WebhookMessage
from chalicelib.shop.webhooks.transport import Reply

KEPT_FOR = timedelta(days=30)


class DeliveryStatus(StrEnum):
    DELIVERED = "delivered"
    RETRYING = "retrying"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Tells of the last attempt to send one message; `waiting` counts the messages of its group behind it."""

    id: UUID
    named: GroupKey
    kind: str
    happened_at: datetime
    status: DeliveryStatus
    attempts: int
    attempted_at: datetime
    next_attempt_at: datetime | None = None
    response_status: int | None = None
    error: str = ""
    milliseconds: int = 0
    waiting: int = 0

    @classmethod
    def of(
        cls,
        named: GroupKey,
        message: WebhookMessage,
        reply: Reply,
        now: datetime,
        attempts: int = 1,
        next_attempt_at: datetime | None = None,
        waiting: int = 0,
    ) -> "Delivery":
        """Describe an attempt that was made just now."""
        otherwise = DeliveryStatus.FAILED if next_attempt_at is None else DeliveryStatus.RETRYING
        return cls(
            message.id_for(named.endpoint_id),
            named,
            message.kind,
            message.at,
            DeliveryStatus.DELIVERED if reply.is_success else otherwise,
            attempts,
            now,
            next_attempt_at,
            reply.status,
            reply.error,
            reply.milliseconds,
            waiting,
        )

    def to_document(self) -> JsonObject:
        """Return the delivery as JSON."""
        named = {name: str(value) for name, value in self.named._asdict().items()}
        return {**{name: _text(value) for name, value in asdict(self).items()}, "named": named}

    @classmethod
    def from_document(cls, document: JsonObject) -> "Delivery":
        read = {one.name: _READ.get(one.name, _as_it_is)(document[one.name]) for one in fields(cls)}
        return cls(**read)


class DeliveryLog(Protocol):
    """Stores one entry for each message and endpoint. Every method may raise Unavailable."""

    def put(self, delivery: Delivery) -> None: ...

    def find(self, delivery_id: UUID) -> Delivery | None: ...

    def list_of(
        self, endpoint_id: UUID, limit: int, after: Sequence[str] | None = None
    ) -> tuple[list[Delivery], list[str] | None]:
        """List a page of an endpoint's deliveries, the last attempted first, and the key to go on after.

        Raises InvalidInput for an `after` that no page has given.
        """


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    return str(value) if isinstance(value, UUID) else value


def _as_it_is(value: Any) -> Any:
    return value


def _named(value: JsonObject) -> GroupKey:
    return GroupKey(
        UUID(value["endpoints_id"]), UUID(value["endpoint_id"]), Source(value["source"]), UUID(value["key"])
    )


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


_READ: dict[str, Callable[[Any], Any]] = {
    "id": UUID,
    "named": _named,
    "happened_at": _instant,
    "status": DeliveryStatus,
    "attempted_at": _instant,
    "next_attempt_at": _instant,
}
