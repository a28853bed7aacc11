"""What a cart decides, and what it refuses."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from chalicelib.platform.errors import IdempotencyKeyReused, NotFound
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import CurrencyMismatch, Money
from chalicelib.shop.carts.cart import (
    CART,
    MAX_LINES,
    MAX_SHARES,
    Cart,
    CartCheckedOutAlready,
    CartEmpty,
    CartFull,
    LinesExpired,
    OrderLimitExceeded,
)
from chalicelib.shop.carts.events import CartCheckedOut, CartCreated, CartItemAdded, CartItemRemoved, CartLine
from chalicelib.shop.inventory.events import PoolShare
from chalicelib.shop.orders.order import ORDER as ORDER_AGGREGATE
from tests.support.scenario import given
from tests.support.shop import CUSTOMER, OTHER_CUSTOMER, some_id
from tests.support.stored import SOME_TIME as NOW

MINUTE = timedelta(minutes=1)
DEADLINE = NOW + 15 * MINUTE
STANDING, SEATED = some_id("standing"), some_id("seated")
ITEM, OTHER = some_id("item"), some_id("other item")
ORDER = some_id("order")


def line(
    item_id: UUID = ITEM,
    quantity: int = 2,
    ticket_type_id: UUID = STANDING,
    price: Money | None = None,
    shares: int = 1,
    until: datetime = DEADLINE,
) -> CartLine:
    return CartLine(
        id=item_id,
        ticket_type_id=ticket_type_id,
        quantity=quantity,
        ticket_type_name="Standing",
        concert_id=some_id("concert"),
        concert_name="Patti Smith",
        unit_price=price or Money.of("25.00", "EUR"),
        shares=tuple(PoolShare(pool_id=some_id(f"pool {number}"), quantity=1) for number in range(shares)),
        expires_at=until,
    )


def added(item: CartLine, at: datetime = NOW) -> CartItemAdded:
    return CartItemAdded(item=item, request_hash="item hash", at=at)


CREATED = CartCreated(customer_id=CUSTOMER.id, request_hash="hash", is_listed=True, at=NOW)
ADDED = added(line())
REMOVED = CartItemRemoved(item_id=ITEM, at=NOW)
CHECKED_OUT = CartCheckedOut(order_id=ORDER, request_hash="checkout hash", at=NOW)
BOUGHT: tuple[Event, ...] = (CREATED, ADDED, CHECKED_OUT)


def test_a_cart_is_created_for_its_customer() -> None:
    given(CART).when(lambda cart: cart.create(CUSTOMER.id, "hash", NOW)).then(CREATED)


def test_creating_a_cart_again_changes_nothing() -> None:
    given(CART, CREATED).when(lambda cart: cart.create(CUSTOMER.id, "hash", NOW)).then_nothing()


def test_creating_a_cart_again_with_another_body_is_refused() -> None:
    outcome = given(CART, CREATED).when(lambda cart: cart.create(CUSTOMER.id, "other", NOW))
    outcome.then_refuses(IdempotencyKeyReused)


def test_a_line_is_added_with_its_hold_and_price() -> None:
    given(CART, CREATED).when(lambda cart: cart.add_item(line(), 10, "item hash", NOW)).then(ADDED)


def test_a_cart_knows_the_request_that_added_a_line() -> None:
    state = given(CART, CREATED, ADDED).state
    assert state.has_done(ITEM, "item hash")
    assert not state.has_done(OTHER, "item hash")


def test_the_same_request_with_another_body_is_refused() -> None:
    with pytest.raises(IdempotencyKeyReused):
        given(CART, CREATED, ADDED).state.has_done(ITEM, "other")


@pytest.mark.parametrize("later", [(REMOVED,), (CHECKED_OUT,)], ids=["removed", "checked out"])
def test_a_request_is_known_even_when_its_line_was_removed_or_bought(later: tuple[Event, ...]) -> None:
    assert given(CART, CREATED, ADDED, *later).state.has_done(ITEM, "item hash")


def test_a_request_is_forgotten_after_a_day_but_not_before() -> None:
    just_before = added(line(OTHER), at=NOW + timedelta(days=1) - timedelta(milliseconds=1))
    a_day_later = added(line(OTHER), at=NOW + timedelta(days=1))
    assert given(CART, CREATED, ADDED, REMOVED, just_before).state.has_done(ITEM, "item hash")
    assert not given(CART, CREATED, ADDED, REMOVED, a_day_later).state.has_done(ITEM, "item hash")


def test_the_limit_per_order_can_be_reached() -> None:
    more = line(OTHER, quantity=8)
    outcome = given(CART, CREATED, ADDED).when(lambda cart: cart.add_item(more, 10, "item hash", NOW))
    outcome.then(added(more))


def test_the_limit_per_order_counts_all_lines_of_the_ticket_type() -> None:
    outcome = given(CART, CREATED, ADDED).when(lambda cart: cart.add_item(line(OTHER, quantity=9), 10, "hash", NOW))
    outcome.then_refuses(OrderLimitExceeded, limit=10, selected=2)


def test_the_limit_per_order_does_not_count_other_ticket_types_or_ended_holds() -> None:
    other_type = added(line(OTHER, ticket_type_id=SEATED))
    ended = added(line(some_id("ended"), until=NOW))
    ten = line(some_id("ten"), quantity=10)
    outcome = given(CART, CREATED, other_type, ended).when(lambda cart: cart.add_item(ten, 10, "item hash", NOW))
    outcome.then(added(ten))


def test_one_cart_has_one_currency() -> None:
    dollars = line(OTHER, price=Money.of("25.00", "USD"))
    outcome = given(CART, CREATED, ADDED).when(lambda cart: cart.add_item(dollars, 10, "hash", NOW))
    outcome.then_refuses(CurrencyMismatch, currency="EUR")


def test_another_currency_is_welcome_once_the_holds_in_the_first_have_ended() -> None:
    dollars = line(OTHER, price=Money.of("25.00", "USD"), until=DEADLINE + MINUTE)
    outcome = given(CART, CREATED, ADDED).when(lambda cart: cart.add_item(dollars, 10, "item hash", DEADLINE))
    outcome.then(added(dollars, at=DEADLINE))


def test_a_cart_has_at_most_twenty_lines() -> None:
    lines = [added(line(some_id(f"item {number}"), quantity=1)) for number in range(MAX_LINES)]
    given(CART, CREATED, *lines[1:]).when(lambda cart: cart.add_item(line(), 99, "item hash", NOW)).then(ADDED)
    outcome = given(CART, CREATED, *lines).when(lambda cart: cart.add_item(line(), 99, "item hash", NOW))
    outcome.then_refuses(CartFull, limit=MAX_LINES)


def test_a_cart_holds_in_at_most_forty_pools_so_that_a_checkout_fits_one_transaction() -> None:
    wide = added(line(OTHER, shares=MAX_SHARES - 1))
    given(CART, CREATED, wide).when(lambda cart: cart.add_item(line(), 99, "item hash", NOW)).then(ADDED)
    outcome = given(CART, CREATED, wide).when(lambda cart: cart.add_item(line(shares=2), 99, "hash", NOW))
    outcome.then_refuses(CartFull)


def test_a_line_is_removed() -> None:
    given(CART, CREATED, ADDED).when(lambda cart: cart.remove_item(ITEM, NOW)).then(REMOVED)


def test_removing_again_changes_nothing() -> None:
    given(CART, CREATED, ADDED, REMOVED).when(lambda cart: cart.remove_item(ITEM, NOW)).then_nothing()


def test_removing_again_after_the_checkout_changes_nothing() -> None:
    history = (CREATED, ADDED, added(line(OTHER)), REMOVED, CHECKED_OUT)
    given(CART, *history).when(lambda cart: cart.remove_item(ITEM, NOW)).then_nothing()


def test_a_line_that_never_was_cannot_be_removed() -> None:
    given(CART, CREATED, ADDED).when(lambda cart: cart.remove_item(OTHER, NOW)).then_refuses(NotFound)


def test_checking_out_names_the_order() -> None:
    given(CART, CREATED, ADDED).when(lambda cart: cart.check_out(ORDER, "checkout hash", NOW)).then(CHECKED_OUT)


def test_checking_out_again_changes_nothing() -> None:
    given(CART, *BOUGHT).when(lambda cart: cart.check_out(ORDER, "checkout hash", NOW)).then_nothing()


def test_checking_out_again_with_another_body_is_refused() -> None:
    given(CART, *BOUGHT).when(lambda c: c.check_out(ORDER, "other", NOW)).then_refuses(IdempotencyKeyReused)


def test_a_cart_is_checked_out_into_one_order_only() -> None:
    outcome = given(CART, *BOUGHT).when(lambda cart: cart.check_out(some_id("second order"), "checkout hash", NOW))
    outcome.then_refuses(CartCheckedOutAlready, order_id=str(ORDER))


def test_an_empty_cart_cannot_be_checked_out() -> None:
    given(CART, CREATED).when(lambda cart: cart.check_out(ORDER, "hash", NOW)).then_refuses(CartEmpty)
    given(CART, CREATED, ADDED, REMOVED).when(lambda c: c.check_out(ORDER, "hash", NOW)).then_refuses(CartEmpty)


def test_a_cart_with_ended_holds_cannot_be_checked_out_and_says_which() -> None:
    history = (CREATED, ADDED, added(line(OTHER, until=DEADLINE + MINUTE)))
    outcome = given(CART, *history).when(lambda cart: cart.check_out(ORDER, "hash", DEADLINE))
    outcome.then_refuses(LinesExpired, items=[str(ITEM)])


def test_a_hold_is_good_until_just_before_its_deadline() -> None:
    just_before = DEADLINE - timedelta(milliseconds=1)
    outcome = given(CART, CREATED, ADDED).when(lambda cart: cart.check_out(ORDER, "checkout hash", just_before))
    outcome.then(CHECKED_OUT.model_copy(update={"at": just_before}))


def test_a_checked_out_cart_cannot_be_changed() -> None:
    cart = given(CART, *BOUGHT)
    order_id = str(ORDER)
    cart.when(lambda c: c.add_item(line(OTHER), 10, "h", NOW)).then_refuses(CartCheckedOutAlready, order_id=order_id)
    cart.when(lambda c: c.remove_item(ITEM, NOW)).then_refuses(CartCheckedOutAlready, order_id=order_id)


def test_another_customers_cart_does_not_exist() -> None:
    with pytest.raises(NotFound):
        given(CART, CREATED).state.ensure_of(OTHER_CUSTOMER.id)
    with pytest.raises(NotFound):
        Cart().ensure_of(CUSTOMER.id)
    given(CART, CREATED).state.ensure_of(CUSTOMER.id)


def test_folding_a_checkout_creates_no_order_and_has_no_effect_but_on_the_cart() -> None:
    """The predecessor made an Order inside Apply, with a new id at every fold."""
    states = [CART.fold(BOUGHT) for _ in range(3)]
    assert states[0] == states[1] == states[2]
    assert (states[0].order_id, states[0].checked_out) == (ORDER, True)
    assert ORDER_AGGREGATE.fold(BOUGHT) == ORDER_AGGREGATE.initial


def test_a_checked_out_cart_of_the_original_has_no_order() -> None:
    outcome = given(CART, CartCreated(customer_id=CUSTOMER.id), CartCheckedOut()).when(
        lambda cart: cart.check_out(ORDER, "hash", NOW)
    )
    outcome.then_refuses(CartCheckedOutAlready, order_id=None)


def test_a_line_of_the_original_has_no_hold_and_cannot_be_bought() -> None:
    bare = CartItemAdded(item=CartLine(id=ITEM, ticket_type_id=STANDING, quantity=1))
    outcome = given(CART, CartCreated(customer_id=CUSTOMER.id), bare).when(lambda c: c.check_out(ORDER, "hash", NOW))
    outcome.then_refuses(LinesExpired, items=[str(ITEM)])
