"""Feeds a projection from the bus, in whatever order and however often the bus delivers."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chalicelib.platform import logs, metrics
from chalicelib.platform.bus.applying import Poison, apply_next
from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.message import from_bus
from chalicelib.platform.bus.parking import MAX_REASON, ParkedStream, Parking, UnreadableRecord, reason_of
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import PositionMoved, Projection
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import aggregate_type_of
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import StoredEvent

MAX_LOST_RACES = 20
"""How often another consumer may be first at one stream before the batch has to come again."""

logger = logging.getLogger(__name__)


class Consumer:
    """Feeds one projection.

    An event at or below the stream's position is skipped, the next one is applied, and if events are missing in
    between, they are read from the log. What cannot be applied is poison: it parks its stream and the batch goes on.
    What cannot even be read is stored as it came. A server that is away is a transient failure: the batch is reported
    as failed from the first stream concerned, and comes again.

    The candidate generation is fed as well, and never further than the live one, because only applying an event to the
    live one has its effects. A candidate parks nothing: what it cannot apply it lacks, until it is compared with the
    log.
    """

    def __init__(
        self, projection: Projection, store: EventStore, parking: Parking, clock: Callable[[], datetime]
    ) -> None:
        self.projection = projection
        self._store = store
        self._parking = parking
        self._clock = clock

    def consume(self, records: Iterable[BusRecord]) -> dict[str, Any]:
        """Handle one batch, and return the reply for Lambda."""
        streams: dict[UUID, list[StoredEvent]] = {}
        first_record: dict[UUID, str] = {}
        for record in records:
            event = self._read(record)
            if isinstance(event, UnreadableRecord):
                try:
                    self._store_unreadable(event)
                except Unavailable:
                    # Nothing of the batch is applied yet, so all of it must come again: from its first readable event,
                    # or from here if there was none. What was stored before is then stored again, which does no harm.
                    logger.warning("%s: an unreadable record cannot be stored yet", self.projection.name, exc_info=True)
                    return failed_from(next(iter(first_record.values()), record.sequence_number))
            elif event is not None:
                streams.setdefault(event.aggregate_id, []).append(event)
                first_record.setdefault(event.aggregate_id, record.sequence_number)
        failed = self._feed_all(streams)
        return succeeded() if failed is None else failed_from(first_record[failed])

    def _feed_all(self, streams: dict[UUID, list[StoredEvent]]) -> UUID | None:
        """Feed the streams in turn; return the one that must come again, with all that arrived after it."""
        generations: Sequence[Projection] = ()
        for stream_id, events in streams.items():
            with logs.about(**logs.facts_of(events[-1])):
                try:
                    # Not before there are records: what precedes a generation in the log is read by its builder.
                    generations = generations or self.projection.fed_generations()
                    self._feed(generations, stream_id, events)
                except Unavailable:
                    logger.warning("%s: a server is away, the batch comes again", self.projection.name, exc_info=True)
                    return stream_id
        return None

    def catch_up(self, stream_id: UUID, arrived: Sequence[StoredEvent]) -> None:
        """Bring the projection to the newest of the arrived events of one stream.

        Raises Unavailable.
        """
        self._feed(self.projection.fed_generations(), stream_id, arrived)

    def position(self, stream_id: UUID) -> int:
        """Return the position of the live generation, -1 if it has none.

        Raises Unavailable.
        """
        return self.projection.fed_generations()[0].position(stream_id)

    def redrive(self, stream_id: UUID) -> ParkedStream | None:
        """Try a parked stream again, from the log; return how it is parked now, None if it is released.

        It stays parked meanwhile, so that a consumer that gets its next events only notes them. It is released only if
        it still is as it was before the log was read: if another event was noted since, the log is read once more.
        Raises Unavailable.
        """
        live, *candidates = self.projection.fed_generations()
        for _ in range(MAX_LOST_RACES):
            parked = self._parking.find(self.projection.name, stream_id)
            if parked is None:
                return None
            if self._advance(live, stream_id, live.position(stream_id), (), parked):
                for candidate in candidates:
                    self._feed_candidate(candidate, live, stream_id, ())
                return self._parking.find(self.projection.name, stream_id)
        raise _too_many_lost_races(stream_id)

    def redrive_record(self, record: UnreadableRecord) -> bool:
        """Try an unreadable record again, and tell whether it could be read.

        Raises Unavailable.
        """
        event = self._read(BusRecord(record.sequence_number, record.data, record.shard_id))
        if isinstance(event, UnreadableRecord):
            return False
        if event is not None:
            self.catch_up(event.aggregate_id, [event])
        self._parking.discard_unreadable(record)
        return True

    def _feed(self, generations: Sequence[Projection], stream_id: UUID, arrived: Sequence[StoredEvent]) -> None:
        live, *candidates = generations
        self._feed_live(live, stream_id, arrived)
        for candidate in candidates:
            self._feed_candidate(candidate, live, stream_id, arrived)

    def _feed_live(self, live: Projection, stream_id: UUID, arrived: Sequence[StoredEvent]) -> None:
        """Apply what has arrived; ask how the stream is parked only if its next event is not there or is not applied.

        A parked stream has not got its next event, so what follows the position is no later than what parked it: tried
        again, it is parked as it was, or applied by code that can. Nearly all events therefore ask nothing (ADR 32).
        """
        newest = max(event.aggregate_version for event in arrived)
        is_asked = False
        for _ in range(MAX_LOST_RACES):
            # First the parking, then the position: a redrive moves the position and then releases the stream, so what
            # is still parked here, at or below the position, was applied meanwhile and may be advanced and released.
            parked = self._parking.find(self.projection.name, stream_id) if is_asked else None
            position = live.position(stream_id)
            if parked is not None and parked.version > position:
                done = self._note_waiting(parked, newest)
            elif parked is None and position >= newest:
                done = True
            elif is_asked or any(event.aggregate_version == position + 1 for event in arrived):
                done = self._advance(live, stream_id, position, arrived, parked)
            else:
                done = False
            if done:
                return
            is_asked = True
        raise _too_many_lost_races(stream_id)

    def _feed_candidate(
        self, candidate: Projection, live: Projection, stream_id: UUID, arrived: Sequence[StoredEvent]
    ) -> None:
        for _ in range(MAX_LOST_RACES):
            reached, position = live.position(stream_id), candidate.position(stream_id)
            if position >= reached:
                return
            try:
                poison = apply_next(self._store, candidate, stream_id, position, arrived, up_to=reached).poison
            except PositionMoved:
                continue
            if poison is not None:
                name, version = self.projection.name, poison.version
                logger.warning(
                    "%s: the candidate stops before version %d of %s", name, version, stream_id, exc_info=poison.error
                )
            return
        raise _too_many_lost_races(stream_id)

    def _advance(
        self,
        live: Projection,
        stream_id: UUID,
        position: int,
        arrived: Sequence[StoredEvent],
        parked: ParkedStream | None,
    ) -> bool:
        """Apply what follows, and park the stream or release it if it was parked.

        Returns False if another consumer was first: then look again.
        """
        try:
            applied = apply_next(self._store, live, stream_id, position, () if parked else arrived)
        except PositionMoved:
            return False
        self._report_lag(applied.events)
        if applied.poison is not None:
            return self._park(live, stream_id, applied.poison, parked)
        return parked is None or self._parking.release(parked)

    def _park(self, live: Projection, stream_id: UUID, poison: Poison, known: ParkedStream | None) -> bool:
        """Park the stream; return False if another consumer has parked, released or applied it meanwhile."""
        name, parked_at = self.projection.name, format_instant(self._clock())
        stream = ParkedStream(name, stream_id, poison.version, reason_of(poison.error), parked_at, poison.newest)
        if known is not None:
            since = known.parked_at if known.version == poison.version else parked_at
            stream = replace(stream, parked_at=since, last_seen=max(known.last_seen, poison.newest))
        if not self._parking.park(stream, known):
            return False
        with logs.about(**({} if poison.event is None else logs.facts_of(poison.event))):
            logger.error(
                "%s: stream %s is parked at version %d", name, stream_id, poison.version, exc_info=poison.error
            )
        # Another consumer, with newer code, may have applied the event just before we parked it. Nobody would look at
        # the stream again until it is redriven, so we do.
        return live.position(stream_id) < poison.version

    def _note_waiting(self, parked: ParkedStream, newest: int) -> bool:
        """Note the newest event that waits behind a parked stream; return False if that was changed meanwhile."""
        return parked.last_seen >= newest or self._parking.park(replace(parked, last_seen=newest), parked)

    def _report_lag(self, events: Iterable[StoredEvent]) -> None:
        """Report how long each event took from the log into the live generation."""
        for event in events:
            try:
                lag = (self._clock() - as_utc(datetime.fromisoformat(event.created))) / timedelta(milliseconds=1)
            except ValueError:  # imported, from the first or the last day of time
                continue
            metrics.highest("ProjectionLag", lag, "Milliseconds")
            with logs.about(**logs.facts_of(event), lagMilliseconds=round(lag)):
                logger.info("%s: applied", self.projection.name)

    def _read(self, record: BusRecord) -> StoredEvent | UnreadableRecord | None:
        """Read the event of a record; return None if the projection does not follow its aggregate."""
        try:
            event = from_bus(record.data)
            if aggregate_type := aggregate_type_of(event):
                return event if aggregate_type in self.projection.aggregate_types else None
            reason = f"unknown event type {event.event_type}"[:MAX_REASON]
        except Exception as error:  # noqa: BLE001 - anybody may write to a bus: whatever it is, it must not stop the shard
            reason = reason_of(error)
        parked_at = format_instant(self._clock())
        return UnreadableRecord(
            self.projection.name, record.shard_id, record.sequence_number, record.data, reason, parked_at
        )

    def _store_unreadable(self, record: UnreadableRecord) -> None:
        self._parking.store_unreadable(record)
        logger.error("%s: bus record %s is no event: %s", record.consumer, record.sequence_number, record.error)


def _too_many_lost_races(stream_id: UUID) -> Unavailable:
    return Unavailable(f"Other consumers keep moving stream {stream_id}.")
