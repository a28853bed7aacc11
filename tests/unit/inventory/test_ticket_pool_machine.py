"""A pool under every order of decisions, with clocks that disagree by up to two seconds, against a simple model."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.shop.inventory.events import TicketPoolEvent, TicketPoolOpened
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, HoldExpired, NotOnSale, TicketPool, TicketsSoldOut
from tests.support.scenario import as_read
from tests.support.shop import some_id
from tests.support.stored import SOME_TIME

SKEW = timedelta(seconds=2)
MOMENT = timedelta(milliseconds=1)
SALE_ENDS = SOME_TIME + timedelta(minutes=40)
SALE_STOPS = SOME_TIME + timedelta(minutes=20)

skews = st.integers(0, 2000).map(lambda ms: timedelta(milliseconds=ms))
spans = st.one_of(
    st.sampled_from([timedelta(0), MOMENT, SKEW, timedelta(minutes=15)]),
    st.integers(0, 20 * 60_000).map(lambda ms: timedelta(milliseconds=ms)),
)


@dataclass
class ModelHold:
    quantity: int
    expires_at: datetime
    order_id: UUID | None = None


class TicketPoolMachine(RuleBasedStateMachine):
    """The model: a dict of holds that no event has yet outlived, a count of sold tickets, and the time of the last
    event. A hold leaves the dict for good when an event at or past its deadline is recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[Event] = []
        self.pool = TicketPool()
        self.now = SOME_TIME
        self.holds: dict[UUID, ModelHold] = {}
        self.ended: set[UUID] = set()
        self.ever: list[UUID] = []
        self.sold = 0
        self.capacity = 0
        self.last_at = SOME_TIME
        self.closed = False

    @initialize(capacity=st.integers(1, 6))
    def open(self, capacity: int) -> None:
        terms = TicketPoolOpened(
            concert_id=some_id("concert"),
            concert_name="",
            ticket_type_id=some_id("type"),
            ticket_type_name="",
            pool_index=0,
            pool_count=1,
            capacity=capacity,
            price=Money.of("1", "EUR"),
            max_per_order=9,
            sales_end=SALE_ENDS,
            at=self.now,
        )
        self.capacity, self.terms = capacity, terms
        self._record(self.pool.open(terms))

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self.now += span

    @rule(data=st.data())
    @precondition(lambda self: self.holds)
    def time_comes_close_to_a_deadline(self, data: st.DataObject) -> None:
        deadline = data.draw(st.sampled_from(sorted(hold.expires_at for hold in self.holds.values())))
        point = data.draw(st.sampled_from([-SKEW, -MOMENT, timedelta(0), MOMENT]))
        self.now = max(self.now, deadline + point)

    @rule(quantity=st.integers(1, 4), skew=skews, lasts=spans)
    def hold(self, quantity: int, skew: timedelta, lasts: timedelta) -> None:
        hold_id, clock = some_id(f"hold {len(self.ever)}"), self.now - skew
        live = self._live(clock)
        free = self.capacity - self.sold - sum(hold.quantity for hold in live.values())
        expected: type[CloudbashError] | None = None
        if self.closed or self.terms.sales_paused or self._time(clock) >= self.terms.sales_end:
            expected = NotOnSale
        elif quantity > free:
            expected = TicketsSoldOut
        facts = {"available": free} if expected is TicketsSoldOut else None
        expires_at = clock + lasts
        self.ever.append(hold_id)
        if self._decide(
            lambda p: p.hold(hold_id, some_id("cart"), quantity, clock, expires_at), clock, expected, facts
        ):
            self.holds[hold_id] = ModelHold(quantity, expires_at)
        else:
            self.ended.add(hold_id)

    @rule(data=st.data(), skew=skews, lasts=spans)
    @precondition(lambda self: self.ever)
    def place_on_order(self, data: st.DataObject, skew: timedelta, lasts: timedelta) -> None:
        hold_id, clock = data.draw(st.sampled_from(self.ever)), self.now - skew
        expires_at, order_id = clock + lasts, some_id(f"order of {hold_id}")
        hold = self._live(clock).get(hold_id)
        decided = self._decide(
            lambda p: p.place_on_order(hold_id, order_id, clock, expires_at), clock, self._needs(hold)
        )
        if decided and hold is not None:
            assert hold.order_id is None
            self.holds[hold_id] = ModelHold(hold.quantity, expires_at, order_id)

    @rule(data=st.data(), skew=skews)
    @precondition(lambda self: self.ever)
    def release(self, data: st.DataObject, skew: timedelta) -> None:
        hold_id, clock = data.draw(st.sampled_from(self.ever)), self.now - skew
        held = hold_id in self._live(clock)
        assert self._decide(lambda p: p.release(hold_id, clock), clock, None) == held
        if held:
            self._end(hold_id)

    @rule(data=st.data(), skew=skews)
    @precondition(lambda self: self.ever)
    def sell(self, data: st.DataObject, skew: timedelta) -> None:
        hold_id, clock = data.draw(st.sampled_from(self.ever)), self.now - skew
        hold = self._live(clock).get(hold_id)
        order_id = some_id(f"order of {hold_id}")
        if self._decide(lambda p: p.sell(hold_id, order_id, clock), clock, self._needs(hold)) and hold is not None:
            self.sold += hold.quantity
            self._end(hold_id)

    @rule(quantity=st.integers(1, 4), skew=skews)
    @precondition(lambda self: self.sold)
    def take_back(self, quantity: int, skew: timedelta) -> None:
        clock, taken = self.now - skew, 0 if self.closed else min(quantity, self.sold)
        kind = some_id("type")
        decided = self._decide(
            lambda p: p.take_back(some_id("hold"), some_id("order"), kind, quantity, clock), clock, None
        )
        assert decided == (taken > 0)
        self.sold -= taken

    @rule(data=st.data(), clock_behind=st.integers(0, 3600).map(lambda s: timedelta(seconds=s)))
    @precondition(lambda self: self.ended)
    def an_ended_hold_stays_ended_whatever_the_clock(self, data: st.DataObject, clock_behind: timedelta) -> None:
        hold_id, clock = data.draw(st.sampled_from(sorted(self.ended))), self.now - clock_behind
        refused = NotOnSale if self.closed else HoldExpired
        later = clock + timedelta(days=1)
        assert not self._decide(lambda p: p.place_on_order(hold_id, some_id("order"), clock, later), clock, refused)
        assert not self._decide(lambda p: p.sell(hold_id, some_id("order"), clock), clock, refused)
        assert not self._decide(lambda p: p.release(hold_id, clock), clock, None)

    @rule(skew=skews, version=st.integers(0, 5), paused=st.booleans(), ends=st.sampled_from([SALE_ENDS, SALE_STOPS]))
    def take_terms(self, skew: timedelta, version: int, paused: bool, ends: datetime) -> None:
        clock, known = self.now - skew, self.terms
        changes = {"terms_version": version, "sales_paused": paused, "sales_end": ends}
        offered = known.model_copy(update=changes)
        is_newer = not self.closed and version > known.terms_version
        assert self._decide(lambda p: p.take_terms(offered, clock), clock, None) == is_newer
        self.terms = offered if is_newer else known
        assert self.pool.terms == self.terms

    @rule(skew=skews, really=st.integers(0, 9))
    def close(self, skew: timedelta, really: int) -> None:
        if really == 0:
            clock = self.now - skew
            assert self._decide(lambda p: p.close(clock), clock, None) == (not self.closed)
            self.closed = True

    @invariant()
    def held_and_sold_never_exceed_the_capacity_at_any_instant(self) -> None:
        deadlines = [hold.expires_at for hold in self.holds.values()]
        instants = [self.now - SKEW, self.now, self.now + SKEW, self.now + timedelta(days=1), *deadlines]
        for pool in [self.pool, *(self.pool.at(instant) for instant in instants)]:
            assert pool.held >= 0
            assert pool.sold >= 0
            assert pool.held + pool.sold <= self.capacity
            assert pool.held == sum(hold.quantity for hold in pool.holds.values())
            assert pool.free == self.capacity - pool.held - pool.sold

    @invariant()
    def the_model_agrees_with_the_pool(self) -> None:
        holds = {key: ModelHold(hold.quantity, hold.expires_at, hold.order_id) for key, hold in self.pool.holds.items()}
        assert holds == self.holds
        assert (self.pool.sold, self.pool.last_at, self.pool.closed) == (self.sold, self.last_at, self.closed)
        if self.holds:
            assert self.pool.next_expiry is not None
            assert self.pool.next_expiry <= min(hold.expires_at for hold in self.holds.values())

    def teardown(self) -> None:
        assert TICKET_POOL.fold(as_read(self.history)) == self.pool
        instants = [event.at for event in self.history if isinstance(event, TicketPoolEvent)]
        assert instants == sorted(instants)

    def _decide(
        self,
        decide: Callable[[TicketPool], list[Event]],
        clock: datetime,
        expected: type[CloudbashError] | None,
        facts: dict[str, Any] | None = None,
    ) -> bool:
        """Whether anything was recorded; the refusal must be the expected one."""
        if expected is not None:
            with pytest.raises(expected) as refusal:
                decide(self.pool)
            assert facts is None or refusal.value.facts == facts
            return False
        events = decide(self.pool)
        if events:
            self.last_at = self._time(clock)
            for hold_id in self.holds.keys() - self._live(clock).keys():
                self._end(hold_id)
            self._record(events)
        return bool(events)

    def _record(self, events: list[Event]) -> None:
        self.history += events
        self.pool = TICKET_POOL.fold(events, self.pool)

    def _end(self, hold_id: UUID) -> None:
        del self.holds[hold_id]
        self.ended.add(hold_id)

    def _needs(self, hold: ModelHold | None) -> type[CloudbashError] | None:
        if self.closed:
            return NotOnSale
        return HoldExpired if hold is None else None

    def _time(self, clock: datetime) -> datetime:
        return max(clock, self.last_at)

    def _live(self, clock: datetime) -> dict[UUID, ModelHold]:
        now = self._time(clock)
        return {key: hold for key, hold in self.holds.items() if now < hold.expires_at}


TestTicketPoolMachine = TicketPoolMachine.TestCase
TestTicketPoolMachine.settings = settings(max_examples=100, stateful_step_count=35, deadline=None)
