"""An area under every order of decisions on its pools, with clocks that disagree: no type ever has too much.

The buyer of this machine does what a hold over several pools does, on the states as they are: races are proven by the
versions of the streams, and tested elsewhere.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.shop.inventory.events import AreaPoolOpened, OfferedTicketType
from chalicelib.shop.inventory.pool_sizing import deal_ceiling
from chalicelib.shop.inventory.spanning import Shares, available_in, quota_moves, span
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool, TicketsSoldOut, pool_id
from tests.support.scenario import as_read
from tests.support.shop import some_id
from tests.support.stored import SOME_TIME

AREA = some_id("area")
ADULT, CHILD, EARLY_BIRD = (some_id(name) for name in ("adult", "child", "early bird"))
types = st.sampled_from([ADULT, CHILD, EARLY_BIRD])
spans = st.integers(0, 20 * 60_000).map(lambda ms: timedelta(milliseconds=ms))
skews = st.integers(0, 2000).map(lambda ms: timedelta(milliseconds=ms))
ceilings = st.one_of(st.none(), st.integers(1, 9))


@dataclass
class Line:
    ticket_type_id: UUID
    shares: Shares


class SharedStockMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.pools: dict[UUID, TicketPool] = {}
        self.history: dict[UUID, list[Event]] = {}
        self.ceilings: dict[UUID, int | None] = {}
        self.capacity = 0
        self.lines: dict[UUID, Line] = {}
        self.now = SOME_TIME

    @initialize(capacities=st.lists(st.integers(1, 5), min_size=1, max_size=3), child=ceilings, early=ceilings)
    def open(self, capacities: list[int], child: int | None, early: int | None) -> None:
        self.ceilings = {ADULT: None, CHILD: child, EARLY_BIRD: early}
        self.capacity = sum(capacities)
        quotas = {
            key: deal_ceiling(ceiling, capacities, number)
            for number, (key, ceiling) in enumerate(self.ceilings.items())
            if ceiling is not None
        }
        for index, capacity in enumerate(capacities):
            of_pool = {key: dealt[index] for key, dealt in quotas.items()}
            key = pool_id(AREA, index)
            self.pools[key], self.history[key] = TicketPool(), []
            self._record(key, TicketPool().open(opening(index, len(capacities), capacity, of_pool)))

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self.now += span

    @rule(quantity=st.integers(1, 6), of_type=types, skew=skews, lasts=spans)
    def hold(self, quantity: int, of_type: UUID, skew: timedelta, lasts: timedelta) -> None:
        clock, hold_id = self.now - skew, some_id(f"hold {len(self.lines)}")
        pools = self._at(clock)
        free = self._free_by_type(pools)[of_type]
        assert available_in(pools.values(), of_type) == free
        if quantity > free:
            with pytest.raises(TicketsSoldOut) as refusal:
                span(pools, quantity, of_type)
            assert refusal.value.facts == {"available": free}
            return
        shares = span(pools, quantity, of_type)
        into = self._move(pools, shares, of_type, clock)
        for share in shares:
            arguments = share.quantity, clock, clock + lasts, of_type, into.get(share.pool_id, 0)
            self._record(share.pool_id, self.pools[share.pool_id].hold(hold_id, some_id("cart"), *arguments))
        self.lines[hold_id] = Line(of_type, shares)

    @rule(quantity=st.integers(1, 4), of_type=types)
    def a_single_pool_gives_what_is_free_within_its_quota_and_no_more(self, quantity: int, of_type: UUID) -> None:
        for pool in self.pools.values():
            now = pool.at(self.now)
            left = [now.quotas[of_type] - now.taken_of(of_type)] if of_type in now.quotas else []
            available = min([now.capacity - now.held - now.sold, *left])
            if quantity <= available:
                assert pool.hold(some_id("x"), some_id("x"), quantity, self.now, self.now, of_type)
                continue
            with pytest.raises(TicketsSoldOut) as refusal:
                pool.hold(some_id("x"), some_id("x"), quantity, self.now, self.now, of_type)
            assert refusal.value.facts == {"available": available}

    @rule(data=st.data(), skew=skews)
    @precondition(lambda self: self.lines)
    def release(self, data: st.DataObject, skew: timedelta) -> None:
        hold_id = data.draw(st.sampled_from(list(self.lines)))
        for share in self.lines[hold_id].shares:
            self._record(share.pool_id, self.pools[share.pool_id].release(hold_id, self.now - skew))

    @rule(data=st.data(), skew=skews)
    @precondition(lambda self: self.lines)
    def sell(self, data: st.DataObject, skew: timedelta) -> None:
        """All shares in one transaction, so all or none."""
        hold_id = data.draw(st.sampled_from(list(self.lines)))
        try:
            events = {
                share.pool_id: self.pools[share.pool_id].sell(hold_id, some_id("order"), self.now - skew)
                for share in self.lines[hold_id].shares
            }
        except CloudbashError:
            return
        for key, sold in events.items():
            self._record(key, sold)

    @rule(quantity=st.integers(1, 4), of_type=types, skew=skews)
    def sell_to_a_late_payment(self, quantity: int, of_type: UUID, skew: timedelta) -> None:
        clock = self.now - skew
        pools = self._at(clock)
        if quantity > available_in(pools.values(), of_type):
            return
        shares = span(pools, quantity, of_type)
        into = self._move(pools, shares, of_type, clock)
        for share in shares:
            arguments = share.quantity, clock, of_type, into.get(share.pool_id, 0)
            sold = self.pools[share.pool_id].sell_unheld(some_id("late"), some_id("order"), *arguments)
            self._record(share.pool_id, sold)

    @rule(quantity=st.integers(1, 4), of_type=types, data=st.data())
    def take_back(self, quantity: int, of_type: UUID, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(list(self.pools)))
        pool = self.pools[key]
        returned = pool.take_back(some_id("hold"), some_id("order"), of_type, quantity, self.now)
        self._record(key, returned)
        assert pool.sold - self.pools[key].sold == min(quantity, pool.sold_of.get(of_type, 0))

    @rule(by=st.integers(-4, 4), data=st.data(), number=st.integers(0, 10**6))
    def change_the_capacity(self, by: int, data: st.DataObject, number: int) -> None:
        key = data.draw(st.sampled_from(list(self.pools)))
        before = self.pools[key].capacity
        self._record(key, self.pools[key].change_capacity(some_id(f"change {number}"), by, self.now))
        self.capacity += self.pools[key].capacity - before

    @invariant()
    def held_and_sold_never_exceed_the_capacity_nor_a_ceiling_at_any_instant(self) -> None:
        deadlines = [hold.expires_at for pool in self.pools.values() for hold in pool.holds.values()]
        for instant in [self.now - timedelta(seconds=2), self.now, self.now + timedelta(days=1), *deadlines]:
            pools = self._at(instant).values()
            assert 0 <= sum(pool.held + pool.sold for pool in pools) <= self.capacity
            for pool in pools:
                assert 0 <= pool.held + pool.sold <= pool.capacity
                assert sum(pool.sold_of.values()) == pool.sold
            for key, ceiling in self.ceilings.items():
                taken = [pool.taken_of(key) for pool in pools]
                assert min(taken) >= 0
                if ceiling is not None:
                    assert sum(pool.quotas[key] for pool in pools) == ceiling
                    assert sum(taken) <= ceiling
                    assert all(count <= pool.quotas[key] for count, pool in zip(taken, pools, strict=True))

    def teardown(self) -> None:
        for key, pool in self.pools.items():
            assert TICKET_POOL.fold(as_read(self.history[key])) == pool

    def _at(self, clock: datetime) -> dict[UUID, TicketPool]:
        return {key: pool.at(clock) for key, pool in self.pools.items()}

    def _free_by_type(self, pools: dict[UUID, TicketPool]) -> dict[UUID, int]:
        """Computed from the area and the ceilings, without quotas."""
        rest = self.capacity - sum(pool.held + pool.sold for pool in pools.values())
        taken = {key: sum(pool.taken_of(key) for pool in pools.values()) for key in self.ceilings}
        return {
            key: rest if ceiling is None else min(rest, ceiling - taken[key]) for key, ceiling in self.ceilings.items()
        }

    def _move(self, pools: dict[UUID, TicketPool], shares: Shares, of_type: UUID, clock: datetime) -> dict[UUID, int]:
        if self.ceilings[of_type] is None:
            return {}
        moves = quota_moves(pools, shares, of_type)
        assert sum(moves.out.values()) == sum(moves.into.values())
        assert moves.out.keys().isdisjoint(moves.into)
        for key, part in moves.out.items():
            self._record(key, self.pools[key].change_quota(of_type, -part, clock))
        return dict(moves.into)

    def _record(self, key: UUID, events: list[Event]) -> None:
        self.history[key] += events
        self.pools[key] = TICKET_POOL.fold(events, self.pools[key])


def opening(index: int, count: int, capacity: int, quotas: dict[UUID, int]) -> AreaPoolOpened:
    return AreaPoolOpened(
        concert_id=some_id("concert"),
        concert_name="",
        area_id=AREA,
        area_name="",
        pool_index=index,
        pool_count=count,
        capacity=capacity,
        ticket_types=tuple(
            OfferedTicketType(
                id=key,
                name="",
                price=Money.of("1", "EUR"),
                max_per_order=9,
                sales_end=SOME_TIME + timedelta(days=9),
                quota=quotas.get(key),
            )
            for key in (ADULT, CHILD, EARLY_BIRD)
        ),
        at=SOME_TIME,
    )


TestSharedStockMachine = SharedStockMachine.TestCase
TestSharedStockMachine.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
