"""A sale that is replayed under its own rules comes to what the log has, event for event."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.concerts.commands import cancel_concert
from chalicelib.shop.inventory.commands import close_pools, record_lapsed_holds
from chalicelib.shop.orders.complimentary import issue_tickets
from chalicelib.shop.orders.payments.port import Charged
from chalicelib.shop.orders.payments.sandbox import Token
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.settlement import record_outcome
from ops.what_if.comparison import Deviation, compare, first_deviation
from ops.what_if.recording import Recording
from ops.what_if.replay import replay
from ops.what_if.rules import AS_IT_WAS
from ops.what_if.sale import Sale
from tests.support.recorded_log import RecordedLog, in_memory, recorded_logs, streams_of
from tests.support.shop import HOLD_FOR, ORGANISER, PAY_WITHIN, Clock, Shop, some_id
from tests.unit.what_if.sales import Visit, gives_back, recorded_sale, simulated_sale, sweep

MINUTE = timedelta(minutes=1)
SEEDS = 40
SALES = 40


def ensure_the_same(recording: Recording) -> None:
    """Every event of every pool, and nothing refused; and what is measured, from either, is the same."""
    compared = compare(recording, AS_IT_WAS)
    assert compared.deviation is None
    assert compared.was == compared.would_be
    assert (compared.replayed.refused, compared.replayed.fewer, compared.replayed.again) == ({}, 0, 0)
    assert compared.replayed.pools == recording.stock


# Any sale


@settings(max_examples=SEEDS, deadline=None)
@given(st.integers(0, 10**6))
def test_a_log_of_the_simulator_is_reproduced_whatever_failed_and_however_wrong_the_clocks_were(seed: int) -> None:
    ensure_the_same(simulated_sale(seed))


Act = tuple[str, int, int]

ACTS = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "extend", "remove", "order", "pay", "pay", "decline", "cancel", "sweep"]),
        st.integers(0, 3),
        st.integers(0, 12),
    ),
    max_size=40,
)
"""What somebody does, which of four visitors, and for how many minutes nothing happens after that."""


class RandomSale:
    """A concert with a limit a customer, paid and free tickets, whose quantity the organiser may change."""

    def __init__(self, limit: int | None) -> None:
        self.shop = Shop(MemoryEventStore())
        self.concert_id = self.shop.draft(max_per_customer=limit)
        self.types = [
            self.shop.ticket_type(self.concert_id, 6, max_per_order=4),
            self.shop.ticket_type(self.concert_id, 3, price="0.00", name="Free"),
        ]
        self.shop.publish(self.concert_id)
        self.visits = [Visit(self.shop, f"visitor {number % 3}") for number in range(4)]
        self.orders = [some_id("no order")] * 4

    def act(self, act: Act) -> None:
        what, number, minutes = act
        visit = self.visits[number]
        acts: dict[str, Callable[[], object]] = {
            "take": lambda: visit.takes(self.types[minutes % 2], 1 + number % 3),
            "extend": visit.extends,
            "remove": lambda: self._remove(visit),
            "order": lambda: self._order(number),
            "pay": lambda: visit.pays(self.orders[number]),
            "decline": lambda: visit.pays(self.orders[number], Token.DECLINED),
            "cancel": lambda: visit.cancels(self.orders[number]),
            "sweep": self._sweep,
        }
        with suppress(CloudbashError):
            acts[what]()
        self.shop.clock.advance(minutes * MINUTE)

    def _order(self, number: int) -> None:
        self.orders[number] = self.visits[number].orders()

    def _remove(self, visit: Visit) -> None:
        for item_id in list(self.shop.cart_state(visit.cart_id).lines)[:1]:
            self.shop.remove(visit.cart_id, item_id, self.shop.request(visit.actor))

    def _sweep(self) -> None:
        concert = self.shop.concert_state(self.concert_id)
        record_lapsed_holds(self.shop.repository, concert.pool_ids, self.shop.request(ORGANISER).origin)
        for order_id in self.orders:
            sweep(self.shop, order_id)
        other = 13 - concert.ticket_types[self.types[0]].quantity
        self.shop.change_quantity(self.concert_id, self.types[0], other)


@settings(max_examples=SALES, deadline=None)
@given(ACTS, st.sampled_from([None, 1, 2, 4]))
def test_a_sale_with_limits_free_tickets_and_changes_of_the_quantity_is_reproduced(
    acts: list[Act], limit: int | None
) -> None:
    sale = RandomSale(limit)
    for act in acts:
        sale.act(act)
    ensure_the_same(recorded_sale(sale.shop.store, sale.concert_id, sale.shop.clock))


@pytest.mark.parametrize("recorded", recorded_logs(), ids=lambda recorded: recorded.directory.name)
def test_every_sale_of_the_log_of_one_day_is_reproduced(recorded: RecordedLog) -> None:
    streams = streams_of(recorded.items())
    log = in_memory(streams)
    concerts = {key: log.read(key) for key in streams}
    on_sale = [key for key, events in concerts.items() if "ConcertPublished" in " ".join(e.event_type for e in events)]
    reproduced = 0
    for key in on_sale:
        clock = Clock()
        clock.advance(timedelta(days=365 * 100))
        concert = Shop(log).concert_state(key)
        if concert.pool_ids:
            ensure_the_same(recorded_sale(log, key, clock))
            reproduced += 1
    assert reproduced


# One sale


def test_a_late_payment_takes_the_very_tickets_that_it_took(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(120)
    late = Visit(memory_shop, "late").takes(ticket_type_id, 3)
    order_id = late.orders()
    late.pays(order_id, Token.DELAYED)
    memory_shop.clock.advance(PAY_WITHIN + 10 * MINUTE)
    for name in ("one", "two", "three"):
        Visit(memory_shop, name).buys(ticket_type_id, 10)
    order = memory_shop.order_state(order_id)
    [payment_id] = order.payments
    record_outcome(memory_shop.context(), order_id, payment_id, Charged("late", order.total))
    assert memory_shop.order_state(order_id).status is OrderStatus.CONFIRMED
    ensure_the_same(recorded_sale(memory_shop.store, concert_id, memory_shop.clock))


def test_a_container_whose_clock_was_ahead_had_ended_the_hold_that_another_found_gone(memory_shop: Shop) -> None:
    concert_id, standing = memory_shop.on_sale(2)
    slow = Visit(memory_shop, "slow").takes(standing, 2)
    memory_shop.clock.advance(HOLD_FOR)
    Visit(memory_shop, "fast").takes(standing)
    memory_shop.clock.advance(-timedelta(seconds=1))
    [item_id] = memory_shop.cart_state(slow.cart_id).lines
    memory_shop.remove(slow.cart_id, item_id, memory_shop.request(slow.actor))
    memory_shop.clock.advance(MINUTE)
    ensure_the_same(recorded_sale(memory_shop.store, concert_id, memory_shop.clock))


def test_a_payment_that_found_the_concert_closed_at_the_same_instant_finds_it_closed_again(memory_shop: Shop) -> None:
    concert_id, standing = memory_shop.on_sale(2)
    buyer = Visit(memory_shop, "buyer").takes(standing)
    order_id = buyer.orders()
    buyer.pays(order_id, Token.DELAYED)
    memory_shop.clock.advance(PAY_WITHIN + 10 * MINUTE)
    cancel_concert(memory_shop.repository, memory_shop.request(ORGANISER), concert_id)
    close_pools(
        memory_shop.repository, memory_shop.concert_state(concert_id).pool_ids, memory_shop.request(ORGANISER).origin
    )
    order = memory_shop.order_state(order_id)
    [payment_id] = order.payments
    record_outcome(memory_shop.context(), order_id, payment_id, Charged("late", order.total))
    assert memory_shop.order_state(order_id).status is not OrderStatus.CONFIRMED
    ensure_the_same(recorded_sale(memory_shop.store, concert_id, memory_shop.clock))


def test_tickets_of_another_concert_in_the_same_cart_are_no_hindrance(memory_shop: Shop) -> None:
    concert_id, free = memory_shop.on_sale(price="0.00")
    other_id, paid = memory_shop.on_sale()
    visit = Visit(memory_shop, "both").takes(free, 2).takes(paid, 2).takes(paid, 1)
    memory_shop.clock.advance(8 * MINUTE)
    visit.pays(visit.extends().orders())
    for key, sold in ((concert_id, 2), (other_id, 3)):
        recording = recorded_sale(memory_shop.store, key, memory_shop.clock)
        ensure_the_same(recording)
        assert compare(recording, AS_IT_WAS).was.sold == sold


def test_who_gave_tickets_back_may_buy_as_many_again_and_the_counts_say_who_has_them(memory_shop: Shop) -> None:
    concert_id = memory_shop.draft(max_per_customer=2)
    standing = memory_shop.ticket_type(concert_id, 3)
    memory_shop.publish(concert_id)
    first = Visit(memory_shop, "first").takes(standing, 2)
    order_id = first.orders()
    first.pays(order_id)
    memory_shop.clock.advance(MINUTE)
    gives_back(memory_shop, order_id)
    memory_shop.clock.advance(MINUTE)
    Visit(memory_shop, "first").buys(standing, 2)
    Visit(memory_shop, "second").buys(standing, 1)
    recording = recorded_sale(memory_shop.store, concert_id, memory_shop.clock)
    ensure_the_same(recording)
    was = compare(recording, AS_IT_WAS).was
    assert (was.sold, was.served, was.most) == (3, 2, 2)


def test_a_guest_is_no_customer_whether_the_tickets_come_back_or_not(memory_shop: Shop) -> None:
    concert_id, standing = memory_shop.on_sale(5)
    guest = {"name": "Gina Guest"}
    for key in ("one", "other"):
        caller = memory_shop.request(ORGANISER, key)
        issue_tickets(memory_shop.repository, memory_shop.vault, caller, concert_id, standing, 2, guest)
    gives_back(memory_shop, caller.request.id)
    recording = recorded_sale(memory_shop.store, concert_id, memory_shop.clock)
    ensure_the_same(recording)
    was = compare(recording, AS_IT_WAS).was
    assert (was.sold, was.served) == (2, 0)


def test_a_sale_that_goes_on_is_reproduced_as_far_as_it_is_read(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    Visit(memory_shop, "first").buys(ticket_type_id)
    until = Clock(memory_shop.clock())
    memory_shop.clock.advance(MINUTE)
    Visit(memory_shop, "second").buys(ticket_type_id)
    recording = recorded_sale(memory_shop.store, concert_id, until)
    ensure_the_same(recording)
    assert compare(recording, AS_IT_WAS).was.sold == 1


def test_the_first_event_that_the_replay_did_not_make_is_named(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    Visit(memory_shop, "buyer").buys(ticket_type_id)
    recording = recorded_sale(memory_shop.store, concert_id, memory_shop.clock)
    [pool_id] = recording.concert.pool_ids
    again = replay(Sale.of(recording), AS_IT_WAS)
    assert first_deviation(recording, again) is None
    held = again.pools[pool_id][1]
    again.pools[pool_id][1] = held.model_copy(update={"at": held.at + MINUTE})
    assert first_deviation(recording, again) == Deviation(pool_id, 1)
    del again.pools[pool_id][1:]
    assert first_deviation(recording, again) == Deviation(pool_id, 1)
