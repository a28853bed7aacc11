"""Ends an order by an operator's word, where nothing else can end it."""

from datetime import datetime
from uuid import UUID

from chalicelib.platform.errors import NotFound, RuleViolated
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.orders.events import OrderSettled
from chalicelib.shop.orders.order import Order
from chalicelib.shop.orders.reversals import revoke_all
from chalicelib.shop.orders.rules import OrderStatus, Outcome
from chalicelib.shop.orders.settlement import SettlementContext, end, finish


class NothingToSettle(RuleViolated):
    """The order does not wait for what the operator wants to end."""

    code = "nothing_to_settle"


def settle_order(context: SettlementContext, order_id: UUID, outcome: Outcome, reason: str) -> Order:
    """End the order, give back what it still holds, and revoke what it must; return the order.

    The same again is refused, because nothing is left to end. The provider is not asked.
    Raises NotFound, NothingToSettle or Unavailable.
    """
    ended = end(context, order_id, lambda order, now: settle_by_hand(order, outcome, reason, now))
    finish(context, order_id, ended)
    return context.order(order_id)


def settle_by_hand(order: Order, outcome: Outcome, reason: str, now: datetime) -> list[Event]:
    """Decide what the operator's word ends.

    Raises:
        NotFound
        NothingToSettle: it says what the order waits for, if anything.
    """
    if order.status is None:
        raise NotFound("There is no such order.")
    settled = OrderSettled(outcome=outcome, reason=reason, at=now)
    match outcome:
        case Outcome.REFUNDED | Outcome.RETAINED if order.refunds_under_way:
            return [settled.model_copy(update={"refund_ids": tuple(order.refunds_under_way)})]
        case Outcome.FAILED if order.status is OrderStatus.AWAITING_PAYMENT:
            return [settled.model_copy(update={"payment_ids": order.open_payments})]
        case Outcome.CHARGED_BACK | Outcome.CONFIRMED if order.open_disputes:
            closed = settled.model_copy(update={"dispute_ids": tuple(order.open_disputes)})
            return [closed, *(revoke_all(order, reason, now) if outcome is Outcome.CHARGED_BACK else [])]
    raise NothingToSettle(f"{_waits_for(order)} It cannot be ended as {outcome}.", order_status=order.status)


def _waits_for(order: Order) -> str:
    """Say in a sentence what the order waits for, and what it can be ended as."""
    waits = []
    if order.status is OrderStatus.AWAITING_PAYMENT:
        waits.append("for its payment (failed)")
    if order.refunds_under_way:
        waits.append("for a refund (refunded, retained)")
    if order.open_disputes:
        waits.append("for the end of a dispute (charged_back, confirmed)")
    return f"The order is {order.status} and waits {' and '.join(waits) or 'for nothing'}."
