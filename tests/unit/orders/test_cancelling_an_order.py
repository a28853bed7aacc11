"""A customer cancels an order that is not paid: its stock and allowance are free at once."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from chalicelib.platform.errors import CloudbashError, NotFound, Unavailable
from chalicelib.shop.inventory.allowance import CustomerLimitExceeded
from chalicelib.shop.orders.commands import CANCELLED_BY_CUSTOMER, CANCELLED_BY_OPERATOR
from chalicelib.shop.orders.events import OrderCancelled
from chalicelib.shop.orders.order import NotCancellable, OrderOverdue, PaymentInProgress
from chalicelib.shop.orders.payments.port import Attempt, PaymentPending
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.settlement import settle_payment
from tests.support.request_scenario import given_streams
from tests.support.shop import CUSTOMER, OPERATOR, OTHER_CUSTOMER, PAY_WITHIN, Shop, some_id
from tests.unit.orders.test_orders_requests import ORDER, PLACED


def paid_but_unknown(shop: Shop, order_id: UUID, token: str) -> UUID:
    with suppress(CloudbashError):
        shop.pay(order_id, token)
    return shop.gateway.asked[-1]


def test_its_tickets_are_for_sale_at_once(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=2)
    order_id = memory_shop.order(ticket_type_id)
    assert memory_shop.cancel_order(order_id).order.status is OrderStatus.CANCELLED
    memory_shop.add(memory_shop.cart(OTHER_CUSTOMER), ticket_type_id, 2, memory_shop.request(OTHER_CUSTOMER))


def test_it_is_read_once_and_its_pool_once(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    memory_shop.repository, usage = memory_shop.other_container(), memory_shop.store.usage
    before = usage.reads
    memory_shop.cancel_order(order_id)
    assert usage.reads - before == 2


def test_its_allowance_is_free_at_once(memory_shop: Shop) -> None:
    """The case: a limit of two, two held and checked out and not paid, and two held again."""
    concert_id = memory_shop.draft(max_per_customer=2)
    ticket_type_id = memory_shop.ticket_type(concert_id)
    memory_shop.publish(concert_id)
    order_id = memory_shop.order(ticket_type_id)
    cart_id = memory_shop.cart()
    with pytest.raises(CustomerLimitExceeded):
        memory_shop.add(cart_id, ticket_type_id, 2)
    memory_shop.cancel_order(order_id)
    memory_shop.add(cart_id, ticket_type_id, 2)


def test_cancelling_again_changes_nothing(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    first = memory_shop.cancel_order(order_id)
    before = memory_shop.log([order_id])
    assert memory_shop.cancel_order(order_id) == first
    assert memory_shop.log([order_id]) == before


def test_an_open_payment_is_ended_at_the_provider_first(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    payment_id = paid_but_unknown(memory_shop, order_id, "tok_delayed")
    memory_shop.cancel_order(order_id)
    memory_shop.clock.advance(timedelta(minutes=5))
    settle_payment(memory_shop.context(), order_id, payment_id)
    memory_shop.settle(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.CANCELLED
    assert memory_shop.gateway.taken_for(order_id) == Decimal(0)


def test_a_payment_that_has_succeeded_unheard_confirms_the_order_instead(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    paid_but_unknown(memory_shop, order_id, "tok_lost_reply")
    with pytest.raises(NotCancellable) as refusal:
        memory_shop.cancel_order(order_id)
    assert refusal.value.facts == {"order_status": "confirmed"}
    assert memory_shop.order_state(order_id).status is OrderStatus.CONFIRMED
    assert memory_shop.gateway.taken_for(order_id) == Decimal("50.00")


def test_a_payment_that_the_provider_cannot_close_yet_is_waited_for(
    memory_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    paid_but_unknown(memory_shop, order_id, "tok_delayed")

    def undecided(_: Attempt) -> PaymentPending:
        return PaymentPending()

    monkeypatch.setattr(memory_shop.gateway, "cancel", undecided)
    with pytest.raises(PaymentInProgress):
        memory_shop.cancel_order(order_id)
    assert memory_shop.pool(ticket_type_id).held == 2


def test_while_the_provider_is_away_nothing_is_cancelled(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    paid_but_unknown(memory_shop, order_id, "tok_delayed")
    memory_shop.gateway.unreachable = True
    with pytest.raises(Unavailable):
        memory_shop.cancel_order(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.AWAITING_PAYMENT


def test_money_that_confirmed_nothing_goes_back_although_the_cancellation_is_done(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    memory_shop.gateway.lose_charge_replies = 1
    paid_but_unknown(memory_shop, order_id, "tok_wrong_amount")
    memory_shop.cancel_order(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.CANCELLED
    assert memory_shop.gateway.taken_for(order_id) == Decimal(0)


@pytest.mark.parametrize("price", ["25.00", "0.00"], ids=["paid", "free"])
def test_a_confirmed_order_is_not_cancelled(memory_shop: Shop, price: str) -> None:
    _, ticket_type_id = memory_shop.on_sale(price=price)
    order_id = memory_shop.order(ticket_type_id)
    if price != "0.00":
        memory_shop.pay(order_id)
    with pytest.raises(NotCancellable):
        memory_shop.cancel_order(order_id)
    assert memory_shop.pool(ticket_type_id).sold == 2


def test_an_order_that_has_expired_is_over_already(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    memory_shop.clock.advance(PAY_WITHIN)
    memory_shop.settle(order_id)
    with pytest.raises(OrderOverdue):
        memory_shop.cancel_order(order_id)


def test_another_customers_order_does_not_exist_and_one_that_was_never_placed_for_nobody(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    with pytest.raises(NotFound):
        memory_shop.cancel_order(order_id, OTHER_CUSTOMER)
    with pytest.raises(NotFound):
        memory_shop.cancel_order(some_id("never placed"), OPERATOR)


def test_over_http_the_answer_names_order_status_and_version() -> None:
    answered = given_streams({ORDER: [PLACED]}).when(CUSTOMER, "POST", f"/orders/{ORDER}/cancel")
    body = {"order_id": str(ORDER), "status": "cancelled", "version": 1}
    answered.then(200, body, {ORDER: [OrderCancelled(reason=CANCELLED_BY_CUSTOMER, at=PLACED.at)]})


def test_an_operator_cancels_anybodys_order_and_the_reason_says_so() -> None:
    answered = given_streams({ORDER: [PLACED]}).when(OPERATOR, "POST", f"/orders/{ORDER}/cancel")
    assert answered.status == 200
    assert answered.news == {ORDER: [OrderCancelled(reason=CANCELLED_BY_OPERATOR, at=PLACED.at)]}
