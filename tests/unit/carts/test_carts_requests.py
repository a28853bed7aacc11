"""What the routes of a cart answer, and what is in the log then."""

from datetime import timedelta
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.money import Money
from chalicelib.settings import Settings
from chalicelib.shop.carts.customer_carts import customer_carts_id
from chalicelib.shop.carts.events import (
    CartCheckedOut,
    CartCreated,
    CartItemAdded,
    CartItemRemoved,
    CartLine,
    CartListed,
)
from chalicelib.shop.inventory.events import (
    HoldPlacedOnOrder,
    HoldReleased,
    PoolShare,
    TicketPoolOpened,
    TicketsHeld,
)
from chalicelib.shop.inventory.ticket_pool import pool_id
from chalicelib.shop.orders.events import OrderPlaced
from tests.support.request_scenario import GivenStreams, given_streams
from tests.support.shop import BUYER, CUSTOMER, ORGANISER, OTHER_CUSTOMER, some_id
from tests.support.stored import SOME_TIME as NOW

CART, STANDING, ITEM = some_id("cart"), some_id("standing"), some_id("item")
POOL = pool_id(STANDING, 0)
UNTIL = NOW + Settings().hold_for
LONGEST = UNTIL + Settings().hold_for
CREATED = CartCreated(customer_id=CUSTOMER.id, is_listed=True, at=NOW)
OPENED = TicketPoolOpened(
    concert_id=some_id("concert"),
    concert_name="Patti Smith",
    organiser_id=ORGANISER.id,
    ticket_type_id=STANDING,
    ticket_type_name="Standing",
    pool_index=0,
    pool_count=1,
    capacity=10,
    price=Money.of("25.00", "EUR"),
    max_per_order=10,
    sales_end=NOW + timedelta(days=30),
    at=NOW,
)


def line(item_id: UUID = ITEM, quantity: int = 2) -> CartLine:
    return CartLine(
        id=item_id,
        ticket_type_id=STANDING,
        quantity=quantity,
        ticket_type_name="Standing",
        concert_id=some_id("concert"),
        concert_name="Patti Smith",
        unit_price=Money.of("25.00", "EUR"),
        shares=(PoolShare(pool_id=POOL, quantity=quantity),),
        expires_at=UNTIL,
        extendable_until=LONGEST,
    )


def held(item_id: UUID = ITEM, quantity: int = 2) -> TicketsHeld:
    return TicketsHeld(hold_id=item_id, cart_id=CART, quantity=quantity, expires_at=UNTIL, at=NOW)


def given_cart(*lines: CartLine) -> GivenStreams:
    """A cart with these lines, and the pool with their holds."""
    added: list[Event] = [CartItemAdded(item=each, at=NOW) for each in lines]
    holds: list[Event] = [held(each.id, each.quantity) for each in lines]
    return given_streams({CART: [CREATED, *added], POOL: [OPENED, *holds]})


def test_a_new_cart_is_the_callers() -> None:
    answered = given_streams({}).when(CUSTOMER, "POST", "/carts")
    cart_id = UUID(answered.body["id"])
    (created,) = answered.news[cart_id]
    listed = CartListed(customer_id=CUSTOMER.id, cart_id=cart_id, at=NOW)
    assert created == CartCreated(customer_id=CUSTOMER.id, at=NOW, request_hash=request_hash(created), is_listed=True)
    news: dict[UUID, list[Event]] = {cart_id: [created], customer_carts_id(CUSTOMER.id): [listed]}
    answered.then(201, {"id": str(cart_id), "version": 0}, news)
    assert answered.headers["location"] == f"/carts/{cart_id}"


