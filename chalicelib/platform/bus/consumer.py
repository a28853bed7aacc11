"""Feeding a projection from the bus, in whatever order and however often the bus delivers."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chalicelib.platform import logs, metrics
from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.message import from_bus
from chalicelib.platform.bus.parking import ParkedStream, Parking, UnreadableRecord
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import PositionMoved, Projection
from chalicelib.platform.errors import LogDamaged, Unavailable
from chalicelib.platform.eventsourcing.codec import aggregate_type_of, recorded
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import StoredEvent

MAX_RIVALRIES = 20
"""How often another consumer may be first at one stream before the batch has to come again."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Poison:
    """The event that could not be applied, the newest that was to be, and why."""

    version: int
    newest: int
    error: Exception
    event: StoredEvent | None = None


class Consumer:
    """Keeps one projection current.

    An event at or below the stream's position is skipped, the next one applied, and if one is missing in between, the
    missing ones are read from the log. What cannot be applied is poison: it parks its stream and the batch goes on;
    what cannot even be read is kept aside as it came. A server that is away is weather: the batch is reported as failed
    from the first stream concerned and comes again.

    A generation beside the live one is kept current as well, and never further than the live one: what that one causes
    must have been caused. It parks nothing: what it cannot apply it lacks, until it is compared with the log.
    """

    def __init__(
        self, projection: Projection, store: EventStore, parking: Parking, clock: Callable[[], datetime]
    ) -> None:
        self.projection = projection
        self._store = store
        self._parking = parking
        self._clock = clock

    def consume(self, records: Iterable[BusRecord]) -> dict[str, Any]:
        """Handle one batch; returns what Lambda wants to know of it."""
        streams: dict[UUID, list[StoredEvent]] = {}
        first_record: dict[UUID, str] = {}
        for record in records:
            event = self._read(record)
            if isinstance(event, UnreadableRecord):
                try:
                    self._keep(event)
                except Unavailable:
                    logger.warning("%s: an unreadable record cannot be kept yet", self.projection.name, exc_info=True)
                    return failed_from(next(iter(first_record.values()), record.sequence_number))
            elif event is not None:
                streams.setdefault(event.aggregate_id, []).append(event)
                first_record.setdefault(event.aggregate_id, record.sequence_number)
        generations: Sequence[Projection] = ()
        for stream_id, events in streams.items():
            with logs.about(**logs.facts_of(events[-1])):
                try:
                    # Not before there are records: what precedes a generation in the log is read by its builder.
                    generations = generations or self.projection.kept_current()
                    self._catch_up(generations, stream_id, events)
                except Unavailable:
                    logger.warning("%s: a server is away, the batch comes again", self.projection.name, exc_info=True)
                    return failed_from(first_record[stream_id])
        return succeeded()

    def catch_up(self, stream_id: UUID, arrived: Sequence[StoredEvent]) -> None:
        """Bring the projection to the newest of the arrived events of one stream. Raises Unavailable."""
        self._catch_up(self.projection.kept_current(), stream_id, arrived)

    def _catch_up(self, generations: Sequence[Projection], stream_id: UUID, arrived: Sequence[StoredEvent]) -> None:
        live, *beside = generations
        self._bring(live, stream_id, arrived)
        for generation in beside:
            self._keep_beside(generation, live, stream_id, arrived)

    def _bring(self, live: Projection, stream_id: UUID, arrived: Sequence[StoredEvent]) -> None:
        newest = max(event.aggregate_version for event in arrived)
        for _ in range(MAX_RIVALRIES):
            parked = self._parking.find(self.projection.name, stream_id)
            position = live.position(stream_id)
            if parked is None or parked.version <= position:
                is_there = parked is None and position >= newest
                done = is_there or self._advance(live, stream_id, position, arrived, parked)
            else:
                done = self._waits_too(parked, newest)
            if done:
                return
        raise Unavailable(f"Other consumers keep moving stream {stream_id}.")

    def _keep_beside(
        self, beside: Projection, live: Projection, stream_id: UUID, arrived: Sequence[StoredEvent]
    ) -> None:
        for _ in range(MAX_RIVALRIES):
            reached, position = live.position(stream_id), beside.position(stream_id)
            if position >= reached:
                return
            try:
                poison = self._apply_following(beside, stream_id, position, arrived, up_to=reached)
            except PositionMoved:
                continue
            if poison is not None:
                name, version = self.projection.name, poison.version
                logger.warning("%s: %s stays behind version %d beside", name, stream_id, version, exc_info=poison.error)
            return
        raise Unavailable(f"Other consumers keep moving stream {stream_id}.")

    def position(self, stream_id: UUID) -> int:
        """How far the live generation has come, -1 for not at all. Raises Unavailable."""
        return self.projection.kept_current()[0].position(stream_id)

    def redrive(self, stream_id: UUID) -> ParkedStream | None:
        """Try a parked stream again, from the log; how it is parked now, None if it is whole. Raises Unavailable.

        It stays parked meanwhile, so that a consumer which meets its next events only notes them, and it is released
        only as it was found, before the log was read: what was noted since brings it here again.
        """
        live, *beside = self.projection.kept_current()
        for _ in range(MAX_RIVALRIES):
            parked = self._parking.find(self.projection.name, stream_id)
            if parked is None:
                return None
            if self._advance(live, stream_id, live.position(stream_id), (), parked):
                for generation in beside:
                    self._keep_beside(generation, live, stream_id, ())
                return self._parking.find(self.projection.name, stream_id)
        raise Unavailable(f"Other consumers keep moving stream {stream_id}.")

    def redrive_record(self, record: UnreadableRecord) -> bool:
        """Try an unreadable record again; whether it could be read. Raises Unavailable."""
        event = self._read(BusRecord(record.sequence_number, record.data, record.shard_id))
        if isinstance(event, UnreadableRecord):
            return False
        if event is not None:
            self.catch_up(event.aggregate_id, [event])
        self._parking.forget(record)
        return True

    def _advance(
        self,
        live: Projection,
        stream_id: UUID,
        position: int,
        arrived: Sequence[StoredEvent],
        parked: ParkedStream | None,
    ) -> bool:
        """Apply what follows, and park the stream, or release it if it was parked; False if another was first."""
        try:
            poison = self._apply_following(live, stream_id, position, () if parked else arrived)
        except PositionMoved:
            return False
        if poison is not None:
            return self._park(live, stream_id, poison, parked)
        return parked is None or self._parking.release(parked)

    def _apply_following(
        self,
        to: Projection,
        stream_id: UUID,
        position: int,
        arrived: Sequence[StoredEvent],
        up_to: int | None = None,
    ) -> _Poison | None:
        try:
            events = self._following(stream_id, position, arrived)
        except LogDamaged as error:
            newest = max((event.aggregate_version for event in arrived), default=position + 1)
            return _Poison(position + 1, newest, error)
        wanted = [event for event in events if up_to is None or event.aggregate_version <= up_to]
        poison = self._apply(to, stream_id, position, wanted)
        if up_to is None:
            self._tell_applied(event for event in wanted if poison is None or event.aggregate_version < poison.version)
        return poison

    def _tell_applied(self, events: Iterable[StoredEvent]) -> None:
        """How long each took from the log into the live generation."""
        for event in events:
            try:
                lag = (self._clock() - as_utc(datetime.fromisoformat(event.created))) / timedelta(milliseconds=1)
            except ValueError:  # imported, from the first or the last day of time
                continue
            metrics.highest("ProjectionLag", lag, "Milliseconds")
            with logs.about(**logs.facts_of(event), lagMilliseconds=round(lag)):
                logger.info("%s: applied", self.projection.name)

    def _apply(self, to: Projection, stream_id: UUID, position: int, events: Sequence[StoredEvent]) -> _Poison | None:
        """Apply all events at once; if that fails, one by one up to the one that cannot be."""
        try:
            to.apply(stream_id, position, [recorded(event) for event in events])
        except (PositionMoved, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must stop this stream only
            if len(events) == 1:
                return _Poison(events[0].aggregate_version, events[0].aggregate_version, error, events[0])
            return self._apply_singly(to, stream_id, position, events)
        return None

    def _apply_singly(
        self, to: Projection, stream_id: UUID, position: int, events: Sequence[StoredEvent]
    ) -> _Poison | None:
        for event in events:
            try:
                to.apply(stream_id, position, [recorded(event)])
            except (PositionMoved, Unavailable):
                raise
            except Exception as error:  # noqa: BLE001 - as above
                return _Poison(event.aggregate_version, events[-1].aggregate_version, error, event)
            position = event.aggregate_version
        return None

    def _park(self, live: Projection, stream_id: UUID, poison: _Poison, known: ParkedStream | None) -> bool:
        """Park the stream. False if another consumer has parked, released or applied meanwhile: then look again."""
        name = self.projection.name
        reason = f"{type(poison.error).__name__}: {poison.error}"[:1000]
        stream = ParkedStream(name, stream_id, poison.version, reason, format_instant(self._clock()), poison.newest)
        if known is not None:
            since = known.parked_at if known.version == poison.version else stream.parked_at
            stream = replace(stream, parked_at=since, last_seen=max(known.last_seen, poison.newest))
        if not self._parking.park(stream, known):
            return False
        with logs.about(**({} if poison.event is None else logs.facts_of(poison.event))):
            logger.error(
                "%s: stream %s is parked at version %d", name, stream_id, poison.version, exc_info=poison.error
            )
        return live.position(stream_id) < poison.version

    def _waits_too(self, parked: ParkedStream, newest: int) -> bool:
        """Note what waits behind a parked stream. False if it has been changed or released meanwhile."""
        return parked.last_seen >= newest or self._parking.park(replace(parked, last_seen=newest), parked)

    def _following(self, stream_id: UUID, position: int, arrived: Sequence[StoredEvent]) -> list[StoredEvent]:
        """The events past `position`, without a gap: what arrived if that has none, else what the log has."""
        fresh = {event.aggregate_version: event for event in arrived if event.aggregate_version > position}
        if fresh and sorted(fresh) == list(range(position + 1, position + 1 + len(fresh))):
            return [fresh[version] for version in sorted(fresh)]
        return self._store.read(stream_id, position)

    def _read(self, record: BusRecord) -> StoredEvent | UnreadableRecord | None:
        """None for an event of an aggregate that the projection does not follow."""
        try:
            event = from_bus(record.data)
            if aggregate_type := aggregate_type_of(event):
                return event if aggregate_type in self.projection.aggregate_types else None
            reason = f"unknown event type {event.event_type}"
        except Exception as error:  # noqa: BLE001 - anybody may write to a bus: whatever it is, it must not stop the shard
            reason = f"{type(error).__name__}: {error}"
        kept_at = format_instant(self._clock())
        return UnreadableRecord(
            self.projection.name, record.shard_id, record.sequence_number, record.data, reason[:1000], kept_at
        )

    def _keep(self, record: UnreadableRecord) -> None:
        self._parking.keep(record)
        logger.error("%s: bus record %s is no event: %s", record.consumer, record.sequence_number, record.error)
