"""Placing an order inside a checkout, and paying it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform.caller import Caller, Role, is_guest
from chalicelib.platform.errors import LogDamaged, PaymentRefused, RuleViolated, Unavailable, facts
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.inventory.commands import place_on_order, sell
from chalicelib.shop.orders.abandonment import give_up_authentication
from chalicelib.shop.orders.details import OrderDetails, details_from
from chalicelib.shop.orders.events import OrderConfirmed, OrderLine, OrderPlaced, TicketsMoved
from chalicelib.shop.orders.links import SignedLink, first_link
from chalicelib.shop.orders.order import ORDER, PaymentInProgress
from chalicelib.shop.orders.payments.declines import Admit, Trial, admit_anybody, trying_a_card
from chalicelib.shop.orders.payments.next_action import ActionRequired, NextAction
from chalicelib.shop.orders.payments.port import Attempt, PaymentGateway, gateway_of
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from chalicelib.shop.orders.settlement import (
    Settled,
    SettlementContext,
    cancel_unpaid,
    finish_refunds,
    record_outcome,
)

PAYMENT_GRACE = timedelta(minutes=2)
"""How much longer than the payment deadline the stock waits. A request lasts at most 29 s on API Gateway, so a payment
that was started in time finds its stock."""

CANCELLED_BY_CUSTOMER = "The customer cancelled the order."
CANCELLED_BY_OPERATOR = "An operator cancelled the order."


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """`link` leads a guest back to the order; a customer with an account needs none."""

    order_id: UUID
    status: OrderStatus
    total: Money
    payment_due_at: datetime
    version: int
    link: SignedLink | None = None


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """`status` is `started` while the provider has not decided; with `next_action` it waits for the customer."""

    payment_id: UUID
    status: PaymentStatus
    order_status: OrderStatus
    version: int
    next_action: NextAction | None = None


class PaymentReturned(RuleViolated):
    """The order could not be confirmed by this payment, and the money goes back."""

    code = "payment_returned"
    fact_types = facts(payment_id="Id")

    def __init__(self, payment_id: UUID) -> None:
        super().__init__(
            "The order could not be confirmed by this payment; the money goes back.", payment_id=str(payment_id)
        )


def details_of_order(log: EventStore, order_id: UUID) -> OrderDetails:
    """Return what an order is as the log has it now: one read.

    Raises LogDamaged or Unavailable.
    """
    return details_from(order_id, (recorded(stored) for stored in log.read(order_id)))


def place_order(
    session: Session,
    order_id: UUID,
    cart_id: UUID,
    customer_id: UUID,
    buyer: Sealed,
    lines: tuple[OrderLine, ...],
    payment_due_at: datetime,
    free_limit: int | None = None,
    language: str | None = None,
) -> PlacedOrder:
    """Place the order and move its holds to the payment deadline.

    An order that costs nothing is confirmed and sold at once: of one concert up to `free_limit` tickets a customer.
    Raises CustomerLimitExceeded, NotOnSale or HoldExpired.
    """
    order = session.load(ORDER, order_id, Load.ASSUME_EMPTY)
    events = order.place(cart_id, customer_id, buyer, lines, payment_due_at, session.now, language)
    session.append(ORDER, order_id, *events)
    session.append(ORDER, order_id, *session.load(ORDER, order_id).confirm_free(order_id, session.ids, session.now))
    placed = session.load(ORDER, order_id)
    for line in lines:
        if placed.status is OrderStatus.CONFIRMED:
            sell(session, line.shares, line.hold_id, customer_id, order_id, free_limit)
        else:
            place_on_order(session, line.shares, line.hold_id, customer_id, order_id, payment_due_at + PAYMENT_GRACE)
    return _placed(session, order_id, customer_id, placed.total, payment_due_at)


def placed_order(session: Session, order_id: UUID) -> PlacedOrder:
    """Return the order as it was placed, from its own event: a repeated checkout is answered with it."""
    recorded = session.find_recorded(order_id, lambda event: isinstance(event, OrderPlaced))
    if recorded is None or not isinstance(recorded.event, OrderPlaced):
        raise LogDamaged(f"Order {order_id} has no beginning.")
    event = recorded.event
    return _placed(session, order_id, event.customer_id, event.total, event.payment_due_at)


@dataclass(frozen=True, slots=True)
class OrderHold:
    """Says until when an order holds its tickets, and whether it still waits for its payment by the clock."""

    held_until: datetime
    is_unpaid: bool
    was_paid: bool


def order_hold(session: Session, order_id: UUID) -> OrderHold | None:
    """Return what the order holds without being paid; None for an order that was never placed here."""
    order = session.load(ORDER, order_id)
    if order.payment_due_at is None:
        return None
    held_until = order.payment_due_at + PAYMENT_GRACE
    is_unpaid = order.status is OrderStatus.AWAITING_PAYMENT and session.now < held_until
    return OrderHold(held_until, is_unpaid, order.paid_by is not None or bool(order.tickets))


def pay_order(
    repository: Repository,
    gateways: Mapping[str, PaymentGateway],
    caller: Caller,
    order_id: UUID,
    provider: str,
    token: str,
    admit: Admit = admit_anybody,
) -> PaidOrder:
    """Charge the order's total and confirm it: stock and tickets in one transaction with the confirmation. Of a
    confirmed order, charge the difference of the move that waits for it, and carry that out in the same way.

    The attempt is in the log before the provider is called. Repeating the request after a crash or a lost reply charges
    nothing twice: the provider is asked again under the same payment id. A payment that waits for its customer to
    authenticate is given up for another one.
    Raises PaymentRefused, PaymentReturned, InvalidInput for an unknown provider, and what `admit` and
    `Order.start_payment` raise.
    """
    gateway = gateway_of(gateways, provider)
    gateway.ensure_valid(token)
    payment_id, action = caller.request.id, None
    context = SettlementContext(repository, gateways, caller.origin)
    with trying_a_card(admit, lambda: payment_id in context.order(order_id).payments) as trial:
        settled = _started(context, caller, order_id, provider, trial)
        if settled.order.payments[payment_id].status.is_open:
            outcome = gateway.charge(Attempt(payment_id, order_id, settled.order.asked_for(payment_id)), token)
            trial.note(outcome)
            settled = record_outcome(context, order_id, payment_id, outcome)
            action = outcome.action if isinstance(outcome, ActionRequired) else None
            with suppress(Unavailable):  # money that goes back is not lost: the process finishes it
                finish_refunds(context, order_id, settled.order)
    return _paid(settled, payment_id, action)


def _started(context: SettlementContext, caller: Caller, order_id: UUID, provider: str, trial: Trial) -> Settled:
    def start(session: Session) -> Settled:
        return _start(session, caller, order_id, provider)

    try:
        return context.repository.execute(start, caller.origin)
    except PaymentInProgress:
        if not give_up_authentication(context, order_id):
            raise
        trial.count()
        return context.repository.execute(start, caller.origin)


def cancel_order(
    repository: Repository, gateways: Mapping[str, PaymentGateway], caller: Caller, order_id: UUID
) -> Settled:
    """Cancel the caller's own unpaid order, or for an operator anybody's: stock and allowance are free at once.

    An open payment is ended at the provider first.
    Raises NotFound, Unavailable, or what `Order.cancel` raises.
    """
    is_operator = Role.OPERATOR in caller.actor.roles
    order, _ = repository.load(ORDER, order_id)
    order.ensure_exists() if is_operator else order.ensure_of(caller.actor.id)
    reason = CANCELLED_BY_OPERATOR if order.owner_id != caller.actor.id else CANCELLED_BY_CUSTOMER
    return cancel_unpaid(SettlementContext(repository, gateways, caller.origin), order_id, order, reason)


def _start(session: Session, caller: Caller, order_id: UUID, provider: str) -> Settled:
    order = session.load(ORDER, order_id)
    order.ensure_of(caller.actor.id)
    events = order.start_payment(caller.request.id, provider, caller.request.request_hash, session.now)
    session.append(ORDER, order_id, *events)
    order = session.load(ORDER, order_id)
    is_done = caller.request.id in order.paying
    return Settled(order, _version_paid(session, order_id, caller.request.id) if is_done else session.version(order_id))


def _paid(settled: Settled, payment_id: UUID, action: NextAction | None) -> PaidOrder:
    """Say how the payment stands. Raises PaymentRefused or PaymentReturned."""
    payment = settled.order.payments[payment_id]
    if payment.status is PaymentStatus.FAILED:
        raise PaymentRefused(payment.reason or "The payment was declined.", payment_id=str(payment_id))
    if payment_id in settled.order.paying:
        return PaidOrder(payment_id, PaymentStatus.SUCCEEDED, OrderStatus.CONFIRMED, settled.version)
    if not payment.status.is_open:
        raise PaymentReturned(payment_id)
    waiting = OrderStatus.AWAITING_PAYMENT if payment.move_id is None else OrderStatus.CONFIRMED
    return PaidOrder(payment_id, payment.status, waiting, settled.version, action)


def _version_paid(session: Session, order_id: UUID, payment_id: UUID) -> int:
    """Return the version to which a payment brought the order that it confirmed, or whose tickets it moved."""

    def is_paid(event: Event) -> bool:
        paid_by = event.payment_id if isinstance(event, OrderConfirmed) else None
        return payment_id in (paid_by, event.paid_by if isinstance(event, TicketsMoved) else None)

    recorded = session.find_recorded(order_id, is_paid)
    return session.version(order_id) if recorded is None else recorded.version


def _placed(session: Session, order_id: UUID, customer_id: UUID, total: Money, payment_due_at: datetime) -> PlacedOrder:
    is_free = not total.amount
    return PlacedOrder(
        order_id,
        OrderStatus.CONFIRMED if is_free else OrderStatus.AWAITING_PAYMENT,
        total,
        payment_due_at,
        version=1 if is_free else 0,
        link=first_link(order_id, payment_due_at).signed(session.ids) if is_guest(customer_id) else None,
    )