def test_an_added_item_is_held_in_its_pool_and_put_into_the_cart_in_one_commit() -> None:
    answered = given_cart().when(
        CUSTOMER, "POST", f"/carts/{CART}/items", {"ticket_type_id": str(STANDING), "quantity": 2}
    )
    item_id = UUID(answered.body["item_id"])
    (added,) = answered.news[CART]
    answered.then(
        201,
        {"item_id": str(item_id), "hold_expires_at": format_instant(UNTIL), "version": 1},
        {
            CART: [CartItemAdded(item=line(item_id), request_hash=request_hash(added), at=NOW)],
            POOL: [held(item_id)],
        },
    )
    assert answered.headers["etag"] == '"1"'


def test_the_same_request_again_gets_the_same_answer_and_writes_nothing() -> None:
    given, body = given_cart(), {"ticket_type_id": str(STANDING), "quantity": 2}
    first = given.when(CUSTOMER, "POST", f"/carts/{CART}/items", body, idempotency_key="once")
    given.when(CUSTOMER, "POST", f"/carts/{CART}/items", body, idempotency_key="once").then(201, first.body, {})


def test_more_than_there_is_is_refused_with_what_there_is() -> None:
    body = {"ticket_type_id": str(STANDING), "quantity": 9}
    answered = given_cart(line()).when(CUSTOMER, "POST", f"/carts/{CART}/items", body)
    answered.then_refuses(409, "sold_out", available=8)


def test_to_another_customer_the_cart_does_not_exist() -> None:
    body = {"ticket_type_id": str(STANDING), "quantity": 1}
    given_cart().when(OTHER_CUSTOMER, "POST", f"/carts/{CART}/items", body).then_refuses(404, "not_found")


def test_a_body_that_is_wrong_is_refused_by_its_members() -> None:
    body = {"ticket_type_id": str(STANDING), "quantity": 0}
    answered = given_cart().when(CUSTOMER, "POST", f"/carts/{CART}/items", body)
    answered.then_refuses(422, "invalid_input")
    assert [error["pointer"] for error in answered.body["errors"]] == ["#/quantity"]


def test_a_removed_item_gives_its_tickets_back() -> None:
    answered = given_cart(line()).when(CUSTOMER, "DELETE", f"/carts/{CART}/items/{ITEM}")
    answered.then(
        204,
        None,
        {CART: [CartItemRemoved(item_id=ITEM, at=NOW)], POOL: [HoldReleased(hold_id=ITEM, quantity=2, at=NOW)]},
    )


def test_a_checkout_places_the_order_and_moves_its_holds_to_the_payments_deadline() -> None:
    given = given_cart(line())
    answered = given.when(CUSTOMER, "POST", f"/carts/{CART}/checkout", {"buyer": BUYER})
    order_id, due = UUID(answered.body["order_id"]), NOW + Settings().pay_within
    (checked_out,), (placed,), (moved,) = (answered.news[key] for key in (CART, order_id, POOL))
    assert isinstance(placed, OrderPlaced)
    assert isinstance(moved, HoldPlacedOnOrder)
    answered.then(
        201,
        {
            "order_id": str(order_id),
            "status": "awaiting_payment",
            "total": {"amount": "50.00", "currency": "EUR"},
            "payment_due_at": format_instant(due),
            "version": 0,
        },
        {
            CART: [CartCheckedOut(order_id=order_id, request_hash=request_hash(checked_out), at=NOW)],
            POOL: [HoldPlacedOnOrder(hold_id=ITEM, order_id=order_id, expires_at=moved.expires_at, at=NOW)],
            order_id: [placed],
        },
    )
    assert moved.expires_at > due
    assert (placed.cart_id, placed.payment_due_at, placed.lines[0].hold_id) == (CART, due, ITEM)
    assert given.shop.vault.open(placed.buyer) == BUYER


def test_an_empty_cart_cannot_be_checked_out() -> None:
    given_cart().when(CUSTOMER, "POST", f"/carts/{CART}/checkout", {"buyer": BUYER}).then_refuses(409, "cart_empty")


def request_hash(event: Event) -> str:
    """That the event stores to know the request again: there is one, and what it is does not matter here."""
    stored = str(getattr(event, "request_hash", ""))
    assert len(stored) == 64
    return stored
