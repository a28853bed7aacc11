"""Load, decide, append: the one way in which commands change the log."""

import random
from collections.abc import Callable
from datetime import datetime
from time import sleep
from typing import TypeVar
from uuid import UUID, uuid4

from chalicelib.errors import Busy, CloudbashError, Unavailable
from chalicelib.eventsourcing.aggregate import Aggregate, State
from chalicelib.eventsourcing.cache import Folded, StreamCache
from chalicelib.eventsourcing.codec import Head, Origin, decode
from chalicelib.eventsourcing.session import Session
from chalicelib.eventsourcing.store import ConcurrencyError, EventStore

Result = TypeVar("Result")

MAX_ATTEMPTS = 40
_FIRST_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.1


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
        new_id: Callable[[], UUID] = uuid4,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self._store = store
        self._clock = clock
        self._cache = StreamCache() if cache is None else cache
        self._new_id = new_id
        self._pause = pause

    def execute(self, command: Callable[[Session], Result], origin: Origin) -> Result:
        """Run the command until its events are committed.

        Raises what the command raises, decided on current state; Busy when the races never end, and Unavailable:
        in both cases nothing of this attempt is in the log, unless Unavailable hides a lost reply.
        """
        stale: frozenset[UUID] = frozenset()
        contended: frozenset[UUID] = frozenset()
        for attempt in range(MAX_ATTEMPTS):
            session = Session(self, self._clock(), stale, contended)
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
                stale = stale | lost.streams
                contended = lost.streams
                self._pause(_jittered(attempt))
                continue
            return result
        raise Busy("Too many buyers want the same thing at this moment. Please try again.")

    def load(self, aggregate: Aggregate[State], stream_id: UUID) -> tuple[State, int]:
        """The current state and version (-1: no such stream), strongly consistent."""
        folded = self.refresh(aggregate, stream_id)
        return folded.state, folded.head.version

    def cached(self, stream_id: UUID) -> Folded | None:
        """What this container knows of the stream without asking; it may be old."""
        return self._cache.get(stream_id)

    def refresh(self, aggregate: Aggregate[State], stream_id: UUID) -> Folded:
        """Read the tail past what is cached, and fold it."""
        known = self._cache.get(stream_id) or Folded(aggregate.initial, Head())
        tail = self._store.read(stream_id, known.head.version)
        if not tail:
            return known
        folded = Folded(aggregate.fold(map(decode, tail), known.state), Head.of(tail[-1]))
        self._cache.put(stream_id, folded)
        return folded

    @property
    def store(self) -> EventStore:
        return self._store

    def _commit(self, session: Session, origin: Origin) -> None:
        events, folded = session.encoded(origin, self._new_id)
        self._store.append(events)
        for stream_id, state in folded.items():
            self._cache.put(stream_id, state)


def _jittered(attempt: int) -> float:
    """Full jitter, as in AWS's "Exponential Backoff And Jitter": anything between nothing and the doubled pause."""
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
    return random.uniform(0, longest)  # noqa: S311 - a pause is no secret
