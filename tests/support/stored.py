"""Items of the log, made without a repository."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from chalicelib.platform.eventsourcing.codec import Origin, encode
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent

SOME_TIME = datetime(2030, 1, 1, 12, tzinfo=UTC)
SOMEBODY = Origin(actor_id="a-test", correlation_id="correlation", causation_id="causation")
_EVENT_IDS = UUID("e7e47000-0000-4000-8000-000000000000")


def store_all(
    stream_id: UUID, events: Sequence[Event], after: Head | None = None, now: datetime = SOME_TIME
) -> list[StoredEvent]:
    """The events as consecutive items of one stream. Their `EventId`s follow from place and content."""
    head = Head() if after is None else after
    items = []
    for event in events:
        event_id = uuid5(_EVENT_IDS, f"{stream_id}/{head.version}/{event!r}")
        items.append(encode(event, stream_id, head, SOMEBODY, event_id, now))
        head = Head.of(items[-1])
    return items


def item(event: Event, stream_id: UUID | None = None, after: Head | None = None) -> StoredEvent:
    """One event as an item with an `EventId` nobody else has: another try would have another."""
    head = Head() if after is None else after
    return encode(event, stream_id or uuid4(), head, SOMEBODY, uuid4(), SOME_TIME)


def imported(event_type: str, stream_id: UUID, version: int = 0, **data: Any) -> StoredEvent:
    """An item as the original wrote it: five attributes, and the event's ids inside `Data`."""
    inside = {**data, "EventId": str(uuid4()), "AggregateId": str(stream_id), "AggregateVersion": version}
    return StoredEvent(
        aggregate_id=stream_id,
        aggregate_version=version,
        created="2020-05-25T16:10:56.123Z",
        event_type=event_type,
        data=json.dumps(inside, separators=(",", ":")),
    )
