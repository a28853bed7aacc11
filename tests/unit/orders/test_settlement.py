"""What becomes of payments that come late, twice, wrong, or whose reply was lost."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from chalicelib.platform.errors import CloudbashError, Unavailable
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.carts.cart import MAX_LINES
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.orders.commands import PAYMENT_GRACE, PaymentReturned
from chalicelib.shop.orders.order import REQUEST_TIME
from chalicelib.shop.orders.payments.port import Attempt, Declined
from chalicelib.shop.orders.payments.sandbox import DELAY
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from chalicelib.shop.orders.settlement import cancel_order, record_outcome, settle, settle_payment
from tests.support.shop import CUSTOMER, ORGANISER, PAY_WITHIN, Shop

AFTER_THE_HOLDS = PAY_WITHIN + PAYMENT_GRACE
ENOUGH = AFTER_THE_HOLDS + REQUEST_TIME


@pytest.fixture
def shop() -> Shop:
    return Shop(MemoryEventStore())


def ordered(shop: Shop, ticket_type_id: UUID, quantity: int = 2) -> UUID:
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, quantity)
    return shop.check_out(cart_id).order_id


def attempted(shop: Shop, order_id: UUID, token: str) -> UUID:
    """Pay and hear nothing, or nothing yet: the payment's id."""
    with suppress(CloudbashError):
        shop.pay(order_id, token)
    return shop.gateway.asked[-1]


