"""Encodes domain events as stored events, and decodes them again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.event import EVENT_CLASSES, Event, JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent


@dataclass(frozen=True, slots=True)
class Origin:
    """Names the causes of an event. `actor_id` is a person's id or the name of a process, never personal data."""

    actor_id: str
    correlation_id: str
    causation_id: str


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """A decoded event with its place in the log."""

    stream_id: UUID
    version: int
    created: datetime
    event: Event


def encode(
    event: Event,
    stream_id: UUID,
    head: Head,
    origin: Origin,
    event_id: UUID,
    now: datetime,
    request_hash: str = "",
) -> StoredEvent:
    """Encode the event as the next item after `head`; an event that has no `request_hash` of its own gets this one."""
    version = head.version + 1
    data = event.model_dump(mode="json", by_alias=True, exclude_none=True)
    if request_hash:
        data.setdefault("RequestHash", request_hash)
    data |= {"EventId": str(event_id), "AggregateId": str(stream_id), "AggregateVersion": version}
    return StoredEvent(
        aggregate_id=stream_id,
        aggregate_version=version,
        # Containers' clocks differ. `Created` must not go back within a stream: lists of events search it by halves,
        # and a point in time takes the first part of a stream. Instants of one format sort as texts.
        created=max(format_instant(now), head.created),
        event_type=event.stored_name,
        data=to_json(data).decode(),
        schema_version=event.schema_version,
        aggregate_type=event.aggregate_type,
        causation_id=origin.causation_id,
        correlation_id=origin.correlation_id,
        actor_id=origin.actor_id,
        previous_hash=head.chain_hash,
    ).sealed()


def decode(stored: StoredEvent) -> Event:
    """Decode the event into today's shape.

    Raises LogDamaged for an unknown type, a newer schema, or data that does not fit.
    """
    cls = EVENT_CLASSES.get(stored.event_type)
    if cls is None:
        raise _damaged(stored, f"unknown event type {stored.event_type}")
    try:
        if stored.schema_version == cls.schema_version:
            event: Event = cls.__pydantic_validator__.validate_json(stored.data)
            return event
        return cls.model_validate(_upcast(cls, stored))
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise _damaged(stored, f"{type(error).__name__} in its data") from error


def recorded(stored: StoredEvent) -> RecordedEvent:
    """Decode the event, and add its place in the log.

    Raises LogDamaged.
    """
    try:
        created = datetime.fromisoformat(stored.created)
    except ValueError as error:
        raise _damaged(stored, "its `Created` is not an instant") from error
    return RecordedEvent(stored.aggregate_id, stored.aggregate_version, created, decode(stored))


def aggregate_type_of(stored: StoredEvent) -> str:
    """Return the aggregate type; imported items do not store it, so theirs follows from the event type.

    It is empty if the event type is unknown.
    """
    if stored.aggregate_type:
        return stored.aggregate_type
    cls = EVENT_CLASSES.get(stored.event_type)
    return cls.aggregate_type if cls else ""


def _upcast(cls: type[Event], stored: StoredEvent) -> JsonObject:
    if stored.schema_version > cls.schema_version:
        raise _damaged(stored, f"schema version {stored.schema_version} is newer than {cls.schema_version}")
    data: JsonObject = from_json(stored.data)
    if not isinstance(data, dict):
        raise ValueError("data is not an object")  # noqa: TRY004 - bad data, not a bad call
    for version in range(stored.schema_version, cls.schema_version):
        upcast = cls.upcasters.get(version)
        data = upcast(data) if upcast else data
    return data


def _damaged(stored: StoredEvent, reason: str) -> LogDamaged:
    return LogDamaged(
        f"Event {stored.aggregate_version} of stream {stored.aggregate_id} cannot be read: {reason}.",
        stream=str(stored.aggregate_id),
        version=stored.aggregate_version,
    )
