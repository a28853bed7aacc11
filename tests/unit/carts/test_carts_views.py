"""What the document of a cart shows of its events."""

from datetime import timedelta

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.money import Money
from chalicelib.shop.carts.events import (
    CartCheckedOut,
    CartCreated,
    CartHoldsExtended,
    CartItemAdded,
    CartItemRemoved,
    CartLine,
    ExtendedLine,
)
from chalicelib.shop.carts.projections import fold_cart
from tests.support.scenario import given_view
from tests.support.shop import CUSTOMER, some_id
from tests.support.stored import SOME_TIME as NOW

CART, ITEM, ORDER = some_id("cart"), some_id("item"), some_id("order")
DEADLINE = NOW + timedelta(minutes=15)
CREATED = CartCreated(customer_id=CUSTOMER.id, at=NOW)
ADDED = CartItemAdded(
    item=CartLine(
        id=ITEM,
        ticket_type_id=some_id("standing"),
        quantity=2,
        ticket_type_name="Standing",
        concert_id=some_id("concert"),
        concert_name="Patti Smith",
        unit_price=Money.of("25.00", "EUR"),
        expires_at=DEADLINE,
    ),
    at=NOW,
)
EMPTY: JsonObject = {
    "type": "Cart",
    "id": str(CART),
    "customer_id": str(CUSTOMER.id),
    "created_at": format_instant(NOW),
    "status": "open",
    "order_id": None,
    "items": {},
}
LINE: JsonObject = {
    "id": str(ITEM),
    "ticket_type_id": str(some_id("standing")),
    "ticket_type_name": "Standing",
    "concert_id": str(some_id("concert")),
    "concert_name": "Patti Smith",
    "quantity": 2,
    "unit_price": {"amount": "25.00", "currency": "EUR"},
    "total": {"amount": "50.00", "currency": "EUR"},
    "hold_expires_at": format_instant(DEADLINE),
}


def test_a_new_cart_is_open_and_empty() -> None:
    given_view(fold_cart, CREATED, stream_id=CART).then(EMPTY)


def test_an_added_line_is_shown_with_its_price_and_its_deadline() -> None:
    given_view(fold_cart, CREATED, ADDED, stream_id=CART).then(EMPTY | {"items": {str(ITEM): LINE}})


def test_a_removed_line_is_not_shown() -> None:
    given_view(fold_cart, CREATED, ADDED, CartItemRemoved(item_id=ITEM, at=NOW), stream_id=CART).then(EMPTY)


def test_an_extended_hold_has_its_new_deadline() -> None:
    later = DEADLINE + timedelta(minutes=5)
    extended = CartHoldsExtended(
        extension_id=some_id("extension"), lines=(ExtendedLine(item_id=ITEM, expires_at=later),), at=NOW
    )
    line = LINE | {"hold_expires_at": format_instant(later)}
    given_view(fold_cart, CREATED, ADDED, extended).then_shows(items={str(ITEM): line})


def test_a_checked_out_cart_names_its_order() -> None:
    checked_out = CartCheckedOut(order_id=ORDER, at=NOW)
    given_view(fold_cart, CREATED, ADDED, checked_out).then_shows(status="checked_out", order_id=str(ORDER))
