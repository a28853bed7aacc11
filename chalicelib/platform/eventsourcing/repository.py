"""Load, decide, append: the one way in which commands change the log."""

import random
from collections.abc import Callable
from datetime import datetime
from time import sleep
from typing import TypeVar
from uuid import UUID, uuid4

from chalicelib.platform import metrics
from chalicelib.platform.errors import Busy, CloudbashError, Unavailable
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.epoch_cache import CachedResult
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.snapshots import Snapshots
from chalicelib.platform.eventsourcing.store import ConcurrencyError, EventStore
from chalicelib.platform.eventsourcing.streams import StreamCache, Streams

Result = TypeVar("Result")

MAX_ATTEMPTS = 40
FIRST_PAUSE_SECONDS = 0.002
LONGEST_PAUSE_SECONDS = 0.1


class Repository(Streams):
    """Loads streams, and runs commands against the log.

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
        super().__init__(store, cache, snapshots)
        self._clock = clock
        self._new_id = new_id
        self._pause = pause
        self._watch = watch

    def execute(self, command: Callable[[Session], Result], origin: Origin) -> Result:
        """Run the command until its events are committed.

        Raises what the command raises, decided on current state; Busy when the races never end, and Unavailable:
        in both cases nothing of this attempt is in the log, unless Unavailable hides a lost reply.
        """
        stale: frozenset[UUID] = frozenset()
        contended: frozenset[UUID] = frozenset()
        cached_results: dict[UUID, CachedResult] = {}
        for attempt in range(MAX_ATTEMPTS):
            session = Session(self, self._clock(), stale, contended, cached_results)
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
                session.commit(origin, self._new_id)
            except ConcurrencyError as lost:
                metrics.count("LostRaces")
                stale = stale | lost.streams
                contended = contended | lost.streams
                cached_results.clear()
                self._pause(_jittered(attempt))
                continue
            if self._watch is not None:
                for pending in session.pending:
                    self._watch(pending.event)
            return result
        raise Busy("Too many buyers want the same thing at this moment. Please try again.")


def _jittered(attempt: int) -> float:
    """Full jitter, as in AWS's "Exponential Backoff And Jitter": anything between nothing and the doubled pause."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
    return random.uniform(0, longest)  # noqa: S311 - a pause is no secret
