"""Runs commands against the log: load, decide, append, and again after a lost race."""

import random
from collections.abc import Callable
from datetime import datetime
from functools import partial
from secrets import token_hex
from time import sleep
from typing import TypeVar
from uuid import UUID, uuid4

from chalicelib.platform import metrics
from chalicelib.platform.errors import Busy, CloudbashError, TooManyRequests, Unavailable
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.epoch_cache import CachedResult
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.snapshots import Snapshots
from chalicelib.platform.eventsourcing.store import ConcurrencyError, EventStore
from chalicelib.platform.eventsourcing.streams import StreamCache, Streams
from chalicelib.platform.ids import IdKey

Result = TypeVar("Result")

MAX_ATTEMPTS = 40
FIRST_PAUSE_SECONDS = 0.002
LONGEST_PAUSE_SECONDS = 0.1
"""With full jitter, 40 attempts pause for about 1.8 s together on average: within a request's 29 s, and long enough for
the writers of one stream, which commits once per round trip, to take turns."""


class Repository(Streams):
    """Loads streams, and runs commands against the log.

    A command decides on cached states first; the version condition of its append proves that they were current. It is
    run again on states read anew after a lost race. It is also run again before the repository believes a refusal, or a
    "nothing to do", that rests on a cached state. So a command must have no side effects but those on its session.
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
        ids: Callable[[], IdKey] | None = None,
    ) -> None:
        """`ids` gives the key of the stage; without it the ids of this repository follow from a random one."""
        super().__init__(store, cache, snapshots)
        self._clock = clock
        self._new_id = new_id
        self._pause = pause
        self._watch = watch
        self._ids = ids or partial(IdKey, token_hex())

    def now(self) -> datetime:
        """Return the time by this container's clock."""
        return self._clock()

    def execute(self, command: Callable[[Session], Result], origin: Origin) -> Result:
        """Run the command until its events are committed.

        Raises:
            CloudbashError: what the command raises, decided on current state.
            Busy: every attempt lost its race; nothing was written.
            Unavailable: the events may have been written all the same, if only the reply was lost.
        """
        stale: frozenset[UUID] = frozenset()
        contended: frozenset[UUID] = frozenset()
        cached_results: dict[UUID, CachedResult] = {}
        for attempt in range(MAX_ATTEMPTS):
            session = Session(self, self._clock(), self._ids, stale, contended, cached_results)
            try:
                result = command(session)
            except (Unavailable, TooManyRequests):
                # What was counted in an old state has been counted since as well: that it is too much stays true.
                raise
            except CloudbashError:
                # A refusal is believed only if it rests on nothing cached: the ticket that is missing in an old state
                # may have been given back since. No append would prove that state, so the streams are read anew.
                if not session.unproven:
                    raise
                stale = stale | session.unproven
                continue
            # An append proves the streams that it appends to, and no others. Each round reads at least one more stream
            # from the log, so this ends.
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
                # Whoever won may have raised an epoch. Attempts that only read more streams keep what they have read:
                # a result must be stored under the epoch that was seen before its streams were read.
                cached_results.clear()
                self._pause(_jittered(attempt))
                continue
            if self._watch is not None:
                for pending in session.pending:
                    self._watch(pending.event)
            return result
        raise Busy("Too many requests want to change the same thing at this moment. Please try again.")


def _jittered(attempt: int) -> float:
    """Return a random pause in seconds, up to a longest one that doubles with every attempt.

    This is "full jitter" of AWS's article "Exponential Backoff And Jitter", which needs the fewest calls there.
    """
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
    return random.uniform(0, longest)  # noqa: S311 - a pause is no secret
