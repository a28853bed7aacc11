"""Finds what no consumer can: an event at the end of its stream that the bus has lost, and a Redis that lost its data.

ADR 14 says why. An event in the middle of a stream needs no reconciler: the consumer sees the gap at the next one.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol
from uuid import UUID, uuid4

from chalicelib.platform import metrics
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.parking import Parking
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import aggregate_type_of
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.store import EventStore, ScanPage
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.readmodels.folding import folded_streams
from chalicelib.platform.readmodels.loading import Loader
from chalicelib.platform.readmodels.port import ReadModel

LOOKS_AGAIN_AFTER = timedelta(hours=1)
"""The time from the beginning of one pass over the log to that of the next."""

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


class Notes(Protocol):
    """Stores what one run leaves for the next."""

    def read(self) -> Mapping[str, str]: ...

    def write(self, notes: Mapping[str, str]) -> None: ...


@dataclass(frozen=True)
class Pass:
    """One pass over the log. It goes on after `cursor`, which is empty before the first page and after the last."""

    id: str = ""
    began: str = ""
    cursor: str = ""
    is_done: bool = True
    is_repair: bool = False

    @classmethod
    def from_notes(cls, notes: Mapping[str, str]) -> "Pass":
        """Read what the last run left; an empty note means no."""
        if not notes:
            return cls()
        is_done, is_repair = bool(notes["is_done"]), bool(notes["is_mending"])
        return cls(notes["id"], notes["began"], notes["cursor"], is_done, is_repair)

    def to_notes(self) -> dict[str, str]:
        return {
            "id": self.id,
            "began": self.began,
            "cursor": self.cursor,
            "is_done": "yes" if self.is_done else "",
            "is_mending": "yes" if self.is_repair else "",
        }


class Reconciler:
    """Goes over the log from time to time, some pages a run, and compares its heads with the positions.

    A stream that is behind is caught up by the consumer of its read model, effects included; one that is parked waits
    for an operator and is not counted. If a volatile read model has lost its data, every stream that it should have is
    loaded again, many at once. Such a pass loads all volatile read models; those that are complete stay as they are.
    """

    def __init__(
        self,
        followed: Sequence[tuple[ReadModel, Consumer]],
        volatile: Sequence[VolatileReadModel],
        store: EventStore,
        notes: Notes,
        parking: Parking,
        clock: Callable[[], datetime],
    ) -> None:
        self._followed = followed
        self._volatile = volatile
        self._store = store
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
        for page in self._store.scan(after=now.cursor or None):
            found = self._look_at(page, now) - behind
            metrics.count("StreamsBehind", len(found))
            behind |= found
            if page.cursor is None and now.is_repair:
                self._end_repairs(now)
            # Noted after the page: a run that is interrupted before looks at the page once more.
            now = replace(now, cursor=page.cursor or "", is_done=page.cursor is None)
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
        is_old = last.began <= format_instant(self._clock() - LOOKS_AGAIN_AFTER)
        if not must_repair and not (last.is_done and is_old):
            return last
        new = Pass(str(uuid4()), format_instant(self._clock()), is_done=False, is_repair=must_repair)
        if must_repair:
            _log_why(last)
            self._begin_repairs(new)
        self._release_what_was_applied()
        return new

    def _release_what_was_applied(self) -> None:
        """Redrive the parked streams that are past the event that parked them: their next events ask no more (ADR 27).

        Such an event was tried again by newer code, or the rebuilt read model had it.
        """
        for model, consumer in self._followed:
            parked = {one.stream_id: one for one in self._parking.list_parked(consumer.projection.name)}
            try:
                positions = model.live_generation().positions(parked.keys()) if parked else {}
                for stream_id, position in positions.items():
                    if position >= parked[stream_id].version:
                        consumer.redrive(stream_id)
            except Unavailable:  # the next pass looks again
                logger.warning("%s cannot be asked what was applied after all", model.name, exc_info=True)

    def _count_what_waits(self) -> None:
        """Count what waits for an operator, in every run: the alarms on it last until it is gone."""
        parked, unreadable = self._parking.count()
        if parked and self._parking.spread():
            logger.info("streams that older code has parked were moved to keys of their own")
        metrics.count("ParkedStreams", parked)
        metrics.count("UnreadableRecords", unreadable)

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

    def _look_at(self, page: ScanPage, now: Pass) -> set[_Followed]:
        behind: set[_Followed] = set()
        if now.is_repair:
            self._load_again(page)
        for model, consumer in self._followed:
            try:
                behind |= self._catch_up(page, model, consumer)
            except Unavailable:  # the next pass finds what is behind here
                logger.warning("%s cannot be compared with the log now", model.name, exc_info=True)
        return behind

    def _load_again(self, page: ScanPage) -> None:
        for model in self._volatile:
            live = model.live_generation()
            loader = Loader(live, self._store, live)
            for batch in folded_streams([page], live, self._store):
                loader.load(batch.streams)

    def _catch_up(self, page: ScanPage, model: ReadModel, consumer: Consumer) -> set[_Followed]:
        newest: dict[UUID, StoredEvent] = {}
        latest = format_instant(self._clock() - STILL_ON_ITS_WAY)
        for event in page.events:
            if event.created <= latest and aggregate_type_of(event) in model.aggregate_types:
                known = newest.get(event.aggregate_id, event)
                newest[event.aggregate_id] = max(event, known, key=lambda one: one.aggregate_version)
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
