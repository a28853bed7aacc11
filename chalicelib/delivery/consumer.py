"""Feeding a projection from the bus, in whatever order and however often the bus delivers."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from chalicelib.delivery.batch import failed_from, succeeded
from chalicelib.delivery.bus import from_bus
from chalicelib.delivery.parking import ParkedStream, Parking
from chalicelib.delivery.projection import PositionMoved, Projection
from chalicelib.errors import LogDamaged, Unavailable
from chalicelib.eventsourcing.codec import aggregate_type_of, recorded
from chalicelib.eventsourcing.event import format_instant
from chalicelib.eventsourcing.store import EventStore
from chalicelib.eventsourcing.stored import StoredEvent

MAX_RIVALRIES = 20
"""How often another consumer may be first at one stream before the batch has to come again."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BusRecord:
    """One Kinesis record: its place in the shard and its payload."""

    sequence_number: str
    data: bytes


class Consumer:
    """Keeps one projection current.

    An event at or below the stream's position is skipped, the next one applied, and if one is missing in between, the
    missing ones are read from the log. What cannot be applied is poison: it parks its stream and the batch goes on. A
    server that is away is weather: the batch is reported as failed from the first stream concerned and comes again.
    """

    def __init__(
        self, projection: Projection, store: EventStore, parking: Parking, clock: Callable[[], datetime]
    ) -> None:
        self._projection = projection
        self._store = store
        self._parking = parking
        self._clock = clock

    def consume(self, records: Iterable[BusRecord]) -> dict[str, Any]:
        """Handle one batch; returns what Lambda wants to know of it."""
        streams: dict[UUID, list[StoredEvent]] = {}
        first_record: dict[UUID, str] = {}
        for record in records:
            event = self._read(record)
            if event is not None:
                streams.setdefault(event.aggregate_id, []).append(event)
                first_record.setdefault(event.aggregate_id, record.sequence_number)
        for stream_id, events in streams.items():
            try:
                self.catch_up(stream_id, events)
            except Unavailable:
                logger.warning("%s: a server is away, the batch will come again", self._projection.name, exc_info=True)
                return failed_from(first_record[stream_id])
        return succeeded()

    def catch_up(self, stream_id: UUID, arrived: Sequence[StoredEvent]) -> None:
        """Bring the projection to the newest of the arrived events of one stream. Raises Unavailable."""
        newest = max(event.aggregate_version for event in arrived)
        parked = self._parking.find(self._projection.name, stream_id)
        if parked is not None:
            if newest > parked.last_seen:
                self._parking.park(replace(parked, last_seen=newest))
            return
        for _ in range(MAX_RIVALRIES):
            position = self._projection.position(stream_id)
            if position >= newest:
                return
            try:
                self._apply(stream_id, position, self._following(stream_id, position, arrived))
            except PositionMoved:
                continue
            except LogDamaged as error:
                self._park(stream_id, position + 1, newest, error)
            return
        raise Unavailable(f"Other consumers keep moving stream {stream_id}.")

    def _apply(self, stream_id: UUID, position: int, events: Sequence[StoredEvent]) -> None:
        """Apply all events at once; if that fails, one by one, and park the stream at the first that cannot be."""
        try:
            self._projection.apply(stream_id, position, [recorded(event) for event in events])
        except (PositionMoved, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must stop this stream only
            if len(events) == 1:
                self._park(stream_id, events[0].aggregate_version, events[0].aggregate_version, error)
            else:
                self._apply_singly(stream_id, position, events)

    def _apply_singly(self, stream_id: UUID, position: int, events: Sequence[StoredEvent]) -> None:
        for event in events:
            try:
                self._projection.apply(stream_id, position, [recorded(event)])
            except (PositionMoved, Unavailable):
                raise
            except Exception as error:  # noqa: BLE001 - as above
                self._park(stream_id, event.aggregate_version, events[-1].aggregate_version, error)
                return
            position = event.aggregate_version

    def _park(self, stream_id: UUID, version: int, last_seen: int, error: Exception) -> None:
        name = self._projection.name
        logger.error("%s: stream %s is parked at version %d", name, stream_id, version, exc_info=error)
        reason = f"{type(error).__name__}: {error}"[:1000]
        parked_at = format_instant(self._clock())
        self._parking.park(ParkedStream(name, stream_id, version, reason, parked_at, last_seen))

    def _following(self, stream_id: UUID, position: int, arrived: Sequence[StoredEvent]) -> list[StoredEvent]:
        """The events past `position`, without a gap: what arrived if that has none, else what the log has."""
        fresh = {event.aggregate_version: event for event in arrived if event.aggregate_version > position}
        if sorted(fresh) == list(range(position + 1, position + 1 + len(fresh))):
            return [fresh[version] for version in sorted(fresh)]
        return self._store.read(stream_id, position)

    def _read(self, record: BusRecord) -> StoredEvent | None:
        try:
            event = from_bus(record.data)
        except (ValueError, KeyError, TypeError):
            logger.exception("%s: bus record %s is no event", self._projection.name, record.sequence_number)
            return None
        return event if aggregate_type_of(event) in self._projection.aggregate_types else None
