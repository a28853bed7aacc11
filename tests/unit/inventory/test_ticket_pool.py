"""What a pool of tickets decides, and what it refuses."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.shop.inventory.events import (
    HoldPlacedOnOrder,
    HoldReleased,
    TicketPoolCleared,
    TicketPoolClosed,
    TicketPoolOpened,
    TicketsHeld,
    TicketsSold,
)
from chalicelib.shop.inventory.pool_parts import Hold
from chalicelib.shop.inventory.ticket_pool import (
    TICKET_POOL,
    HoldExpired,
    NotOnSale,
    TicketPool,
    TicketsSoldOut,
    pool_id,
)
from tests.support.scenario import given
from tests.support.shop import ORGANISER, some_id
from tests.support.stored import SOME_TIME as NOW

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DEADLINE = NOW + 15 * MINUTE
DUE = NOW + 22 * MINUTE
TYPE = some_id("standing")
CART = some_id("cart")
ORDER = some_id("order")
HOLD = some_id("hold")
OTHER = some_id("other hold")
TERMS = TicketPoolOpened(
    concert_id=some_id("concert"),
    concert_name="Patti Smith",
    organiser_id=ORGANISER.id,
    ticket_type_id=TYPE,
    ticket_type_name="Standing",
    pool_index=0,
    pool_count=1,
    capacity=10,
    price=Money.of("25.00", "EUR"),
    max_per_order=10,
    sales_end=NOW + timedelta(days=30),
    at=NOW,
)
CLOSED = TicketPoolClosed(at=NOW)
CLEARED = TicketPoolCleared(at=NOW)


def held(quantity: int = 2, hold_id: UUID = HOLD, at: datetime = NOW, until: datetime = DEADLINE) -> TicketsHeld:
    return TicketsHeld(hold_id=hold_id, cart_id=CART, quantity=quantity, expires_at=until, at=at)


def placed(at: datetime = NOW, until: datetime = DUE) -> HoldPlacedOnOrder:
    return HoldPlacedOnOrder(hold_id=HOLD, order_id=ORDER, expires_at=until, at=at)


def released(at: datetime = NOW, quantity: int = 2) -> HoldReleased:
    return HoldReleased(hold_id=HOLD, quantity=quantity, at=at)


def sold(at: datetime = NOW, quantity: int = 2, hold_id: UUID = HOLD) -> TicketsSold:
    return TicketsSold(hold_id=hold_id, order_id=ORDER, quantity=quantity, at=at)


def numbers(pool: TicketPool) -> tuple[int, int, int]:
    return pool.held, pool.sold, pool.free


def test_a_pool_is_opened_with_its_terms() -> None:
    given(TICKET_POOL).when(lambda pool: pool.open(TERMS)).then(TERMS)


def test_opening_again_changes_nothing_whatever_the_terms() -> None:
    other = TERMS.model_copy(update={"capacity": 99})
    given(TICKET_POOL, TERMS).when(lambda pool: pool.open(other)).then_nothing()


def test_tickets_are_held_until_the_deadline() -> None:
    given(TICKET_POOL, TERMS).when(lambda pool: pool.hold(HOLD, CART, 2, NOW, DEADLINE)).then(held())


def test_the_last_ticket_can_be_held() -> None:
    given(TICKET_POOL, TERMS, held(9, OTHER)).when(lambda pool: pool.hold(HOLD, CART, 1, NOW, DEADLINE)).then(held(1))


def test_more_than_is_left_is_refused_with_what_is_left() -> None:
    outcome = given(TICKET_POOL, TERMS, held(7, OTHER)).when(lambda pool: pool.hold(HOLD, CART, 4, NOW, DEADLINE))
    outcome.then_refuses(TicketsSoldOut, available=3)


def test_sold_and_held_tickets_both_count() -> None:
    history = (TERMS, held(4), sold(quantity=4), held(6, OTHER))
    outcome = given(TICKET_POOL, *history).when(lambda pool: pool.hold(some_id("late"), CART, 1, NOW, DEADLINE))
    outcome.then_refuses(TicketsSoldOut, available=0)


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_hold_of_no_tickets_is_refused_because_it_would_make_room_for_too_many(quantity: int) -> None:
    outcome = given(TICKET_POOL, TERMS).when(lambda pool: pool.hold(HOLD, CART, quantity, NOW, DEADLINE))
    assert isinstance(outcome.refusal, CloudbashError), outcome.events


def test_a_hold_is_there_until_just_before_its_deadline() -> None:
    state = given(TICKET_POOL, TERMS, held()).state
    just_before, reached = state.at(DEADLINE - timedelta(milliseconds=1)), state.at(DEADLINE)
    assert (numbers(just_before), numbers(reached)) == ((2, 0, 8), (0, 0, 10))


def test_tickets_of_an_ended_hold_can_be_held_by_another() -> None:
    outcome = given(TICKET_POOL, TERMS, held(10)).when(lambda p: p.hold(OTHER, CART, 10, DEADLINE, DEADLINE + MINUTE))
    outcome.then(held(10, OTHER, at=DEADLINE, until=DEADLINE + MINUTE))


def test_a_hold_leaves_other_holds_alone_when_it_ends() -> None:
    state = given(TICKET_POOL, TERMS, held(3), held(4, OTHER, until=DUE)).state.at(DEADLINE)
    assert (set(state.holds), numbers(state), state.next_expiry) == ({OTHER}, (4, 0, 6), DUE)


def test_a_pool_never_opened_sells_nothing() -> None:
    pool = given(TICKET_POOL)
    pool.when(lambda p: p.hold(HOLD, CART, 1, NOW, DEADLINE)).then_refuses(NotOnSale)
    pool.when(lambda p: p.place_on_order(HOLD, ORDER, NOW, DUE)).then_refuses(NotOnSale)
    pool.when(lambda p: p.sell(HOLD, ORDER, NOW)).then_refuses(NotOnSale)
    pool.when(lambda p: p.release(HOLD, NOW)).then_nothing()


def test_before_the_sale_starts_nothing_is_held() -> None:
    later = TERMS.model_copy(update={"sales_start": NOW + MINUTE})
    pool = given(TICKET_POOL, later)
    refused = pool.when(lambda p: p.hold(HOLD, CART, 1, NOW + MINUTE - timedelta(milliseconds=1), DEADLINE))
    refused.then_refuses(NotOnSale, sales_start="2030-01-01T12:01:00.000Z")
    pool.when(lambda p: p.hold(HOLD, CART, 2, NOW + MINUTE, DEADLINE)).then(held(at=NOW + MINUTE))


def test_once_the_sale_has_ended_nothing_is_held() -> None:
    brief = TERMS.model_copy(update={"sales_end": NOW + MINUTE})
    pool = given(TICKET_POOL, brief)
    before = NOW + MINUTE - timedelta(milliseconds=1)
    pool.when(lambda p: p.hold(HOLD, CART, 2, before, DEADLINE)).then(held(at=before))
    refused = pool.when(lambda p: p.hold(HOLD, CART, 1, NOW + MINUTE, DEADLINE))
    refused.then_refuses(NotOnSale, sales_end="2030-01-01T12:01:00.000Z")


def test_what_was_held_in_time_can_be_ordered_and_sold_after_the_sale_has_ended() -> None:
    brief = TERMS.model_copy(update={"sales_end": NOW + MINUTE})
    later = NOW + 2 * MINUTE
    pool = given(TICKET_POOL, brief, held())
    pool.when(lambda p: p.place_on_order(HOLD, ORDER, later, DUE)).then(placed(at=later))
    pool.when(lambda p: p.sell(HOLD, ORDER, later)).then(sold(at=later))


def test_the_window_is_judged_at_the_pools_own_time() -> None:
    brief = TERMS.model_copy(update={"sales_end": NOW + 2 * SECOND})
    slow_clock = NOW
    outcome = given(TICKET_POOL, brief, held(), released(at=NOW + 2 * SECOND)).when(
        lambda pool: pool.hold(OTHER, CART, 1, slow_clock, DEADLINE)
    )
    outcome.then_refuses(NotOnSale, sales_end="2030-01-01T12:00:02.000Z")


def test_a_hold_moves_to_the_deadline_of_its_order() -> None:
    given(TICKET_POOL, TERMS, held()).when(lambda pool: pool.place_on_order(HOLD, ORDER, NOW, DUE)).then(placed())
    state = given(TICKET_POOL, TERMS, held(), placed()).state
    assert state.at(DUE - SECOND).holds == {HOLD: Hold(2, DUE, CART, ORDER)}
    assert state.at(DUE).holds == {}


def test_a_hold_moves_only_once() -> None:
    much_later = DUE + 60 * MINUTE
    outcome = given(TICKET_POOL, TERMS, held(), placed()).when(
        lambda pool: pool.place_on_order(HOLD, ORDER, NOW, much_later)
    )
    outcome.then_nothing()


def test_an_ended_hold_cannot_be_ordered_or_sold() -> None:
    pool = given(TICKET_POOL, TERMS, held())
    pool.when(lambda p: p.place_on_order(HOLD, ORDER, DEADLINE, DUE)).then_refuses(HoldExpired)
    pool.when(lambda p: p.sell(HOLD, ORDER, DEADLINE)).then_refuses(HoldExpired)


def test_a_slow_clock_does_not_bring_an_ended_hold_back() -> None:
    slow_clock = DEADLINE - 2 * SECOND
    pool = given(TICKET_POOL, TERMS, held(), held(1, OTHER, at=DEADLINE, until=DUE))
    pool.when(lambda p: p.place_on_order(HOLD, ORDER, slow_clock, DUE)).then_refuses(HoldExpired)
    pool.when(lambda p: p.sell(HOLD, ORDER, slow_clock)).then_refuses(HoldExpired)
    pool.when(lambda p: p.release(HOLD, slow_clock)).then_nothing()


def test_the_time_of_a_pool_never_goes_back() -> None:
    slow_clock, late = NOW - 2 * SECOND, NOW + SECOND
    pool = given(TICKET_POOL, TERMS, held(at=late))
    pool.when(lambda p: p.hold(OTHER, CART, 1, slow_clock, DEADLINE)).then(held(1, OTHER, at=late))
    pool.when(lambda p: p.place_on_order(HOLD, ORDER, slow_clock, DUE)).then(placed(at=late))
    pool.when(lambda p: p.release(HOLD, slow_clock)).then(released(at=late))
    pool.when(lambda p: p.sell(HOLD, ORDER, slow_clock)).then(sold(at=late))
    pool.when(lambda p: p.close(slow_clock)).then(TicketPoolClosed(at=late), TicketPoolCleared(at=late))


def test_a_hold_is_released_with_its_quantity() -> None:
    given(TICKET_POOL, TERMS, held()).when(lambda pool: pool.release(HOLD, NOW)).then(released())
    assert numbers(given(TICKET_POOL, TERMS, held(), released()).state) == (0, 0, 10)


def test_releasing_again_or_after_the_end_changes_nothing() -> None:
    given(TICKET_POOL, TERMS, held(), released()).when(lambda pool: pool.release(HOLD, NOW)).then_nothing()
    given(TICKET_POOL, TERMS, held()).when(lambda pool: pool.release(HOLD, DEADLINE)).then_nothing()
    given(TICKET_POOL, TERMS, held(), sold()).when(lambda pool: pool.release(HOLD, NOW)).then_nothing()


def test_held_tickets_are_sold_once() -> None:
    given(TICKET_POOL, TERMS, held(), placed()).when(lambda pool: pool.sell(HOLD, ORDER, NOW)).then(sold())
    again = given(TICKET_POOL, TERMS, held(), placed(), sold())
    again.when(lambda pool: pool.sell(HOLD, ORDER, NOW)).then_refuses(HoldExpired)
    assert numbers(again.state) == (0, 2, 8)


def test_what_is_sold_adds_up() -> None:
    history = (TERMS, held(2), sold(quantity=2), held(3, OTHER), sold(quantity=3, hold_id=OTHER))
    assert numbers(given(TICKET_POOL, *history).state) == (0, 5, 5)


def test_a_released_hold_cannot_be_sold() -> None:
    outcome = given(TICKET_POOL, TERMS, held(), released()).when(lambda pool: pool.sell(HOLD, ORDER, NOW))
    outcome.then_refuses(HoldExpired)


def test_sold_tickets_stay_sold_whatever_the_time() -> None:
    state = given(TICKET_POOL, TERMS, held(), placed(), sold()).state
    assert numbers(state.at(NOW + timedelta(days=1000))) == (0, 2, 8)


@pytest.mark.parametrize("history", [(), (held(),), (held(), released())], ids=["new", "held", "released"])
def test_a_pool_that_no_order_ever_had_tickets_of_is_cleared_as_it_is_closed_once(history: tuple[Event, ...]) -> None:
    given(TICKET_POOL, TERMS, *history).when(lambda pool: pool.close(NOW)).then(CLOSED, CLEARED)
    given(TICKET_POOL, TERMS, *history, CLOSED, CLEARED).when(lambda pool: pool.close(NOW)).then_nothing()


@pytest.mark.parametrize(
    "history",
    [(held(), placed()), (held(), placed(), released()), (held(), placed(), sold()), (sold(),), (placed(),)],
    ids=["placed", "given back", "sold", "sold late", "placed unheld"],
)
def test_a_pool_that_an_order_has_or_had_tickets_of_is_closed_only(history: tuple[Event, ...]) -> None:
    given(TICKET_POOL, TERMS, *history).when(lambda pool: pool.close(NOW)).then(CLOSED)
    given(TICKET_POOL, TERMS, *history, CLOSED).when(lambda pool: pool.close(NOW)).then_nothing()
    lapsed = DUE + MINUTE
    given(TICKET_POOL, TERMS, *history).when(lambda pool: pool.close(lapsed)).then(TicketPoolClosed(at=lapsed))


def test_a_pool_that_yesterday_closed_without_orders_is_cleared() -> None:
    given(TICKET_POOL, TERMS, CLOSED).when(lambda pool: pool.close(NOW)).then(CLEARED)


def test_a_closed_pool_holds_keeps_and_sells_nothing() -> None:
    pool = given(TICKET_POOL, TERMS, held(), CLOSED)
    pool.when(lambda p: p.hold(OTHER, CART, 1, NOW, DEADLINE)).then_refuses(NotOnSale)
    pool.when(lambda p: p.place_on_order(HOLD, ORDER, NOW, DUE)).then_refuses(NotOnSale)
    pool.when(lambda p: p.sell(HOLD, ORDER, NOW)).then_refuses(NotOnSale)


def test_a_hold_in_a_closed_pool_can_still_be_given_back() -> None:
    given(TICKET_POOL, TERMS, held(), CLOSED).when(lambda pool: pool.release(HOLD, NOW)).then(released())


def test_a_pool_that_was_closed_before_it_was_opened_sells_nothing() -> None:
    given(TICKET_POOL).when(lambda pool: pool.close(NOW)).then(CLOSED, CLEARED)
    outcome = given(TICKET_POOL, CLOSED, TERMS).when(lambda pool: pool.hold(HOLD, CART, 1, NOW, DEADLINE))
    outcome.then_refuses(NotOnSale)


def test_a_pool_forgets_the_holds_that_have_ended() -> None:
    history: list[Event] = [TERMS]
    for number in range(50):
        at = NOW + number * MINUTE
        history.append(held(1, some_id(f"hold {number}"), at=at, until=at + MINUTE))
    assert len(given(TICKET_POOL, *history).state.holds) == 1


def test_the_id_of_a_pool_follows_from_its_ticket_type_and_index() -> None:
    assert pool_id(TYPE, 0) == pool_id(TYPE, 0)
    assert len({pool_id(TYPE, 0), pool_id(TYPE, 1), pool_id(some_id("seated"), 0)}) == 3


def test_a_late_payment_buys_what_is_free_after_its_hold_has_ended() -> None:
    pool = given(TICKET_POOL, TERMS, held())
    pool.when(lambda p: p.sell_unheld(HOLD, ORDER, 2, DEADLINE)).then(sold(at=DEADLINE))
    assert numbers(given(TICKET_POOL, TERMS, held(), sold(at=DEADLINE)).state) == (0, 2, 8)


def test_a_late_payment_does_not_care_for_the_sales_window() -> None:
    after = TERMS.sales_end + MINUTE
    given(TICKET_POOL, TERMS).when(lambda p: p.sell_unheld(HOLD, ORDER, 2, after)).then(sold(at=after))


def test_a_late_payment_takes_nothing_that_others_hold_or_that_is_closed() -> None:
    others = given(TICKET_POOL, TERMS, held(9, OTHER))
    others.when(lambda p: p.sell_unheld(HOLD, ORDER, 2, NOW)).then_refuses(TicketsSoldOut, available=1)
    closed = given(TICKET_POOL, TERMS, CLOSED)
    closed.when(lambda p: p.sell_unheld(HOLD, ORDER, 2, NOW)).then_refuses(NotOnSale)
