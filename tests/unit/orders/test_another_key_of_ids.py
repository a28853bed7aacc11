"""A request that is repeated after the key of ids was changed is a new request, and sells nothing twice."""

import pytest

from chalicelib.shop.carts.cart import CartCheckedOutAlready
from chalicelib.shop.orders.order import AlreadyPaid, PaymentInProgress
from tests.support.shop import CUSTOMER, IDS, Shop


def test_tickets_that_are_added_again_are_in_the_cart_before_anybody_pays(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    for key in ("under the old key", "under the new key"):
        memory_shop.add(cart_id, ticket_type_id, 2, memory_shop.request(CUSTOMER, key))
    assert [line.quantity for line in memory_shop.cart_state(cart_id).lines.values()] == [2, 2]


def test_a_cart_that_is_checked_out_again_names_its_order(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    placed = memory_shop.check_out(cart_id, memory_shop.request(CUSTOMER, "under the old key"))
    with pytest.raises(CartCheckedOutAlready) as refused:
        memory_shop.check_out(cart_id, memory_shop.request(CUSTOMER, "under the new key"))
    assert refused.value.facts == {"order_id": str(placed.order_id)}


@pytest.mark.parametrize(
    ("token", "refusal"), [("tok_visa", AlreadyPaid), ("tok_delayed", PaymentInProgress)], ids=["paid", "open"]
)
def test_an_order_that_is_paid_again_is_charged_once(memory_shop: Shop, token: str, refusal: type[Exception]) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    order_id = memory_shop.check_out(cart_id).order_id
    memory_shop.pay(order_id, token, memory_shop.request(CUSTOMER, "under the old key"))
    with pytest.raises(refusal):
        memory_shop.pay(order_id, token, memory_shop.request(CUSTOMER, "under the new key"))
    assert len(memory_shop.order_state(order_id).payments) == 1


def test_tickets_keep_the_ids_under_which_they_were_issued(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, 2)
    order_id = memory_shop.check_out(cart_id).order_id
    memory_shop.pay(order_id)
    issued = [ticket.id for ticket in memory_shop.order_state(order_id).tickets]
    assert issued == [IDS.id_of("ticket", order_id, index) for index in range(2)]
