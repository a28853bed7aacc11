"""A request that is repeated after the key of ids was changed is a new request, and sells nothing twice."""

import pytest

from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.carts.cart import CartCheckedOutAlready
from chalicelib.shop.orders.order import AlreadyPaid, PaymentInProgress
from tests.support.shop import CUSTOMER, IDS, Shop


@pytest.fixture
def shop() -> Shop:
    return Shop(MemoryEventStore())


def test_tickets_that_are_added_again_are_in_the_cart_before_anybody_pays(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    for key in ("under the old key", "under the new key"):
        shop.add(cart_id, ticket_type_id, 2, shop.request(CUSTOMER, key))
    assert [line.quantity for line in shop.cart_state(cart_id).lines.values()] == [2, 2]


def test_a_cart_that_is_checked_out_again_names_its_order(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id)
    placed = shop.check_out(cart_id, shop.request(CUSTOMER, "under the old key"))
    with pytest.raises(CartCheckedOutAlready) as refused:
        shop.check_out(cart_id, shop.request(CUSTOMER, "under the new key"))
    assert refused.value.facts == {"order_id": str(placed.order_id)}


@pytest.mark.parametrize(
    ("token", "refusal"), [("tok_visa", AlreadyPaid), ("tok_delayed", PaymentInProgress)], ids=["paid", "open"]
)
def test_an_order_that_is_paid_again_is_charged_once(shop: Shop, token: str, refusal: type[Exception]) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id, token, shop.request(CUSTOMER, "under the old key"))
    with pytest.raises(refusal):
        shop.pay(order_id, token, shop.request(CUSTOMER, "under the new key"))
    assert len(shop.order_state(order_id).payments) == 1


def test_tickets_keep_the_ids_under_which_they_were_issued(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, 2)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id)
    issued = [ticket.id for ticket in shop.order_state(order_id).tickets]
    assert issued == [IDS.id_of("ticket", order_id, index) for index in range(2)]
