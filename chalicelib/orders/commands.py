"""Placing an order inside a checkout, and paying it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.caller import Caller
from chalicelib.errors import InvalidInput, LogDamaged, PaymentRefused
from chalicelib.eventsourcing.event import Event
from chalicelib.eventsourcing.repository import Repository
from chalicelib.eventsourcing.session import Session
from chalicelib.inventory.commands import place_on_order, sell
from chalicelib.money import Money
from chalicelib.orders.events import OrderConfirmed, OrderLine, OrderPlaced
from chalicelib.orders.order import ORDER, OrderStatus, Payment, PaymentStatus
from chalicelib.orders.payments import Charged, PaymentGateway
from chalicelib.privacy.sealed import Sealed

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
    payment_id: UUID
    version: int


def place_order(
    session: Session,
    order_id: UUID,
    cart_id: UUID,
    customer_id: UUID,
    buyer: Sealed,
    lines: tuple[OrderLine, ...],
    payment_due_at: datetime,
) -> PlacedOrder:
    """Place the order and move its holds to the payment deadline; one that costs nothing is confirmed and sold at once.

    Raises NotOnSale or HoldExpired.
    """
    order = session.get(ORDER, order_id, assume_new=True)
    session.append(ORDER, order_id, *order.place(cart_id, customer_id, buyer, lines, payment_due_at, session.now))
    session.append(ORDER, order_id, *session.get(ORDER, order_id).confirm_free(order_id, session.now))
    placed = session.get(ORDER, order_id)
    for line in lines:
        if placed.status is OrderStatus.CONFIRMED:
            sell(session, line.shares, line.hold_id, order_id)
        else:
            place_on_order(session, line.shares, line.hold_id, order_id, payment_due_at + PAYMENT_GRACE)
    return _placed(order_id, placed.total, payment_due_at)


def placed_order(session: Session, order_id: UUID) -> PlacedOrder:
    """The order as it was placed, read from its own event: what a repeated checkout is answered with."""
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
    Raises PaymentRefused, or what `Order.start_payment` and `sell` raise, or InvalidInput for an unknown provider.
    """
    gateway = gateways.get(provider)
    if gateway is None:
        known = ", ".join(sorted(gateways))
        raise InvalidInput(f"The provider is unknown; there is {known}.", (("#/provider", "is unknown"),))
    gateway.ensure_valid(token)
    payment_id = caller.request.id

    def start(session: Session) -> tuple[Payment, Money]:
        order = session.get(ORDER, order_id)
        order.ensure_of(caller.actor.id)
        events = order.start_payment(payment_id, provider, caller.request.request_hash, session.now)
        session.append(ORDER, order_id, *events)
        order = session.get(ORDER, order_id)
        return order.payments[payment_id], order.total

    payment, amount = repository.execute(start, caller.origin)
    if payment.status is PaymentStatus.STARTED:
        outcome = gateway.charge(payment_id, amount, token)
        if isinstance(outcome, Charged):
            return _confirm(repository, caller, order_id, payment_id, outcome.reference)
        repository.execute(lambda session: _fail(session, order_id, payment_id, outcome.reason), caller.origin)
        raise PaymentRefused(outcome.reason, payment_id=str(payment_id))
    if payment.status is PaymentStatus.FAILED:
        raise PaymentRefused(payment.reason or "The payment was declined.", payment_id=str(payment_id))
    return _confirm(repository, caller, order_id, payment_id, reference="")


def _confirm(repository: Repository, caller: Caller, order_id: UUID, payment_id: UUID, reference: str) -> PaidOrder:
    def command(session: Session) -> PaidOrder:
        order = session.get(ORDER, order_id)
        events = order.confirm(order_id, session.now, payment_id, reference)
        if not events:
            return PaidOrder(payment_id, _version_confirmed(session, order_id))
        session.append(ORDER, order_id, *events)
        for line in order.lines:
            sell(session, line.shares, line.hold_id, order_id)
        return PaidOrder(payment_id, session.version(order_id))

    return repository.execute(command, caller.origin)


def _fail(session: Session, order_id: UUID, payment_id: UUID, reason: str) -> None:
    order = session.get(ORDER, order_id)
    session.append(ORDER, order_id, *order.fail_payment(payment_id, reason, session.now))


def _version_confirmed(session: Session, order_id: UUID) -> int:
    def confirms(event: Event) -> bool:
        return isinstance(event, OrderConfirmed)

    recorded = session.find_recorded(order_id, confirms)
    return session.version(order_id) if recorded is None else recorded.version


def _placed(order_id: UUID, total: Money, payment_due_at: datetime) -> PlacedOrder:
    if total.amount:
        return PlacedOrder(order_id, OrderStatus.AWAITING_PAYMENT, total, payment_due_at, version=0)
    return PlacedOrder(order_id, OrderStatus.CONFIRMED, total, payment_due_at, version=1)
