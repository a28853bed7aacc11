"""Placing an order inside a checkout, and paying it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import LogDamaged, PaymentRefused, RuleViolated, Unavailable
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.inventory.commands import place_on_order, sell
from chalicelib.shop.orders.events import OrderConfirmed, OrderLine, OrderPlaced
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.orders.payments.port import Attempt, PaymentGateway, gateway_of
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from chalicelib.shop.orders.settlement import Settled, SettlementContext, finish_refunds, record_outcome

PAYMENT_GRACE = timedelta(minutes=2)
"""How much longer than the payment deadline the stock waits. A request lasts at most 29 s on API Gateway, so a payment
that was started in time finds its stock."""


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    order_id: UUID
    status: OrderStatus
    total: Money
    payment_due_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """`status` is `started` while the provider has not decided."""

    payment_id: UUID
    status: PaymentStatus
    order_status: OrderStatus
    version: int


class PaymentReturned(RuleViolated):
    code = "payment_returned"

    def __init__(self, payment_id: UUID) -> None:
        super().__init__(
            "The order could not be confirmed by this payment; the money goes back.", payment_id=str(payment_id)
        )


def place_order(
    session: Session,
    order_id: UUID,
    cart_id: UUID,
    customer_id: UUID,
    buyer: Sealed,
    lines: tuple[OrderLine, ...],
    payment_due_at: datetime,
) -> PlacedOrder:
    """Place the order and move its holds to the payment deadline.

    An order that costs nothing is confirmed and sold at once. Raises NotOnSale or HoldExpired.
    """
    order = session.load(ORDER, order_id, Load.ASSUME_EMPTY)
    session.append(ORDER, order_id, *order.place(cart_id, customer_id, buyer, lines, payment_due_at, session.now))
    session.append(ORDER, order_id, *session.load(ORDER, order_id).confirm_free(order_id, session.now))
    placed = session.load(ORDER, order_id)
    for line in lines:
        if placed.status is OrderStatus.CONFIRMED:
            sell(session, line.shares, line.hold_id, customer_id, order_id)
        else:
            place_on_order(session, line.shares, line.hold_id, customer_id, order_id, payment_due_at + PAYMENT_GRACE)
    return _placed(order_id, placed.total, payment_due_at)


def placed_order(session: Session, order_id: UUID) -> PlacedOrder:
    """Return the order as it was placed, from its own event: a repeated checkout is answered with it."""
    recorded = session.find_recorded(order_id, lambda event: isinstance(event, OrderPlaced))
    if recorded is None or not isinstance(recorded.event, OrderPlaced):
        raise LogDamaged(f"Order {order_id} has no beginning.")
    return _placed(order_id, recorded.event.total, recorded.event.payment_due_at)


def pay_order(
    repository: Repository,
    gateways: Mapping[str, PaymentGateway],
    caller: Caller,
    order_id: UUID,
    provider: str,
    token: str,
) -> PaidOrder:
    """Charge the order's total and confirm it: stock and tickets in one transaction with the confirmation.

    The attempt is in the log before the provider is called. Repeating the request after a crash or a lost reply charges
    nothing twice: the provider is asked again under the same payment id.
    Raises PaymentRefused, PaymentReturned, what `Order.start_payment` raises, or InvalidInput for an unknown provider.
    """
    gateway = gateway_of(gateways, provider)
    gateway.ensure_valid(token)
    payment_id = caller.request.id
    settled = repository.execute(lambda session: _start(session, caller, order_id, provider), caller.origin)
    if settled.order.payments[payment_id].is_open:
        context = SettlementContext(repository, gateways, caller.origin)
        outcome = gateway.charge(Attempt(payment_id, order_id, settled.order.total), token)
        settled = record_outcome(context, order_id, payment_id, outcome)
        with suppress(Unavailable):  # money that goes back is not lost: the process finishes it
            finish_refunds(context, order_id, settled.order)
    return _paid(settled, payment_id)


def _start(session: Session, caller: Caller, order_id: UUID, provider: str) -> Settled:
    order = session.load(ORDER, order_id)
    order.ensure_of(caller.actor.id)
    events = order.start_payment(caller.request.id, provider, caller.request.request_hash, session.now)
    session.append(ORDER, order_id, *events)
    order = session.load(ORDER, order_id)
    confirmed_by_it = order.paid_by == caller.request.id
    return Settled(order, _version_confirmed(session, order_id) if confirmed_by_it else session.version(order_id))


def _paid(settled: Settled, payment_id: UUID) -> PaidOrder:
    """Say how the payment stands. Raises PaymentRefused or PaymentReturned."""
    payment = settled.order.payments[payment_id]
    if payment.status is PaymentStatus.FAILED:
        raise PaymentRefused(payment.reason or "The payment was declined.", payment_id=str(payment_id))
    if settled.order.paid_by == payment_id:
        return PaidOrder(payment_id, PaymentStatus.SUCCEEDED, OrderStatus.CONFIRMED, settled.version)
    if not payment.is_open:
        raise PaymentReturned(payment_id)
    return PaidOrder(payment_id, payment.status, OrderStatus.AWAITING_PAYMENT, settled.version)


def _version_confirmed(session: Session, order_id: UUID) -> int:
    def confirms(event: Event) -> bool:
        return isinstance(event, OrderConfirmed)

    recorded = session.find_recorded(order_id, confirms)
    return session.version(order_id) if recorded is None else recorded.version


def _placed(order_id: UUID, total: Money, payment_due_at: datetime) -> PlacedOrder:
    if total.amount:
        return PlacedOrder(order_id, OrderStatus.AWAITING_PAYMENT, total, payment_due_at, version=0)
    return PlacedOrder(order_id, OrderStatus.CONFIRMED, total, payment_due_at, version=1)
