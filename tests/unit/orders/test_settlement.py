"""What becomes of payments that come late, twice, wrong, or whose reply was lost."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from chalicelib.platform.errors import CloudbashError, Unavailable
from chalicelib.shop.carts.cart import MAX_LINES
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.orders.commands import PAYMENT_GRACE, PaymentReturned
from chalicelib.shop.orders.order_facts import REQUEST_TIME
from chalicelib.shop.orders.payments.port import Attempt, Declined
from chalicelib.shop.orders.payments.sandbox import DELAY
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from chalicelib.shop.orders.settlement import cancel_order, record_outcome, settle_payment
from tests.support.shop import CUSTOMER, ORGANISER, PAY_WITHIN, Shop

AFTER_THE_HOLDS = PAY_WITHIN + PAYMENT_GRACE
ENOUGH = AFTER_THE_HOLDS + REQUEST_TIME


def attempted(shop: Shop, order_id: UUID, token: str) -> UUID:
    """Pay and hear nothing, or nothing yet: the payment's id."""
    with suppress(CloudbashError):
        shop.pay(order_id, token)
    return shop.gateway.asked[-1]


def test_a_lost_reply_confirms_once_the_provider_is_asked(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    attempted(memory_shop, order_id, "tok_lost_reply")
    assert memory_shop.order_state(order_id).status is OrderStatus.AWAITING_PAYMENT
    memory_shop.settle(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.CONFIRMED
    assert memory_shop.gateway.taken_for(order_id) == Decimal("50.00")


def test_a_delayed_payment_is_pending_and_confirms_when_it_is_decided(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    paid = memory_shop.pay(order_id, "tok_delayed")
    assert (paid.status, paid.order_status) == (PaymentStatus.STARTED, OrderStatus.AWAITING_PAYMENT)
    settle_payment(memory_shop.context(), order_id, paid.payment_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.AWAITING_PAYMENT
    memory_shop.clock.advance(DELAY)
    settle_payment(memory_shop.context(), order_id, paid.payment_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.CONFIRMED


def test_another_amount_never_confirms_and_goes_back(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    with pytest.raises(PaymentReturned):
        memory_shop.pay(order_id, "tok_wrong_amount")
    order = memory_shop.order_state(order_id)
    assert (order.status, memory_shop.gateway.taken_for(order_id)) == (OrderStatus.AWAITING_PAYMENT, Decimal(0))
    assert [payment.status for payment in order.payments.values()] == [PaymentStatus.REFUNDED]
    memory_shop.pay(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.CONFIRMED


def test_a_late_payment_takes_stock_anew_at_the_fixed_price_after_the_sale(memory_shop: Shop) -> None:
    concert_id = memory_shop.draft()
    ticket_type_id = memory_shop.ticket_type(concert_id, 2, sales_end=memory_shop.clock() + timedelta(minutes=5))
    memory_shop.publish(concert_id)
    order_id = memory_shop.order(ticket_type_id)
    attempted(memory_shop, order_id, "tok_lost_reply")
    memory_shop.clock.advance(AFTER_THE_HOLDS)
    memory_shop.settle(order_id)
    order = memory_shop.order_state(order_id)
    assert (order.status, len(order.tickets)) == (OrderStatus.CONFIRMED, 2)
    pool = memory_shop.pool(ticket_type_id)
    assert (pool.held, pool.sold) == (0, 2)


def test_a_late_payment_takes_stock_from_several_pools(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=4 * TICKETS_PER_POOL)
    order_id = memory_shop.order(ticket_type_id, 4)
    attempted(memory_shop, order_id, "tok_lost_reply")
    memory_shop.clock.advance(AFTER_THE_HOLDS)
    memory_shop.occupy(ticket_type_id, TICKETS_PER_POOL - 1)
    memory_shop.settle(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.CONFIRMED
    assert [pool.sold for pool in memory_shop.pools(ticket_type_id)] == [1, 1, 1, 1]


def test_a_late_payment_goes_back_once_if_the_tickets_are_others_by_now(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=2)
    order_id = memory_shop.order(ticket_type_id)
    attempted(memory_shop, order_id, "tok_lost_reply")
    memory_shop.clock.advance(AFTER_THE_HOLDS)
    memory_shop.pay(memory_shop.order(ticket_type_id, 1))
    for _ in range(3):
        memory_shop.settle(order_id)
    order = memory_shop.order_state(order_id)
    assert (order.status, memory_shop.gateway.taken_for(order_id)) == (OrderStatus.EXPIRED, Decimal(0))
    assert [payment.status for payment in order.payments.values()] == [PaymentStatus.REFUNDED]
    assert memory_shop.pool(ticket_type_id).sold == 1


def test_a_payment_for_a_cancelled_concert_goes_back(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    concerts.cancel_concert(memory_shop.repository, memory_shop.request(ORGANISER), concert_id)
    with pytest.raises(PaymentReturned):
        memory_shop.pay(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.CANCELLED
    assert memory_shop.gateway.taken_for(order_id) == 0


def test_a_repeated_payment_that_went_back_gets_its_first_answer(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    concerts.cancel_concert(memory_shop.repository, memory_shop.request(ORGANISER), concert_id)
    answers = []
    for _ in range(2):
        with pytest.raises(PaymentReturned) as refusal:
            memory_shop.pay(
                order_id, caller=memory_shop.request(CUSTOMER, "key"), repository=memory_shop.other_container()
            )
        answers.append((refusal.value.detail, refusal.value.facts))
    assert answers[0] == answers[1]
    assert len(memory_shop.gateway.asked) == 1


def test_a_second_successful_payment_is_refunded_and_the_order_stays_confirmed(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    first = attempted(memory_shop, order_id, "tok_lost_reply")
    fail(memory_shop, order_id, first)
    memory_shop.pay(order_id)
    settle_payment(memory_shop.context(), order_id, first)
    order = memory_shop.order_state(order_id)
    assert (order.status, order.payments[first].status) == (OrderStatus.CONFIRMED, PaymentStatus.REFUNDED)
    assert memory_shop.gateway.taken_for(order_id) == Decimal("50.00")


def test_an_unpaid_order_expires_and_gives_its_holds_back(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    memory_shop.settle(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.AWAITING_PAYMENT
    memory_shop.clock.advance(PAY_WITHIN)
    memory_shop.settle(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.EXPIRED
    assert memory_shop.pool(ticket_type_id).held == 0


def test_before_an_order_expires_its_open_attempt_is_closed_at_the_provider(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    memory_shop.gateway.unreachable = True
    caller = memory_shop.request(CUSTOMER, "key")
    with pytest.raises(Unavailable):
        memory_shop.pay(order_id, caller=caller)
    memory_shop.clock.advance(ENOUGH)
    with pytest.raises(Unavailable):
        memory_shop.settle(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.AWAITING_PAYMENT
    memory_shop.gateway.unreachable = False
    memory_shop.settle(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.EXPIRED
    memory_shop.gateway.charge(
        Attempt(caller.request.id, order_id, memory_shop.order_state(order_id).total), "tok_visa"
    )
    assert memory_shop.gateway.taken_for(order_id) == 0


def test_an_attempt_whose_request_may_be_alive_is_left_alone(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    memory_shop.clock.advance(PAY_WITHIN - timedelta(seconds=1))
    memory_shop.gateway.unreachable = True
    payment_id = attempted(memory_shop, order_id, "tok_visa")
    memory_shop.gateway.unreachable = False
    memory_shop.clock.advance(REQUEST_TIME - timedelta(seconds=1))
    memory_shop.settle(order_id)
    assert memory_shop.order_state(order_id).payments[payment_id].status is PaymentStatus.STARTED
    memory_shop.clock.advance(timedelta(seconds=1))
    memory_shop.settle(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.EXPIRED


def test_cancelling_a_paid_order_refunds_it_once(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    memory_shop.pay(order_id)
    for _ in range(2):
        cancel_order(memory_shop.context(), order_id, concert_id, "The concert is cancelled.")
    assert memory_shop.order_state(order_id).status is OrderStatus.REFUNDED
    assert memory_shop.gateway.taken_for(order_id) == 0


def test_cancelling_closes_an_open_payment_and_gives_the_holds_back(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    attempted(memory_shop, order_id, "tok_delayed")
    cancel_order(memory_shop.context(), order_id, concert_id, "The concert is cancelled.")
    assert memory_shop.order_state(order_id).status is OrderStatus.CANCELLED
    assert (memory_shop.pool(ticket_type_id).held, memory_shop.gateway.taken_for(order_id)) == (0, Decimal(0))


def test_a_refund_whose_reply_was_lost_is_looked_up_and_not_repeated(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    memory_shop.pay(order_id)
    memory_shop.gateway.lose_refund_replies = 1
    with pytest.raises(Unavailable):
        cancel_order(memory_shop.context(), order_id, concert_id, "The concert is cancelled.")
    assert memory_shop.order_state(order_id).status is OrderStatus.REFUNDING
    memory_shop.settle(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.REFUNDED
    assert len(memory_shop.gateway.refunds_asked) == 1


def of_two_concerts(shop: Shop) -> tuple[UUID, UUID, UUID, UUID]:
    """An order of two tickets of one concert and one of another: its id, the first concert's, the second's, and the
    second's ticket type."""
    concert_id, ticket_type_id = shop.on_sale()
    other_id, other_type_id = shop.on_sale(price="40.00")
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, 2)
    shop.add(cart_id, other_type_id, 1)
    return shop.check_out(cart_id).order_id, concert_id, other_id, other_type_id


def test_a_cancelled_concerts_part_goes_back_and_the_other_concerts_tickets_stay(memory_shop: Shop) -> None:
    order_id, concert_id, other_id, other_type_id = of_two_concerts(memory_shop)
    memory_shop.pay(order_id)
    for _ in range(2):
        cancel_order(memory_shop.context(), order_id, concert_id, "The concert is cancelled.")
    order = memory_shop.order_state(order_id)
    assert (order.status, memory_shop.gateway.taken_for(order_id)) == (OrderStatus.CONFIRMED, Decimal("40.00"))
    assert [ticket.concert_id for ticket in order.valid_tickets] == [other_id]
    assert [ticket.id for ticket in order.tickets if memory_shop.store.read(ticket.id)] == list(order.revoked)
    for _ in range(2):
        cancel_order(memory_shop.context(), order_id, other_id, "The concert is cancelled.")
    assert memory_shop.order_state(order_id).status is OrderStatus.REFUNDED
    assert memory_shop.gateway.taken_for(order_id) == 0
    assert len(memory_shop.gateway.refunds_asked) == 2
    assert memory_shop.pool(other_type_id).sold == 1


def test_an_unpaid_order_is_cancelled_as_a_whole_and_what_it_held_of_another_concert_is_free_again(
    memory_shop: Shop,
) -> None:
    order_id, concert_id, _, other_type_id = of_two_concerts(memory_shop)
    cancel_order(memory_shop.context(), order_id, concert_id, "The concert is cancelled.")
    assert memory_shop.order_state(order_id).status is OrderStatus.CANCELLED
    assert (memory_shop.pool(other_type_id).held, memory_shop.pool(other_type_id).free) == (0, 10)


def test_a_payment_that_comes_when_one_concert_is_cancelled_goes_back_and_the_other_hold_is_given_back(
    memory_shop: Shop,
) -> None:
    order_id, concert_id, _, other_type_id = of_two_concerts(memory_shop)
    attempted(memory_shop, order_id, "tok_lost_reply")
    concerts.cancel_concert(memory_shop.repository, memory_shop.request(ORGANISER), concert_id)
    memory_shop.settle(order_id)
    order = memory_shop.order_state(order_id)
    assert (order.status, memory_shop.gateway.taken_for(order_id)) == (OrderStatus.CANCELLED, Decimal(0))
    assert (memory_shop.pool(other_type_id).held, memory_shop.pool(other_type_id).sold) == (0, 0)


def test_an_order_of_eight_hundred_tickets_is_refunded_once_and_each_ticket_is_told(memory_shop: Shop) -> None:
    concert_id, cart_id = memory_shop.draft(), memory_shop.cart()
    types = [memory_shop.ticket_type(concert_id, 40, "1.00", max_per_order=40) for _ in range(MAX_LINES)]
    memory_shop.publish(concert_id)
    for ticket_type_id in types:
        memory_shop.add(cart_id, ticket_type_id, 40)
    order_id = memory_shop.check_out(cart_id).order_id
    memory_shop.pay(order_id)
    for _ in range(2):
        cancel_order(memory_shop.context(), order_id, concert_id, "The concert is cancelled.")
    order = memory_shop.order_state(order_id)
    assert (order.status, len(order.tickets), order.valid_tickets) == (OrderStatus.REFUNDED, 800, [])
    assert [len(memory_shop.store.read(ticket.id)) for ticket in order.tickets] == [1] * 800
    assert len(memory_shop.gateway.refunds_asked) == 1


def test_tickets_are_revoked_while_the_provider_is_away(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    memory_shop.pay(order_id)
    memory_shop.gateway.lose_refund_replies = 1
    with pytest.raises(Unavailable):
        cancel_order(memory_shop.context(), order_id, concert_id, "The concert is cancelled.")
    order = memory_shop.order_state(order_id)
    assert (order.valid_tickets, order.revocations_under_way) == ([], {})
    assert [len(memory_shop.store.read(ticket.id)) for ticket in order.tickets] == [1, 1]


def test_news_of_a_payment_that_cannot_be_seen_yet_comes_again(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = memory_shop.order(ticket_type_id)
    with pytest.raises(Unavailable):
        settle_payment(memory_shop.context(), order_id, order_id)


def fail(shop: Shop, order_id: UUID, payment_id: UUID) -> None:
    """The provider first says that nothing was taken."""
    settled = record_outcome(shop.context(), order_id, payment_id, Declined("The card was declined."))
    assert settled.order.payments[payment_id].status is PaymentStatus.FAILED
