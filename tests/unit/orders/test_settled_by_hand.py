"""An operator ends what nothing else can end, and is refused with a sentence where there is nothing to end."""

from decimal import Decimal

import pytest

from chalicelib.platform.errors import NotFound, Unavailable
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.shop.orders.events import (
    DisputeOpened,
    OrderSettled,
    RefundFailed,
    RefundStarted,
    TicketsRevoked,
)
from chalicelib.shop.orders.operators import NothingToSettle, settle_by_hand, settle_order
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.payments.sandbox import Token
from chalicelib.shop.orders.refund import refund_id_of
from chalicelib.shop.orders.rules import OrderStatus, Outcome, PaymentStatus
from chalicelib.shop.orders.settlement import settle_payment
from tests.support.scenario import given
from tests.support.shop import Shop
from tests.support.stored import SOME_TIME as NOW
from tests.unit.orders.test_order import PAID, PAYMENT, failed, placed, started
from tests.unit.orders.test_reversals import PRICE, Sale

WHY = "bank transfer of 3 March"
REFUND = refund_id_of(PAYMENT)
TOTAL = Money.of("90.00", "EUR")
REFUNDING: tuple[Event, ...] = (
    *PAID,
    RefundStarted(payment_id=PAYMENT, refund_id=REFUND, amount=TOTAL, reason="cancelled", at=NOW),
)
STUCK: tuple[Event, ...] = (
    *REFUNDING,
    RefundFailed(payment_id=PAYMENT, refund_id=REFUND, provider_reference="re_1", reason="closed", at=NOW),
)
DISPUTED: tuple[Event, ...] = (
    *PAID,
    DisputeOpened(payment_id=PAYMENT, dispute_id="du_1", amount=TOTAL, reason="fraud", at=NOW),
)


def settled(outcome: Outcome, **ended: object) -> OrderSettled:
    return OrderSettled.model_validate({"outcome": outcome, "reason": WHY, "at": NOW} | ended)


@pytest.mark.parametrize("history", [REFUNDING, STUCK], ids=["under way", "stuck"])
@pytest.mark.parametrize(
    ("outcome", "status"), [(Outcome.REFUNDED, OrderStatus.REFUNDED), (Outcome.RETAINED, OrderStatus.RETAINED)]
)
def test_a_refund_is_ended_by_hand(history: tuple[Event, ...], outcome: Outcome, status: OrderStatus) -> None:
    ended = settled(outcome, refund_ids=(REFUND,))
    given(ORDER, *history).when(lambda order: settle_by_hand(order, outcome, WHY, NOW)).then(ended)
    order = ORDER.fold([*history, ended])
    assert (order.status, order.refunds_under_way) == (status, {})


def test_an_unpaid_order_is_ended_by_hand_with_its_open_payment() -> None:
    ended = settled(Outcome.FAILED, payment_ids=(PAYMENT,))
    given(ORDER, placed(), started()).when(lambda o: settle_by_hand(o, Outcome.FAILED, WHY, NOW)).then(ended)
    order = ORDER.fold([placed(), started(), ended])
    assert (order.status, order.payments[PAYMENT].status) == (OrderStatus.FAILED, PaymentStatus.FAILED)


def test_a_dispute_that_is_ended_by_hand_as_lost_revokes_the_tickets() -> None:
    outcome = given(ORDER, *DISPUTED).when(lambda order: settle_by_hand(order, Outcome.CHARGED_BACK, WHY, NOW))
    assert [type(event) for event in outcome.events] == [OrderSettled, TicketsRevoked]
    order = ORDER.fold([*DISPUTED, *outcome.events])
    assert (order.status, order.valid_tickets) == (OrderStatus.CHARGED_BACK, [])


def test_a_dispute_that_is_ended_by_hand_as_won_leaves_the_order_confirmed() -> None:
    ended = settled(Outcome.CONFIRMED, dispute_ids=("du_1",))
    given(ORDER, *DISPUTED).when(lambda order: settle_by_hand(order, Outcome.CONFIRMED, WHY, NOW)).then(ended)
    order: Order = ORDER.fold([*DISPUTED, ended])
    assert (order.status, len(order.valid_tickets)) == (OrderStatus.CONFIRMED, 3)


@pytest.mark.parametrize(
    ("history", "outcome", "waits"),
    [
        (PAID, Outcome.REFUNDED, "The order is confirmed and waits for nothing."),
        (PAID, Outcome.FAILED, "The order is confirmed and waits for nothing."),
        (STUCK, Outcome.FAILED, "The order is refund_failed and waits for a refund (refunded, retained)."),
        ((placed(), started(), failed()), Outcome.REFUNDED, "waits for its payment (failed)."),
        (DISPUTED, Outcome.RETAINED, "waits for the end of a dispute (charged_back, confirmed)."),
    ],
    ids=["confirmed as refunded", "confirmed as failed", "stuck as failed", "unpaid as refunded", "disputed as kept"],
)
def test_nonsense_is_refused_with_what_the_order_waits_for(
    history: tuple[Event, ...], outcome: Outcome, waits: str
) -> None:
    refused = given(ORDER, *history).when(lambda order: settle_by_hand(order, outcome, WHY, NOW)).refusal
    assert isinstance(refused, NothingToSettle)
    assert waits in refused.detail
    assert refused.detail.endswith(f"It cannot be ended as {outcome}.")


def test_an_order_that_never_was_is_not_found() -> None:
    given(ORDER).when(lambda order: settle_by_hand(order, Outcome.FAILED, WHY, NOW)).then_refuses(NotFound)


def test_the_log_says_who_settled_an_order_and_nothing_waits_any_more() -> None:
    sale = Sale(Token.REFUND_FAILS)
    sale.cancel()
    sale.rest()
    assert len(sale.running.instances.list_stuck(10)) == 1
    settle_order(sale.shop.context(), sale.order_id, Outcome.REFUNDED, WHY)
    sale.rest()
    assert (sale.status, sale.taken, sale.running.instances.list_stuck(10)) == (OrderStatus.REFUNDED, PRICE, [])
    last = sale.shop.store.read(sale.order_id)[-1]
    event = recorded(last).event
    assert isinstance(event, OrderSettled)
    assert (event.outcome, event.reason, last.actor_id) == (Outcome.REFUNDED, WHY, "a worker")


def test_an_order_that_was_ended_gives_its_tickets_back_and_returns_a_payment_that_comes_late(
    memory_shop: Shop,
) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    order_id = memory_shop.check_out(cart_id).order_id
    memory_shop.gateway.lose_charge_replies = 1
    with pytest.raises(Unavailable):
        memory_shop.pay(order_id)
    settle_order(memory_shop.context(), order_id, Outcome.FAILED, WHY)
    assert (memory_shop.order_state(order_id).status, memory_shop.pool(ticket_type_id).held) == (OrderStatus.FAILED, 0)
    settle_payment(memory_shop.context(), order_id, memory_shop.gateway.asked[0])
    assert memory_shop.gateway.taken_for(order_id) == Decimal(0)
    assert memory_shop.order_state(order_id).status is OrderStatus.FAILED
