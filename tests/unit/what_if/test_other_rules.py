"""What would have become of small sales under other rules."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.caller import Actor
from chalicelib.shop.concerts.commands import cancel_concert
from chalicelib.shop.inventory.events import TicketsSold
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL
from ops.what_if.comparison import Comparison
from ops.what_if.outcome import measure
from ops.what_if.replay import replay
from ops.what_if.rules import Rules
from ops.what_if.sale import Sale
from tests.support.shop import ORGANISER, PAY_WITHIN, Shop
from tests.unit.what_if.sales import Visit, simulated_sale, sweep, what_if

MINUTE = timedelta(minutes=1)

Minutes = Callable[[float], None]


@pytest.fixture
def after(memory_shop: Shop) -> Minutes:
    """So many minutes later."""

    def advance(minutes: float) -> None:
        memory_shop.clock.advance(minutes * MINUTE)

    return advance


def person(name: str) -> UUID:
    return Actor.of(name, []).id


def shorter_holds(minutes: float) -> Rules:
    return Rules(hold_for=minutes * MINUTE)


def sold(compared: Comparison) -> tuple[int, int]:
    return compared.was.sold, compared.would_be.sold


# Holds


def test_shorter_holds_block_what_nobody_buys_for_a_shorter_time(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(10)
    Visit(memory_shop, "browser").takes(standing, 10)
    after(16)
    Visit(memory_shop, "buyer").buys(standing, 10)
    after(4)
    compared = what_if(memory_shop, concert_id, shorter_holds(8))
    was, would_be = compared.was, compared.would_be
    assert (was.wasted_minutes, would_be.wasted_minutes) == (150, 80)
    assert (was.lapsed, would_be.lapsed) == (10, 10)
    for outcome in (was, would_be):
        assert outcome.minutes_until(outcome.nothing_free_at) == 0
        assert outcome.minutes_until(outcome.sold_out_at) == 16
    assert (sold(compared), compared.changed) == ((10, 10), {})


def test_a_customer_whose_hold_has_ended_asks_again_at_the_next_step(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(3)
    slow = Visit(memory_shop, "slow").takes(standing, 3)
    after(12)
    slow.pays(slow.orders())
    compared = what_if(memory_shop, concert_id, shorter_holds(8))
    assert (compared.replayed.again, compared.would_be.lapsed, sold(compared)) == (1, 3, (3, 3))


def test_what_somebody_else_took_meanwhile_is_gone(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(5)
    slow = Visit(memory_shop, "slow").takes(standing, 3)
    after(10)
    Visit(memory_shop, "quick").buys(standing, 2)
    slow.pays(slow.orders())
    compared = what_if(memory_shop, concert_id, Rules(hold_for=8 * MINUTE, capacities={standing: 4}))
    assert compared.changed == {person("slow"): (3, 0)}
    assert (compared.replayed.again, compared.replayed.refused) == (1, {"sold_out": 1})


def test_a_cart_is_extended_by_the_other_time_and_no_further_than_twice(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(2)
    visit = Visit(memory_shop, "visitor").takes(standing, 2)
    after(5)
    visit.extends()
    after(30)
    compared = what_if(memory_shop, concert_id, shorter_holds(8))
    assert (compared.was.wasted_minutes, compared.would_be.wasted_minutes) == (2 * 20, 2 * 13)
    compared = what_if(memory_shop, concert_id, shorter_holds(3))
    assert compared.replayed.again == 1
    assert compared.would_be.wasted_minutes == 2 * (3 + 1)  # twice three minutes from the first hold, and no more


def test_longer_holds_take_from_those_who_came_after(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(4)
    Visit(memory_shop, "browser").takes(standing, 4)
    after(16)
    Visit(memory_shop, "buyer").buys(standing, 4)
    after(60)
    compared = what_if(memory_shop, concert_id, shorter_holds(30))
    assert sold(compared) == (4, 0)
    assert (compared.changed, compared.replayed.refused) == ({person("buyer"): (4, 0)}, {"sold_out": 1})


# Payments


def test_an_order_that_was_paid_too_late_for_the_rules_is_lost(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(4)
    slow = Visit(memory_shop, "slow").takes(standing, 2)
    order_id = slow.orders()
    after(10)
    slow.pays(order_id)
    Visit(memory_shop, "quick").buys(standing, 2)
    compared = what_if(memory_shop, concert_id, Rules(pay_within=5 * MINUTE))
    assert compared.changed == {person("slow"): (2, 0)}
    assert (compared.would_be.unpaid, compared.would_be.wasted_minutes) == (2, 10)
    assert compared.replayed.refused == {"order_expired": 1}
    assert what_if(memory_shop, concert_id, Rules(pay_within=11 * MINUTE)).changed == {}


def test_an_unpaid_order_ends_as_long_after_its_deadline_as_it_did(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(4)
    order_id = Visit(memory_shop, "nobody").takes(standing, 2).orders()
    memory_shop.clock.advance(PAY_WITHIN + MINUTE)
    sweep(memory_shop, order_id)
    after(60)
    for minutes, blocked in ((5, 2 * 6), (20, 2 * 21), (40, 2 * 41)):
        compared = what_if(memory_shop, concert_id, Rules(pay_within=minutes * MINUTE))
        assert (compared.was.wasted_minutes, compared.would_be.wasted_minutes) == (2 * 21, blocked)
        assert (compared.was.unpaid, compared.would_be.unpaid) == (2, 2)


def test_an_order_whose_deadline_has_not_come_yet_is_not_ended(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(4)
    Visit(memory_shop, "nobody").takes(standing, 2).orders()
    after(10)
    compared = what_if(memory_shop, concert_id, Rules(pay_within=30 * MINUTE))
    assert (compared.would_be.unpaid, compared.would_be.wasted_minutes) == (0, 2 * 10)


# Patience


def test_a_patient_customer_gets_what_comes_free_and_does_all_the_rest_later(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(4)
    Visit(memory_shop, "browser").takes(standing, 4)
    after(16)
    buyer = Visit(memory_shop, "buyer").takes(standing, 4)
    after(2)
    order_id = buyer.orders()
    after(3)
    buyer.pays(order_id)
    after(60)
    compared = what_if(memory_shop, concert_id, Rules(hold_for=30 * MINUTE, patience=20 * MINUTE))
    assert (compared.changed, compared.replayed.waited, compared.replayed.refused) == ({}, 1, {})
    was, would_be = compared.was, compared.would_be
    assert (was.minutes_until(was.sold_out_at), would_be.minutes_until(would_be.sold_out_at)) == (21, 30 + 2 + 3)
    compared = what_if(memory_shop, concert_id, Rules(hold_for=30 * MINUTE, patience=13 * MINUTE))
    assert (compared.changed, compared.replayed.refused) == ({person("buyer"): (4, 0)}, {"sold_out": 1})


def test_who_had_to_wait_stays_late(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(4)
    Visit(memory_shop, "browser").takes(standing, 4)
    after(16)
    buyer = Visit(memory_shop, "buyer").takes(standing, 4)
    after(5)
    buyer.pays(buyer.orders())
    after(60)
    compared = what_if(memory_shop, concert_id, Rules(hold_for=18 * MINUTE, patience=5 * MINUTE))
    assert compared.would_be.minutes_until(compared.would_be.sold_out_at) == 18 + 5


def test_who_waits_for_one_thing_buys_the_others_later(memory_shop: Shop, after: Minutes) -> None:
    concert_id = memory_shop.draft()
    standing, seated = memory_shop.ticket_type(concert_id, 4), memory_shop.ticket_type(concert_id, 4, name="Seated")
    memory_shop.publish(concert_id)
    Visit(memory_shop, "browser").takes(standing, 4)
    after(16)
    buyer = Visit(memory_shop, "buyer").takes(standing, 1).takes(seated, 2)
    buyer.pays(buyer.orders())
    after(60)
    for patience, sold_at, got in ((5, 16 + 5, 2), (20, 30, 3)):
        rules = Rules(hold_for=30 * MINUTE, patience=patience * MINUTE)
        compared = what_if(memory_shop, concert_id, rules)
        assert compared.would_be.tickets == {person("buyer"): got}
        [sold, *_] = [e for events in compared.replayed.pools.values() for e in events if isinstance(e, TicketsSold)]
        assert compared.was.minutes_until(sold.at) == sold_at


def test_of_two_who_wait_the_first_is_served_first(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(4)
    Visit(memory_shop, "browser").takes(standing, 3)
    after(16)
    for name in ("first", "second"):
        Visit(memory_shop, name).buys(standing, 2)
    after(60)
    rules = Rules(hold_for=30 * MINUTE, patience=20 * MINUTE, capacities={standing: 4})
    assert what_if(memory_shop, concert_id, rules).changed == {}
    rules = replace(rules, capacities={standing: 3})
    compared = what_if(memory_shop, concert_id, rules)
    assert compared.would_be.tickets == {person("first"): 2}


# Limits


def test_a_limit_a_customer_leaves_as_many_as_it_permits(memory_shop: Shop) -> None:
    concert_id, standing = memory_shop.on_sale(10)
    for name, quantity in (("scalper", 4), ("scalper", 3), ("fan", 2), ("fan", 1)):
        Visit(memory_shop, name).buys(standing, quantity)
    compared = what_if(memory_shop, concert_id, Rules(max_per_customer=2))
    assert compared.changed == {person("scalper"): (7, 2), person("fan"): (3, 2)}
    assert (compared.replayed.fewer, compared.replayed.refused) == (1, {"customer_limit_exceeded": 2})
    assert (compared.was.largest_share, compared.would_be.largest_share) == (70, 50)
    assert (compared.was.sold_out_at is None, compared.would_be.sold_out_at is None) == (False, True)


def test_a_limit_an_order_leaves_as_many_as_it_permits(memory_shop: Shop) -> None:
    concert_id, standing = memory_shop.on_sale(10)
    visit = Visit(memory_shop, "group").takes(standing, 2).takes(standing, 4)
    visit.pays(visit.orders())
    compared = what_if(memory_shop, concert_id, Rules(max_per_order=3))
    assert (compared.changed, compared.replayed.fewer) == ({person("group"): (6, 3)}, 1)


def test_a_limit_of_then_holds_unless_another_is_named(memory_shop: Shop) -> None:
    concert_id = memory_shop.draft(max_per_customer=4)
    standing = memory_shop.ticket_type(concert_id)
    memory_shop.publish(concert_id)
    Visit(memory_shop, "fan").buys(standing, 4)
    assert what_if(memory_shop, concert_id, shorter_holds(8)).changed == {}
    assert what_if(memory_shop, concert_id, Rules(max_per_customer=3)).changed == {person("fan"): (4, 3)}


# Capacity


def test_a_smaller_house_serves_those_who_came_first(memory_shop: Shop) -> None:
    concert_id, standing = memory_shop.on_sale(10)
    for name, quantity in (("first", 4), ("second", 4), ("third", 1)):
        Visit(memory_shop, name).buys(standing, quantity)
    compared = what_if(memory_shop, concert_id, Rules(capacities={standing: 5}))
    assert compared.changed == {person("second"): (4, 0)}  # nobody takes a part of what is wanted
    assert (compared.would_be.capacity, sold(compared)) == (5, (9, 5))


def test_a_larger_house_sells_nothing_of_which_the_log_knows_no_buyer(memory_shop: Shop) -> None:
    concert_id, standing = memory_shop.on_sale(120)
    for name in "abcdefghijkl":
        Visit(memory_shop, name).buys(standing, 10)
    compared = what_if(memory_shop, concert_id, Rules(capacities={standing: 300}))
    assert (compared.would_be.capacity, compared.changed, compared.would_be.sold_out_at) == (300, {}, None)


def test_a_capacity_holds_from_the_first_to_the_last_minute(memory_shop: Shop) -> None:
    concert_id, standing = memory_shop.on_sale(10)
    memory_shop.change_quantity(concert_id, standing, 20)
    Visit(memory_shop, "buyer").buys(standing, 10)
    memory_shop.change_quantity(concert_id, standing, 12)
    compared = what_if(memory_shop, concert_id, Rules(capacities={standing: 15}))
    assert (compared.was.capacity, compared.would_be.capacity, sold(compared)) == (12, 15, (10, 10))


def test_a_cancelled_concert_closes_under_all_rules(memory_shop: Shop, after: Minutes) -> None:
    concert_id, standing = memory_shop.on_sale(10)
    Visit(memory_shop, "buyer").buys(standing, 3)
    after(1)
    cancel_concert(memory_shop.repository, memory_shop.request(ORGANISER), concert_id)
    compared = what_if(memory_shop, concert_id, Rules(max_per_customer=2))
    assert sold(compared) == (3, 2)


# Any sale, any rules

RULES = st.builds(
    Rules,
    hold_for=st.none() | st.integers(1, 60).map(lambda minutes: minutes * MINUTE),
    pay_within=st.none() | st.integers(1, 60).map(lambda minutes: minutes * MINUTE),
    max_per_customer=st.none() | st.integers(1, 6),
    max_per_order=st.none() | st.integers(1, 6),
    patience=st.integers(0, 30).map(lambda minutes: minutes * MINUTE),
)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), RULES, st.none() | st.integers(1, 12))
def test_under_any_rules_no_pool_has_more_than_its_capacity_and_nobody_more_than_a_limit(
    seed: int, rules: Rules, capacity: int | None
) -> None:
    recording = simulated_sale(seed)
    sale = Sale.of(recording)
    if capacity is not None:
        rules = replace(rules, capacities={next(iter(sale.concert.ticket_types)): capacity})
    replayed = replay(sale, rules)
    assert replay(sale, rules) == replayed
    for events in replayed.pools.values():
        for length in range(len(events)):
            pool = TICKET_POOL.fold(events[: length + 1])
            assert 0 <= pool.held + pool.sold <= pool.capacity
    outcome = measure(replayed.pools, replayed.customers, recording.until)
    assert outcome.most <= (rules.max_per_customer or outcome.most)
