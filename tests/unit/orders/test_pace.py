"""How requests of many containers get their places in time."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from chalicelib.platform.counters.port import MemoryCounters
from chalicelib.platform.errors import Unavailable
from chalicelib.shop.orders.payments.pace import Pace, ProviderLimits
from tests.support.shop import Clock

LIMITS = ProviderLimits(in_all=24, per_route=12, of_routes={"search": 6})
"""Four in a window of 200 ms, two of a route, and one search."""


class Containers:
    """Containers that wait one after the other; `places` has the instants at which they may ask."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.counters = MemoryCounters()
        self.places: list[tuple[str, datetime]] = []

    def ask(self, route: str, times: int = 1, patience: timedelta = timedelta(seconds=10)) -> None:
        """Each at this very instant, from a container of its own."""
        for _ in range(times):
            waited: list[float] = []
            Pace("provider", LIMITS, self.counters, self.clock, waited.append, patience).wait(route)
            self.places.append((route, self.clock() + timedelta(seconds=sum(waited))))

    def most_in_a_second(self, route: str = "") -> int:
        places = sorted(at for name, at in self.places if route in {"", name})
        return max(sum(first <= at < first + timedelta(seconds=1) for at in places) for first in places)


@pytest.fixture
def containers() -> Containers:
    return Containers()


def test_who_comes_first_waits_for_nothing(containers: Containers) -> None:
    containers.ask("refund")
    assert containers.places == [("refund", containers.clock())]


def test_no_second_has_more_than_the_limit_of_a_route(containers: Containers) -> None:
    containers.ask("refund", times=40)
    containers.ask("search", times=20)
    assert (containers.most_in_a_second("refund"), containers.most_in_a_second("search")) == (10, 5)


def test_no_second_has_more_than_the_limit_of_all_routes(containers: Containers) -> None:
    for route in ("one", "two", "three", "four"):
        containers.ask(route, times=20)
    assert containers.most_in_a_second() <= LIMITS.in_all
    assert Counter(route for route, _ in containers.places) == dict.fromkeys(("one", "two", "three", "four"), 20)


def test_nobody_waits_longer_than_for_those_before(containers: Containers) -> None:
    containers.ask("refund", times=10)
    ordered = [at for _, at in containers.places]
    assert all(before <= after for before, after in pairwise(ordered))
    assert ordered[-1] - ordered[0] <= timedelta(milliseconds=800)


def test_another_route_is_not_held_up_by_a_crowded_one(containers: Containers) -> None:
    containers.ask("refund", times=30)
    containers.ask("charge")
    assert containers.places[-1] == ("charge", containers.clock())


def test_who_would_wait_too_long_is_told_at_once(containers: Containers) -> None:
    with pytest.raises(Unavailable):
        containers.ask("refund", times=20, patience=timedelta(seconds=1))
    assert len(containers.places) == 12


def test_a_container_remembers_which_windows_are_full(containers: Containers) -> None:
    taken: list[str] = []

    class Counted(MemoryCounters):
        def take(self, key: str, *rest: object) -> datetime | None:
            taken.append(key)
            return super().take(key, *rest)  # type: ignore[arg-type]  # whatever they are

    counters = Counted()
    pace = Pace("provider", LIMITS, counters, containers.clock, lambda _: None)
    for _ in range(20):
        pace.wait("refund")
    assert len(taken) == 20 + 9
