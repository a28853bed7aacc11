"""Load, decide, append: the one way in which commands change the log."""

import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from time import sleep
from typing import Any, TypeVar
from uuid import UUID, uuid4

from chalicelib.platform import metrics
from chalicelib.platform.errors import Busy, CloudbashError, Unavailable
from chalicelib.platform.eventsourcing.aggregate import Aggregate, State
from chalicelib.platform.eventsourcing.cache import Folded, StreamCache
from chalicelib.platform.eventsourcing.codec import Head, Origin, aggregate_type_of, decode
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.marks import Mark
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.snapshots import Snapshots, restore, take
from chalicelib.platform.eventsourcing.store import ConcurrencyError, EventStore
from chalicelib.platform.eventsourcing.stored import StoredEvent

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

MAX_ATTEMPTS = 40
FIRST_PAUSE_SECONDS = 0.002
LONGEST_PAUSE_SECONDS = 0.1


class Repository:
    """Runs commands against the log.

    A command decides on cached states first; the version condition of its append proves that they were current. It is
    run again on states read anew after a lost race, and also before a refusal or a "nothing to do", be it for one of
    its streams, is believed that rests on a cached state. So a command is a function without side effects but those on
    its session.
    """

    def __init__(
        self,
        store: EventStore,
        clock: Callable[[], datetime],
        cache: StreamCache | None = None,
        snapshots: Snapshots | None = None,
        new_id: Callable[[], UUID] = uuid4,
        pause: Callable[[float], None] = sleep,
        watch: Callable[[Event], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._cache = StreamCache() if cache is None else cache
        self._snapshots = snapshots
        self._new_id = new_id
        self._pause = pause
        self._watch = watch
        self.choices: dict[UUID, UUID] = {}

    def execute(self, command: Callable[[Session], Result], origin: Origin) -> Result:
        """Run the command until its events are committed.

        Raises what the command raises, decided on current state; Busy when the races never end, and Unavailable:
        in both cases nothing of this attempt is in the log, unless Unavailable hides a lost reply.
        """
        stale: frozenset[UUID] = frozenset()
        contended: frozenset[UUID] = frozenset()
        marks: dict[UUID, Mark] = {}
        for attempt in range(MAX_ATTEMPTS):
            session = Session(self, self._clock(), stale, contended, marks)
            try:
                result = command(session)
            except Unavailable:
                raise
            except CloudbashError:
                if not session.unproven:
                    raise
                stale = stale | session.unproven
                continue
            doubtful = session.doubtful if session.pending else session.unproven
            if doubtful:
                stale = stale | doubtful
                continue
            if not session.pending:
                return result
            try:
                self._commit(session, origin)
            except ConcurrencyError as lost:
                metrics.count("LostRaces")
                stale = stale | lost.streams
                contended = contended | lost.streams
                marks.clear()
                self._pause(_jittered(attempt))
                continue
            return result
        raise Busy("Too many buyers want the same thing at this moment. Please try again.")

    def load(self, aggregate: Aggregate[State], stream_id: UUID) -> tuple[State, int]:
        """The current state and version (-1: no such stream), strongly consistent."""
        folded = self.refresh(aggregate, stream_id)
        return folded.state, folded.head.version

    def cached(self, aggregate: Aggregate[Any], stream_id: UUID) -> Folded | None:
        """What this container knows of the stream without asking; it may be old."""
        return self._cache.get(aggregate.name, stream_id)

    def refresh(self, aggregate: Aggregate[State], stream_id: UUID) -> Folded:
        """Read what is past the cached state, or all, and fold it. A stream of another aggregate counts as none."""
        known = self.cached(aggregate, stream_id)
        folded = (
            self._read_cold(aggregate, stream_id) if known is None else self._read_tail(aggregate, stream_id, known)
        )
        if folded.head.version >= 0:
            self._cache.put(aggregate.name, stream_id, folded)
        return folded

    @property
    def store(self) -> EventStore:
        return self._store

    def _commit(self, session: Session, origin: Origin) -> None:
        events, changed = session.encoded(origin, self._new_id)
        self._store.append(events, session.raising)
        if self._watch is not None:
            for pending in session.pending:
                self._watch(pending.event)
        for stream_id, change in changed.items():
            self._cache.put(change.aggregate.name, stream_id, change.after)
            if change.snapshot_is_due:
                self._snapshot(change.aggregate, stream_id, change.after)

    def _read_tail(self, aggregate: Aggregate[State], stream_id: UUID, known: Folded) -> Folded:
        return _folded(aggregate, known, self._store.read(stream_id, known.head.version))

    def _read_cold(self, aggregate: Aggregate[State], stream_id: UUID) -> Folded:
        """One request for a short stream; for one with snapshots two, however long it is."""
        nothing = Folded(aggregate.initial, Head())
        if aggregate.snapshot_every is None or self._snapshots is None:
            return self._read_tail(aggregate, stream_id, nothing)
        newest = self._store.read_last(stream_id, 2 * aggregate.snapshot_every)
        if len(newest) < 2 * aggregate.snapshot_every or newest[0].aggregate_version == 0:
            return _folded(aggregate, nothing, newest)
        taken = restore(aggregate, self._snapshots.find(stream_id)) or nothing
        if newest[0].aggregate_version > taken.head.version + 1:
            return self._read_tail(aggregate, stream_id, taken)
        return _folded(aggregate, taken, [event for event in newest if event.aggregate_version > taken.head.version])

    def _snapshot(self, aggregate: Aggregate[Any], stream_id: UUID, folded: Folded) -> None:
        """A snapshot that could not be kept is taken next time; the command has succeeded."""
        if self._snapshots is None:
            return
        try:
            self._snapshots.save(take(aggregate, stream_id, folded))
        except Unavailable:
            logger.warning("no snapshot of %s %s", aggregate.name, stream_id, exc_info=True)


def _folded(aggregate: Aggregate[State], known: Folded, tail: Sequence[StoredEvent]) -> Folded:
    if not tail or aggregate_type_of(tail[0]) != aggregate.name:
        return known
    return Folded(aggregate.fold(map(decode, tail), known.state), Head.of(tail[-1]))


def _jittered(attempt: int) -> float:
    """Full jitter, as in AWS's "Exponential Backoff And Jitter": anything between nothing and the doubled pause."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
    return random.uniform(0, longest)  # noqa: S311 - a pause is no secret
