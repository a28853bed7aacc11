"""The pace at which all containers together ask a provider, so that it never has to refuse one of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chalicelib.platform.counters.port import Counters
from chalicelib.platform.errors import Unavailable

WINDOW = timedelta(milliseconds=200)
TOUCHED = 6
"""So many windows at most are touched by any second, wherever it begins."""

PATIENCE = timedelta(seconds=10)
"""50 workers that all wait for one route need 3.4 s; a buyer's request may last 29 s."""

_KEPT_FOR = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALL = "all"


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """What the provider admits in any second: in all, of one route, and of routes with a limit of their own."""

    in_all: int
    per_route: int
    of_routes: dict[str, int] = field(default_factory=dict)

    def of(self, route: str) -> int:
        return self.of_routes.get(route, self.per_route)


class Pace:
    """Gives each request a place in a short window of time, which all containers fill together.

    A window takes a sixth of what a second may have, so that no second has more, wherever it begins.
    """

    def __init__(
        self,
        provider: str,
        limits: ProviderLimits,
        counters: Counters,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        patience: timedelta = PATIENCE,
    ) -> None:
        self._provider = provider
        self._limits = limits
        self._counters = counters
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._full_until: dict[str, int] = {}

    def wait(self, route: str) -> None:
        """Wait until the route may be asked.

        Raises:
            Unavailable: so many others wait that there is no place within the patience.
        """
        now = self._clock()
        window = max(_window_of(now), self._full_until.get(route, 0))
        while _start_of(window) <= now + self._patience:
            if self._is_taken(window, route, now):
                self._sleep(max(0.0, (_start_of(window) - self._clock()).total_seconds()))
                return
            window += 1
            self._full_until[route] = window
        raise Unavailable(f"Too many requests wait for {self._provider}.")

    def _is_taken(self, window: int, route: str, now: datetime) -> bool:
        most = {_ALL: self._limits.in_all // TOUCHED, route: self._limits.of(route) // TOUCHED}
        key = f"pace/{self._provider}/{window}"
        return self._counters.take(key, most, now, _start_of(window) + _KEPT_FOR) is None


def _window_of(now: datetime) -> int:
    return (now - _EPOCH) // WINDOW


def _start_of(window: int) -> datetime:
    return _EPOCH + window * WINDOW
