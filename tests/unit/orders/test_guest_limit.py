"""How many guests may come from one network address."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from chalicelib.platform.counters.port import MemoryCounters
from chalicelib.platform.errors import RuleViolated, Unavailable
from chalicelib.shop.orders.guest_limit import GuestLimit, GuestLimits, TooManyGuests
from tests.support.shop import Clock, some_id

SCHOOL, HOME = "192.0.2.7", "192.0.2.8"
MOST, WINDOW = 5, timedelta(minutes=10)


class CountedCounters(MemoryCounters):
    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def take(
        self, key: str, most: Mapping[str, int], now: datetime, until: datetime, amount: int = 1
    ) -> datetime | None:
        self.taken += 1
        return super().take(key, most, now, until, amount)


class Gate:
    def __init__(self) -> None:
        self.clock, self.counters = Clock(), CountedCounters()
        self.limit = self.container()

    def container(self) -> GuestLimit:
        return GuestLimit(self.counters, self.clock, GuestLimits(MOST, WINDOW, tickets=12))

    def admit(self, times: int = 1, address: str = SCHOOL) -> None:
        for _ in range(times):
            self.limit.admit(address)

    def refuse(self, address: str = SCHOOL, limit: GuestLimit | None = None) -> TooManyGuests:
        with pytest.raises(TooManyGuests) as refusal:
            (limit or self.limit).admit(address)
        return refusal.value


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_an_address_has_to_wait_until_its_window_is_over_and_others_do_not(gate: Gate) -> None:
    gate.admit(MOST)
    gate.clock.advance(timedelta(minutes=4))
    assert gate.refuse().retry_after == timedelta(minutes=6)
    gate.admit(MOST, HOME)
    gate.clock.advance(timedelta(minutes=6))
    gate.admit(MOST)
    gate.refuse()


def test_where_no_address_is_known_nobody_is_counted(gate: Gate) -> None:
    gate.admit(3 * MOST, "")


def test_all_containers_count_together(gate: Gate) -> None:
    gate.admit(MOST)
    gate.refuse(limit=gate.container())


def test_a_container_asks_no_more_about_an_address_that_is_full(gate: Gate) -> None:
    gate.admit(MOST)
    for _ in range(100):
        gate.refuse()
    assert gate.counters.taken == MOST + 1


def test_the_stored_key_does_not_tell_the_address(gate: Gate) -> None:
    gate.admit()
    assert SCHOOL not in str(gate.counters.counts)


def test_of_many_guests_at_once_no_more_are_admitted(gate: Gate) -> None:
    def come(_: int) -> int:
        with suppress(TooManyGuests):
            gate.container().admit(SCHOOL)
            return 1
        return 0

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(come, range(4 * MOST))) == MOST


TYPE, OTHER_TYPE = some_id("standing"), some_id("seated")


def take(gate: Gate, quantity: int, address: str = SCHOOL, ticket_type: UUID = TYPE, *, is_known: bool = False) -> None:
    with gate.limit.holding(address, ticket_type, quantity, lambda: is_known):
        pass


def test_guests_of_an_address_take_so_many_tickets_of_a_type_in_the_time_of_two_holds(gate: Gate) -> None:
    take(gate, 10)
    with pytest.raises(TooManyGuests) as refusal:
        take(gate, 3)
    assert refusal.value.retry_after == timedelta(minutes=30)
    take(gate, 2)
    take(gate, 10, HOME)
    take(gate, 10, ticket_type=OTHER_TYPE)
    take(gate, 10, "")
    gate.clock.advance(timedelta(minutes=30))
    take(gate, 12)


def test_what_a_guest_is_not_given_counts_for_nobody(gate: Gate) -> None:
    for _ in range(3):
        with pytest.raises(RuleViolated), gate.limit.holding(SCHOOL, TYPE, 10, lambda: False):
            raise RuleViolated("sold out")
    take(gate, 12)


def test_what_may_be_held_all_the_same_counts(gate: Gate) -> None:
    with pytest.raises(Unavailable), gate.limit.holding(SCHOOL, TYPE, 10, lambda: False):
        raise Unavailable("the reply was lost")
    with pytest.raises(TooManyGuests):
        take(gate, 3)


def test_a_request_that_is_repeated_gets_its_answer(gate: Gate) -> None:
    take(gate, 10)
    take(gate, 10, is_known=True)
    take(gate, 2)


def test_more_than_the_limit_at_once_is_for_the_limit_of_an_order_to_refuse(gate: Gate) -> None:
    take(gate, 1000)
    with pytest.raises(TooManyGuests):
        take(gate, 1)