def test_a_lost_reply_confirms_once_the_provider_is_asked(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    attempted(shop, order_id, "tok_lost_reply")
    assert shop.order_state(order_id).status is OrderStatus.AWAITING_PAYMENT
    settle(shop.context(), order_id, shop.clock())
    assert shop.order_state(order_id).status is OrderStatus.CONFIRMED
    assert shop.gateway.taken_for(order_id) == Decimal("50.00")


def test_a_delayed_payment_is_pending_and_confirms_when_it_is_decided(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    paid = shop.pay(order_id, "tok_delayed")
    assert (paid.status, paid.order_status) == (PaymentStatus.STARTED, OrderStatus.AWAITING_PAYMENT)
    settle_payment(shop.context(), order_id, paid.payment_id)
    assert shop.order_state(order_id).status is OrderStatus.AWAITING_PAYMENT
    shop.clock.advance(DELAY)
    settle_payment(shop.context(), order_id, paid.payment_id)
    assert shop.order_state(order_id).status is OrderStatus.CONFIRMED


def test_another_amount_never_confirms_and_goes_back(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    with pytest.raises(PaymentReturned):
        shop.pay(order_id, "tok_wrong_amount")
    order = shop.order_state(order_id)
    assert (order.status, shop.gateway.taken_for(order_id)) == (OrderStatus.AWAITING_PAYMENT, Decimal(0))
    assert [payment.status for payment in order.payments.values()] == [PaymentStatus.REFUNDED]
    shop.pay(order_id)
    assert shop.order_state(order_id).status is OrderStatus.CONFIRMED


def test_a_late_payment_takes_stock_anew_at_the_fixed_price_after_the_sale(shop: Shop) -> None:
    concert_id = shop.draft()
    ticket_type_id = shop.ticket_type(concert_id, 2, sales_end=shop.clock() + timedelta(minutes=5))
    shop.publish(concert_id)
    order_id = ordered(shop, ticket_type_id)
    attempted(shop, order_id, "tok_lost_reply")
    shop.clock.advance(AFTER_THE_HOLDS)
    settle(shop.context(), order_id, shop.clock())
    order = shop.order_state(order_id)
    assert (order.status, len(order.tickets)) == (OrderStatus.CONFIRMED, 2)
    pool = shop.pool(ticket_type_id)
    assert (pool.held, pool.sold) == (0, 2)


def test_a_late_payment_takes_stock_from_several_pools(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale(quantity=4 * TICKETS_PER_POOL)
    order_id = ordered(shop, ticket_type_id, 4)
    attempted(shop, order_id, "tok_lost_reply")
    shop.clock.advance(AFTER_THE_HOLDS)
    shop.occupy(ticket_type_id, TICKETS_PER_POOL - 1)
    settle(shop.context(), order_id, shop.clock())
    assert shop.order_state(order_id).status is OrderStatus.CONFIRMED
    assert [pool.sold for pool in shop.pools(ticket_type_id)] == [1, 1, 1, 1]


def test_a_late_payment_goes_back_once_if_the_tickets_are_others_by_now(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale(quantity=2)
    order_id = ordered(shop, ticket_type_id)
    attempted(shop, order_id, "tok_lost_reply")
    shop.clock.advance(AFTER_THE_HOLDS)
    shop.pay(ordered(shop, ticket_type_id, 1))
    for _ in range(3):
        settle(shop.context(), order_id, shop.clock())
    order = shop.order_state(order_id)
    assert (order.status, shop.gateway.taken_for(order_id)) == (OrderStatus.EXPIRED, Decimal(0))
    assert [payment.status for payment in order.payments.values()] == [PaymentStatus.REFUNDED]
    assert shop.pool(ticket_type_id).sold == 1


def test_a_payment_for_a_cancelled_concert_goes_back(shop: Shop) -> None:
    concert_id, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    concerts.cancel_concert(shop.repository, shop.request(ORGANISER), concert_id)
    with pytest.raises(PaymentReturned):
        shop.pay(order_id)
    assert shop.order_state(order_id).status is OrderStatus.CANCELLED
    assert shop.gateway.taken_for(order_id) == 0


def test_a_repeated_payment_that_went_back_gets_its_first_answer(shop: Shop) -> None:
    concert_id, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    concerts.cancel_concert(shop.repository, shop.request(ORGANISER), concert_id)
    answers = []
    for _ in range(2):
        with pytest.raises(PaymentReturned) as refusal:
            shop.pay(order_id, caller=shop.request(CUSTOMER, "key"), repository=shop.other_container())
        answers.append((refusal.value.detail, refusal.value.facts))
    assert answers[0] == answers[1]
    assert len(shop.gateway.asked) == 1


def test_a_second_successful_payment_is_refunded_and_the_order_stays_confirmed(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    first = attempted(shop, order_id, "tok_lost_reply")
    fail(shop, order_id, first)
    shop.pay(order_id)
    settle_payment(shop.context(), order_id, first)
    order = shop.order_state(order_id)
    assert (order.status, order.payments[first].status) == (OrderStatus.CONFIRMED, PaymentStatus.REFUNDED)
    assert shop.gateway.taken_for(order_id) == Decimal("50.00")


def test_an_unpaid_order_expires_and_gives_its_holds_back(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    settle(shop.context(), order_id, shop.clock())
    assert shop.order_state(order_id).status is OrderStatus.AWAITING_PAYMENT
    shop.clock.advance(PAY_WITHIN)
    settle(shop.context(), order_id, shop.clock())
    assert shop.order_state(order_id).status is OrderStatus.EXPIRED
    assert shop.pool(ticket_type_id).held == 0


def test_before_an_order_expires_its_open_attempt_is_closed_at_the_provider(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    shop.gateway.unreachable = True
    caller = shop.request(CUSTOMER, "key")
    with pytest.raises(Unavailable):
        shop.pay(order_id, caller=caller)
    shop.clock.advance(ENOUGH)
    with pytest.raises(Unavailable):
        settle(shop.context(), order_id, shop.clock())
    assert shop.order_state(order_id).status is OrderStatus.AWAITING_PAYMENT
    shop.gateway.unreachable = False
    settle(shop.context(), order_id, shop.clock())
    assert shop.order_state(order_id).status is OrderStatus.EXPIRED
    shop.gateway.charge(Attempt(caller.request.id, order_id, shop.order_state(order_id).total), "tok_visa")
    assert shop.gateway.taken_for(order_id) == 0


def test_an_attempt_whose_request_may_be_alive_is_left_alone(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    shop.clock.advance(PAY_WITHIN - timedelta(seconds=1))
    shop.gateway.unreachable = True
    payment_id = attempted(shop, order_id, "tok_visa")
    shop.gateway.unreachable = False
    shop.clock.advance(REQUEST_TIME - timedelta(seconds=1))
    settle(shop.context(), order_id, shop.clock())
    assert shop.order_state(order_id).payments[payment_id].status is PaymentStatus.STARTED
    shop.clock.advance(timedelta(seconds=1))
    settle(shop.context(), order_id, shop.clock())
    assert shop.order_state(order_id).status is OrderStatus.EXPIRED


def test_cancelling_a_paid_order_refunds_it_once(shop: Shop) -> None:
    concert_id, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    shop.pay(order_id)
    for _ in range(2):
        cancel_order(shop.context(), order_id, concert_id, "The concert is cancelled.")
    assert shop.order_state(order_id).status is OrderStatus.REFUNDED
    assert shop.gateway.taken_for(order_id) == 0


def test_cancelling_closes_an_open_payment_and_gives_the_holds_back(shop: Shop) -> None:
    concert_id, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    attempted(shop, order_id, "tok_delayed")
    cancel_order(shop.context(), order_id, concert_id, "The concert is cancelled.")
    assert shop.order_state(order_id).status is OrderStatus.CANCELLED
    assert (shop.pool(ticket_type_id).held, shop.gateway.taken_for(order_id)) == (0, Decimal(0))


def test_a_refund_whose_reply_was_lost_is_looked_up_and_not_repeated(shop: Shop) -> None:
    concert_id, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    shop.pay(order_id)
    shop.gateway.lose_refund_replies = 1
    with pytest.raises(Unavailable):
        cancel_order(shop.context(), order_id, concert_id, "The concert is cancelled.")
    assert shop.order_state(order_id).status is OrderStatus.REFUNDING
    settle(shop.context(), order_id, shop.clock())
    assert shop.order_state(order_id).status is OrderStatus.REFUNDED
    assert len(shop.gateway.refunds_asked) == 1


def of_two_concerts(shop: Shop) -> tuple[UUID, UUID, UUID, UUID]:
    """An order of two tickets of one concert and one of another: its id, the first concert's, the second's, and the
    second's ticket type."""
    concert_id, ticket_type_id = shop.on_sale()
    other_id, other_type_id = shop.on_sale(price="40.00")
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, 2)
    shop.add(cart_id, other_type_id, 1)
    return shop.check_out(cart_id).order_id, concert_id, other_id, other_type_id


def test_a_cancelled_concerts_part_goes_back_and_the_other_concerts_tickets_stay(shop: Shop) -> None:
    order_id, concert_id, other_id, other_type_id = of_two_concerts(shop)
    shop.pay(order_id)
    for _ in range(2):
        cancel_order(shop.context(), order_id, concert_id, "The concert is cancelled.")
    order = shop.order_state(order_id)
    assert (order.status, shop.gateway.taken_for(order_id)) == (OrderStatus.CONFIRMED, Decimal("40.00"))
    assert [ticket.concert_id for ticket in order.valid_tickets] == [other_id]
    assert [ticket.id for ticket in order.tickets if shop.store.read(ticket.id)] == list(order.revoked)
    for _ in range(2):
        cancel_order(shop.context(), order_id, other_id, "The concert is cancelled.")
    assert shop.order_state(order_id).status is OrderStatus.REFUNDED
    assert shop.gateway.taken_for(order_id) == 0
    assert len(shop.gateway.refunds_asked) == 2
    assert shop.pool(other_type_id).sold == 1


def test_an_unpaid_order_is_cancelled_as_a_whole_and_what_it_held_of_another_concert_is_free_again(shop: Shop) -> None:
    order_id, concert_id, _, other_type_id = of_two_concerts(shop)
    cancel_order(shop.context(), order_id, concert_id, "The concert is cancelled.")
    assert shop.order_state(order_id).status is OrderStatus.CANCELLED
    assert (shop.pool(other_type_id).held, shop.pool(other_type_id).free) == (0, 10)


def test_a_payment_that_comes_when_one_concert_is_cancelled_goes_back_and_the_other_hold_is_given_back(
    shop: Shop,
) -> None:
    order_id, concert_id, _, other_type_id = of_two_concerts(shop)
    attempted(shop, order_id, "tok_lost_reply")
    concerts.cancel_concert(shop.repository, shop.request(ORGANISER), concert_id)
    settle(shop.context(), order_id, shop.clock())
    order = shop.order_state(order_id)
    assert (order.status, shop.gateway.taken_for(order_id)) == (OrderStatus.CANCELLED, Decimal(0))
    assert (shop.pool(other_type_id).held, shop.pool(other_type_id).sold) == (0, 0)


def test_an_order_of_eight_hundred_tickets_is_refunded_once_and_each_ticket_is_told(shop: Shop) -> None:
    concert_id, cart_id = shop.draft(), shop.cart()
    types = [shop.ticket_type(concert_id, 40, "1.00", max_per_order=40) for _ in range(MAX_LINES)]
    shop.publish(concert_id)
    for ticket_type_id in types:
        shop.add(cart_id, ticket_type_id, 40)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id)
    for _ in range(2):
        cancel_order(shop.context(), order_id, concert_id, "The concert is cancelled.")
    order = shop.order_state(order_id)
    assert (order.status, len(order.tickets), order.valid_tickets) == (OrderStatus.REFUNDED, 800, [])
    assert [len(shop.store.read(ticket.id)) for ticket in order.tickets] == [1] * 800
    assert len(shop.gateway.refunds_asked) == 1


def test_tickets_are_revoked_while_the_provider_is_away(shop: Shop) -> None:
    concert_id, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    shop.pay(order_id)
    shop.gateway.lose_refund_replies = 1
    with pytest.raises(Unavailable):
        cancel_order(shop.context(), order_id, concert_id, "The concert is cancelled.")
    order = shop.order_state(order_id)
    assert (order.valid_tickets, order.revocations_under_way) == ([], {})
    assert [len(shop.store.read(ticket.id)) for ticket in order.tickets] == [1, 1]


def test_news_of_a_payment_that_cannot_be_seen_yet_comes_again(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    order_id = ordered(shop, ticket_type_id)
    with pytest.raises(Unavailable):
        settle_payment(shop.context(), order_id, order_id)


def fail(shop: Shop, order_id: UUID, payment_id: UUID) -> None:
    """The provider first says that nothing was taken."""
    settled = record_outcome(shop.context(), order_id, payment_id, Declined("The card was declined."))
    assert settled.order.payments[payment_id].status is PaymentStatus.FAILED
