"""Defines the circuit breaker, which keeps callers from waiting for a server that is known not to answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

from chalicelib.platform.errors import Unavailable

FIRST_REST = 1.0
LONGEST_REST = 10.0
"""Both are in seconds. A probe that fails doubles the rest, so that at most one call in ten seconds pays for it."""


class Breaker:
    """Refuses calls from the first outage until a probe has been answered. One serves all threads of a container.

    While it is closed, every call goes through. An outage opens it: calls are refused at once. When the rest is over,
    the next call is the probe, and all others are still refused: its answer closes the breaker, its failure opens it
    for twice as long. Nobody but callers sends probes, because a container on Lambda stands still between calls.
    """

    def __init__(self, server: str, clock: Callable[[], float] = monotonic) -> None:
        self._server = server
        self._clock = clock
        self._lock = Lock()
        self._rest = 0.0
        self._rests_until = 0.0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """Tell whether the server is taken to be away."""
        return self._rest > 0

    @contextmanager
    def guarding(self, is_outage: Callable[[Exception], bool]) -> Iterator[None]:
        """Run one call of the server; `is_outage` says which errors mean that it did not answer.

        Raises Unavailable, without running the block, while the breaker is open.
        """
        is_probe = self._admit()
        is_answered = False
        try:
            yield
            is_answered = True
        except Exception as error:
            is_answered = not is_outage(error)
            raise
        finally:
            self._settle(is_probe=is_probe, is_answered=is_answered)

    def _admit(self) -> bool:
        """Return whether the call is the probe."""
        with self._lock:
            if not self._rest:
                return False
            if self._is_probing or self._clock() < self._rests_until:
                raise Unavailable(f"{self._server} did not answer a moment ago.")
            self._is_probing = True
            return True

    def _settle(self, *, is_probe: bool, is_answered: bool) -> None:
        with self._lock:
            if is_probe:
                self._is_probing = False
            if is_answered:
                # An old call that is answered late says nothing of the server as it is now; a probe does.
                self._rest = 0.0 if is_probe else self._rest
            elif is_probe or not self._rest:
                self._rest = min(2 * self._rest, LONGEST_REST) or FIRST_REST
                self._rests_until = self._clock() + self._rest
