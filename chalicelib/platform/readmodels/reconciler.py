"""Finds what no consumer can: an event at the end of its stream that the bus has lost, and a Redis that lost its data.

ADR 14 says why, and ADR 34 how the cost follows what changed. An event in the middle of a stream needs no reconciler:
the consumer sees the gap at the next one.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol
from uuid import UUID

from chalicelib.platform import metrics
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.parking import Parking
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.changes import ChangeFeed, ChangesLost
from chalicelib.platform.eventsourcing.codec import aggregate_type_of
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.eventsourcing.store import EventStore, ScanPage
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.readmodels.folding import folded_streams
from chalicelib.platform.readmodels.loading import Loader
from chalicelib.platform.readmodels.passes import Notes, Pass
from chalicelib.platform.readmodels.port import ReadModel

LOOKS_AGAIN_AFTER = timedelta(hours=1)
"""The time from the beginning of one pass to that of the next."""

COMPLETE_EVERY = timedelta(days=7)
"""The time from one pass over the whole log to the next, if no change was lost."""

CHANGES_KEPT_FOR = timedelta(hours=20)
"""How long a pass may be late for its changes; the stream of DynamoDB keeps them for 24 hours."""

STILL_ON_ITS_WAY = timedelta(minutes=1)
"""An event that is younger than this may still be on its way through the bus."""

SECONDS_A_RUN = 40.0

_Followed = tuple[str, UUID]
"""A projection by its name, and a stream that it follows."""

logger = logging.getLogger(__name__)


class VolatileReadModel(ReadModel, Protocol):
    """A read model whose server may lose its data. It is repaired under a token that is lost with the data."""

    def is_complete(self) -> bool: ...

    def begin_repair(self, token: str) -> None: ...

    def is_being_repaired(self, token: str) -> bool: ...

    def end_repair(self, token: str) -> bool: ...


class Reconciler:
    """Compares the heads of streams with the positions, from time to time, some pages a run.

    A pass looks at the streams that changed since the last one, and once a week, or if changes were lost, at the whole
    log. A stream that is behind is caught up by the consumer of its read model, effects included; one that is parked
    waits for an operator and is not counted. If a volatile read model has lost its data, a pass over the whole log
    loads every stream again, many at once. It loads all volatile read models; those that are complete stay as they are.
    """

    def __init__(
        self,
        followed: Sequence[tuple[ReadModel, Consumer]],
        volatile: Sequence[VolatileReadModel],
        store: EventStore,
        changes: ChangeFeed,
        notes: Notes,
        parking: Parking,
        clock: Callable[[], datetime],
    ) -> None:
        self._followed = followed
        self._volatile = volatile
        self._store = store
        self._changes = changes
        self._notes = notes
        self._parking = parking
        self._clock = clock

    def run(self, seconds: float = SECONDS_A_RUN) -> int:
        """Return how many streams were behind, each once, even if its events lie on several pages.

        Raises Unavailable if the log, the notes, the parked streams or a Redis to be repaired are away.
        """
        until = monotonic() + seconds
        self._count_what_waits()
        now = self._next(Pass.from_notes(self._notes.read()))
        if now.is_done:
            return 0
        behind: set[_Followed] = set()
        for page, after in self._pages(now):
            found, is_clean = self._look_at(page, after)
            found -= behind
            metrics.count("StreamsBehind", len(found))
            behind |= found
            now = replace(after, is_clean=now.is_clean and is_clean)
            if now.is_done:
                now = self._ended(now)
            # Noted after the page: a run that is interrupted before looks at the page once more.
            self._notes.write(now.to_notes())
            if monotonic() >= until:
                break
        if behind:
            logger.warning("%d streams were behind and have been caught up", len(behind))
        return len(behind)

    def _next(self, last: Pass) -> Pass:
        """Return the pass to go on with, or a new one."""
        try:
            must_repair = self._must_repair(last)
        except Unavailable:
            logger.warning("Redis does not answer whether it has its data", exc_info=True)
            must_repair = False
        if not must_repair and not self._is_over(last):
            return last
        new = last.followed_by(
            format_instant(self._clock()),
            is_complete=must_repair or self._must_be_complete(last),
            is_repair=must_repair,
        )
        if must_repair:
            _log_why(last)
            self._begin_repairs(new)
        self._release_what_was_applied()
        return new

    def _is_over(self, last: Pass) -> bool:
        """Tell whether another pass may begin; one over changes that are too old by now never ends well."""
        if last.is_done:
            return last.began <= self._ago(LOOKS_AGAIN_AFTER)
        return not last.is_complete and last.changes_since <= self._ago(CHANGES_KEPT_FOR)

    def _must_be_complete(self, last: Pass) -> bool:
        """Tell whether the changes since the last pass may not be all that must be looked at."""
        return last.changes_since <= self._ago(CHANGES_KEPT_FOR) or last.complete_at <= self._ago(COMPLETE_EVERY)

    def _pages(self, now: Pass) -> Iterator[tuple[ScanPage, Pass]]:
        """Yield the pages of the pass, with how far it is after each."""
        if not now.is_complete:
            try:
                yield from self._pages_of_changes(now)
            except ChangesLost:
                logger.warning("changes of the log were lost, so all of it is looked at")
                now = replace(now, is_complete=True, seen={}, since={})
            else:
                return
        for page in self._store.scan(after=now.cursor or None):
            yield page, replace(now, cursor=page.cursor or "", is_done=page.cursor is None)

    def _pages_of_changes(self, now: Pass) -> Iterator[tuple[ScanPage, Pass]]:
        until = as_utc(datetime.fromisoformat(now.began)) - STILL_ON_ITS_WAY
        # What was in the log well before the last complete pass began was looked at by that.
        since = as_utc(datetime.fromisoformat(now.complete_at)) - 2 * STILL_ON_ITS_WAY
        for page in self._changes.changes(now.seen, until):
            now = replace(now, seen=page.seen)
            yield ScanPage([event for event, written_at in page.changes if written_at >= since], None), now
        yield ScanPage([], None), replace(now, is_done=True)

    def _ended(self, now: Pass) -> Pass:
        if now.is_repair:
            self._end_repairs(now)
        return now.ended()

    def _ago(self, time: timedelta) -> str:
        return format_instant(self._clock() - time)

    def _count_what_waits(self) -> None:
        """Count what waits for an operator, in every run: the alarms on it last until it is gone."""
        parked, unreadable = self._parking.count()
        if parked and self._parking.spread():
            logger.info("streams that older code has parked were moved to keys of their own")
        metrics.count("ParkedStreams", parked)
        metrics.count("UnreadableRecords", unreadable)

    def _release_what_was_applied(self) -> None:
        """Redrive the parked streams that are past the event that parked them: their next events ask no more (ADR 32).

        Such an event was tried again by newer code, or the rebuilt read model had it.
        """
        listed = self._parking.list_parked()
        for model, consumer in self._followed:
            parked = {one.stream_id: one for one in listed if one.projection == consumer.projection.name}
            try:
                positions = model.live_generation().positions(parked.keys()) if parked else {}
                for stream_id, position in positions.items():
                    if position >= parked[stream_id].version:
                        consumer.redrive(stream_id)
            except Unavailable:  # the next pass looks again
                logger.warning("%s cannot be asked what was applied after all", model.name, exc_info=True)

    def _must_repair(self, last: Pass) -> bool:
        """Tell whether a volatile read model has lost its data and is not being repaired by the last pass.

        A token that is still there proves that nothing was lost since that pass began.
        """
        return any(not model.is_complete() and not model.is_being_repaired(last.id) for model in self._volatile)

    def _begin_repairs(self, now: Pass) -> None:
        for model in self._volatile:
            if not model.is_complete():
                model.begin_repair(now.id)

    def _end_repairs(self, now: Pass) -> None:
        for model in self._volatile:
            if model.end_repair(now.id):
                logger.info("Redis has all of %s again", model.name)

    def _look_at(self, page: ScanPage, now: Pass) -> tuple[set[_Followed], bool]:
        """Catch up what is behind; return it, and whether every read model could be asked."""
        behind: set[_Followed] = set()
        is_clean = True
        if now.is_repair:
            self._load_again(page)
        latest = self._ago(STILL_ON_ITS_WAY)
        settled = [event for event in page.events if not now.is_complete or event.created <= latest]
        for model, consumer in self._followed:
            try:
                behind |= self._catch_up(settled, model, consumer)
            except Unavailable:  # the next pass looks at the same changes again
                logger.warning("%s cannot be compared with the log now", model.name, exc_info=True)
                is_clean = False
        return behind, is_clean

    def _load_again(self, page: ScanPage) -> None:
        for model in self._volatile:
            live = model.live_generation()
            loader = Loader(live, self._store, live)
            for batch in folded_streams([page], live, self._store):
                loader.load(batch.streams)

    def _catch_up(self, events: Sequence[StoredEvent], model: ReadModel, consumer: Consumer) -> set[_Followed]:
        newest: dict[UUID, StoredEvent] = {}
        for event in events:
            if aggregate_type_of(event) in model.aggregate_types:
                known = newest.get(event.aggregate_id, event)
                newest[event.aggregate_id] = max(event, known, key=lambda one: one.aggregate_version)
        if not newest:
            return set()
        positions = model.live_generation().positions(newest.keys())
        behind = [event for key, event in newest.items() if positions.get(key, -1) < event.aggregate_version]
        for event in behind:
            consumer.catch_up(event.aggregate_id, [event])
        name = consumer.projection.name
        return {(name, event.aggregate_id) for event in behind if self._parking.find(name, event.aggregate_id) is None}


def _log_why(last: Pass) -> None:
    """Log why a repair begins; before the very first pass, Redis had nothing to lose."""
    if last.id:
        logger.warning("Redis has lost its data")
    else:
        logger.info("Redis is new, and the log is loaded into it")
