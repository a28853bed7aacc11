"""What becomes of payments: told by the provider in a request, in a notification or when asked, always by one rule.

Every function may be repeated at any time and finishes what an earlier call began.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.store import CommitTooLarge
from chalicelib.platform.money import Money
from chalicelib.shop.inventory.commands import StockGone, release, sell_late
from chalicelib.shop.orders.moving import Paid
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.order_facts import Payment
from chalicelib.shop.orders.payments.port import (
    Attempt,
    Charged,
    Declined,
    PaymentGateway,
    PaymentOutcome,
    PaymentPending,
    Reversals,
)
from chalicelib.shop.orders.policies import tickets_on_reversal
from chalicelib.shop.orders.relocation import (
    NOT_POSSIBLE,
    complete_move_in,
    end_overdue_move_in,
    give_up_move_in,
)
from chalicelib.shop.orders.reversals import fail_refund, follow, reduce_refund
from chalicelib.shop.orders.revocation import revoke_tickets
from chalicelib.shop.orders.rules import OrderStatus

logger = logging.getLogger(__name__)

Decide = Callable[[Order, datetime], list[Event]]


@dataclass(frozen=True, slots=True)
class SettlementContext:
    """Holds what it takes to settle: the log, the providers, and in whose name."""

    repository: Repository
    gateways: Mapping[str, PaymentGateway]
    origin: Origin

    def gateway(self, payment: Payment) -> PaymentGateway:
        """Return the payment's provider.

        Raises:
            Unavailable: because a provider that was switched off with payments open must come back for them.
        """
        if payment.provider not in self.gateways:
            raise Unavailable(f"The provider {payment.provider} is not set up.")
        return self.gateways[payment.provider]

    @property
    def now(self) -> datetime:
        return self.repository.now()

    def order(self, order_id: UUID) -> Order:
        return self.repository.load(ORDER, order_id)[0]


@dataclass(frozen=True, slots=True)
class Settled:
    """Holds the order after a command, and its version then."""

    order: Order
    version: int


def record_outcome(context: SettlementContext, order_id: UUID, payment_id: UUID, outcome: PaymentOutcome) -> Settled:
    """Record what the provider said: a success confirms the order or goes back, a failure permits another payment.

    Raises:
        Unavailable
    """
    match outcome:
        case Charged():
            return _record_success(context, order_id, payment_id, outcome)
        case Declined():
            return _decide(context, order_id, lambda order, now: order.fail_payment(payment_id, outcome.reason, now))
        case PaymentPending():
            return Settled(*context.repository.load(ORDER, order_id))


def settle(context: SettlementContext, order_id: UUID, now: datetime) -> None:
    """Bring the order as far as it can be brought at `now`.

    What became of its payments is asked, what it has decided is finished, and it expires when it is due.
    Raises Unavailable.
    """
    order = context.order(order_id)
    for payment_id in order.open_payments:
        order = _ask(context, order_id, order, payment_id, now)
    for payment_id in dict.fromkeys(dispute.payment_id for dispute in order.open_disputes.values()):
        order = _follow(context, order_id, payment_id, _reversals(context, order_id, order, payment_id))
    finish(context, order_id, order)
    if order.expire(now):
        end(context, order_id, Order.expire)
    if order.end_move(now):
        context.repository.execute(partial(end_overdue_move_in, order_id=order_id), context.origin)


def settle_payment(context: SettlementContext, order_id: UUID, payment_id: UUID) -> Order:
    """Ask the provider for news of this payment. One that seems to have failed may have succeeded since.

    Return the order before its refunds are made.
    Raises:
        Unavailable: also if the payment cannot be seen yet.
    """
    order = context.order(order_id)
    payment = order.payments.get(payment_id)
    if payment is None:
        raise Unavailable("The payment is not in the log yet.")
    if payment.may_succeed:
        outcome = context.gateway(payment).find_payment(_attempt(order, order_id, payment_id))
        order = record_outcome(context, order_id, payment_id, outcome or PaymentPending()).order
    finish(context, order_id, order)
    return order


def settle_reversals(context: SettlementContext, order_id: UUID, payment_id: UUID) -> None:
    """Ask the provider for refunds and disputes of this payment, and do what follows from them.

    Raises:
        Unavailable: also if the payment cannot be seen yet.
    """
    order = settle_payment(context, order_id, payment_id)
    if not (order.payments[payment_id].status.is_open or order.payments[payment_id].may_succeed):
        order = _follow(context, order_id, payment_id, _reversals(context, order_id, order, payment_id))
        finish(context, order_id, order)


def begin_cancellation(context: SettlementContext, order_id: UUID, concert_id: UUID, reason: str) -> Order:
    """Decide what becomes of the order, in the log alone, and return the order.

    What is left to do then is for `finish`, and the order's own process sees to it.
    Raises PaymentInProgress: only `cancel_order` can cancel an order that is being paid.
    """
    return end(context, order_id, lambda order, now: order.cancel_concert(concert_id, reason, now))


def cancel_order(context: SettlementContext, order_id: UUID, concert_id: UUID, reason: str) -> None:
    """Cancel an unpaid order and give back its stock; refund of a paid one what was paid for the concert.

    Raises:
        Unavailable
        PaymentInProgress: a payment was started meanwhile; cancelling again closes that as well.
    """
    order = context.order(order_id)
    for payment_id in order.open_payments:
        order = _close(context, order_id, order, payment_id)
    finish(context, order_id, begin_cancellation(context, order_id, concert_id, reason))


def cancel_unpaid(context: SettlementContext, order_id: UUID, order: Order, reason: str) -> Settled:
    """End what is open at the provider, then cancel the order and give back its stock; again, it changes nothing.

    `order` is as it was just read.
    Raises:
        Unavailable
        PaymentInProgress: the provider cannot close a payment yet, or another was started meanwhile.
        NotCancellable: also if the provider says that the order was paid.
        OrderOverdue
    """
    for payment_id in order.open_payments:
        order = _close(context, order_id, order, payment_id)

    def command(session: Session) -> Settled:
        _end_in(session, order_id, lambda order, now: order.cancel(reason, now))
        return _settled_in(session, order_id)

    try:
        settled = context.repository.execute(command, context.origin)
        order = settled.order
    finally:
        with suppress(Unavailable):  # money that goes back is not lost: the process finishes it
            finish_refunds(context, order_id, order)
    return settled


def finish(context: SettlementContext, order_id: UUID, order: Order) -> None:
    """Carry out what the order has decided: revoke the tickets in their own streams, then refund.

    Raises Unavailable.
    """
    for concert_id in order.revocations_under_way:
        revoke_tickets(context.repository, context.origin, order_id, order, concert_id)
    finish_refunds(context, order_id, order)


def finish_refunds(context: SettlementContext, order_id: UUID, order: Order) -> None:
    """Make the refunds that are due, after one look at what the provider has given back of their payment.

    A payment in dispute is refunded when the dispute has ended. A refund is never more than what is left.
    Raises Unavailable.
    """
    for payment_id in dict.fromkeys(refund.payment_id for refund in order.refunds_due(context.now).values()):
        found = _reversals(context, order_id, order, payment_id)
        if found != Reversals():
            order = _follow(context, order_id, payment_id, found)
        if not found.is_disputed:
            _refund(context, order_id, order, payment_id, found)


def _refund(context: SettlementContext, order_id: UUID, order: Order, payment_id: UUID, found: Reversals) -> None:
    payment, left = order.payments[payment_id], found.left_of(order.payments[payment_id].amount)
    for refund_id, refund in order.refunds_due(context.now).items():
        if refund.payment_id != payment_id or found.is_pending(refund_id):
            continue
        amount = min(refund.amount, left, key=lambda money: money.amount)
        if amount != refund.amount:
            _decide(context, order_id, partial(_reduce, refund_id=refund_id, amount=amount))
        if not amount.amount:
            continue
        failures = len(order.failures[refund_id].references) if refund_id in order.failures else 0
        attempt = _attempt(order, order_id, payment_id)
        made = context.gateway(payment).refund(refund_id, attempt, amount, failures)
        if made.reference:
            _follow(context, order_id, payment_id, Reversals((made,)))
        else:
            refused = partial(_refuse, refund_id=refund_id, reason=made.reason, failures=failures)
            _decide(context, order_id, refused)
        left = Reversals((made,)).left_of(left)


def _reversals(context: SettlementContext, order_id: UUID, order: Order, payment_id: UUID) -> Reversals:
    gateway = context.gateway(order.payments[payment_id])
    return gateway.find_reversals(_attempt(order, order_id, payment_id))


def _follow(context: SettlementContext, order_id: UUID, payment_id: UUID, found: Reversals) -> Order:
    """Record what the provider did to the payment, and return the order."""

    def command(session: Session) -> Settled:
        order, policy_of = session.load(ORDER, order_id), partial(tickets_on_reversal, session)
        session.append(ORDER, order_id, *follow(order, payment_id, found, session.now, policy_of))
        return _settled_in(session, order_id)

    settled = context.repository.execute(command, context.origin)
    for refund_id in settled.order.stuck_refunds:
        reason = settled.order.failures[refund_id].reason
        logger.error("refund %s of order %s waits for an operator: %s", refund_id, order_id, reason)
    return settled.order


def _reduce(order: Order, now: datetime, refund_id: UUID, amount: Money) -> list[Event]:
    return reduce_refund(order, refund_id, amount, now)


def _refuse(order: Order, now: datetime, refund_id: UUID, reason: str, failures: int) -> list[Event]:
    """Record a refusal once, though two workers may hear of it."""
    known = order.failures[refund_id].references if refund_id in order.failures else ()
    return fail_refund(order, refund_id, "", reason, now) if len(known) == failures else []


def _attempt(order: Order, order_id: UUID, payment_id: UUID) -> Attempt:
    """Name the payment as it was asked for: always the total of the order, or the difference of a move."""
    return Attempt(payment_id, order_id, order.asked_for(payment_id), order.payments[payment_id].reference)


def _ask(context: SettlementContext, order_id: UUID, order: Order, payment_id: UUID, now: datetime) -> Order:
    """Ask the provider for an open payment, record what it says, and return the order.

    A payment that never reached the provider is closed once its request is dead, one that the provider does not decide
    when the order is due.
    """
    payment = order.payments[payment_id]
    outcome = context.gateway(payment).find_payment(_attempt(order, order_id, payment_id))
    due_at = order.due_of(payment_id)
    is_due = due_at is None or now >= due_at
    is_unknown = outcome is None or (is_due and isinstance(outcome, PaymentPending))
    if is_unknown and payment.is_abandoned(now):
        return _close(context, order_id, order, payment_id)
    return order if outcome is None else record_outcome(context, order_id, payment_id, outcome).order


def _close(context: SettlementContext, order_id: UUID, order: Order, payment_id: UUID) -> Order:
    """End the payment at the provider, record what became of it, and return the order."""
    gateway = context.gateway(order.payments[payment_id])
    return record_outcome(context, order_id, payment_id, gateway.cancel(_attempt(order, order_id, payment_id))).order


def _record_success(context: SettlementContext, order_id: UUID, payment_id: UUID, charged: Charged) -> Settled:
    def confirm(session: Session) -> Settled:
        order = session.load(ORDER, order_id)
        if order.is_news(payment_id) and (move_id := order.payments[payment_id].move_id) is not None:
            paid = Paid(payment_id, charged.reference)
            is_moved = complete_move_in(session, order_id, move_id, paid, charged.amount)
            return give_up(session) if not is_moved else _settled_in(session, order_id)
        if not order.is_paid_with(charged.amount):
            return _return(session, order_id, payment_id, charged, "The order was not waiting for this payment.")
        events = order.confirm(order_id, session.ids, session.now, payment_id, charged.reference)
        session.append(ORDER, order_id, *events)
        if events and order.customer_id is not None:
            sell_late(session, order.lines, order.customer_id, order_id)
        return _settled_in(session, order_id)

    def give_up(session: Session) -> Settled:
        move_id = session.load(ORDER, order_id).payments[payment_id].move_id
        reason = "The tickets are not available any more." if move_id is None else NOT_POSSIBLE
        _return(session, order_id, payment_id, charged, reason)
        if move_id is None:
            _end_in(session, order_id, Order.end_without_stock)
        else:
            give_up_move_in(session, order_id, move_id)
        return _settled_in(session, order_id)

    try:
        return context.repository.execute(confirm, context.origin)
    except (StockGone, CommitTooLarge):
        return context.repository.execute(give_up, context.origin)


def _settled_in(session: Session, order_id: UUID) -> Settled:
    return Settled(session.load(ORDER, order_id), session.version(order_id))


def _return(session: Session, order_id: UUID, payment_id: UUID, charged: Charged, reason: str) -> Settled:
    order = session.load(ORDER, order_id)
    events = order.return_payment(payment_id, charged.reference, charged.amount, reason, session.now)
    session.append(ORDER, order_id, *events)
    return _settled_in(session, order_id)


def _decide(context: SettlementContext, order_id: UUID, decide: Decide) -> Settled:
    def command(session: Session) -> Settled:
        session.append(ORDER, order_id, *decide(session.load(ORDER, order_id), session.now))
        return _settled_in(session, order_id)

    return context.repository.execute(command, context.origin)


def end(context: SettlementContext, order_id: UUID, decide: Decide) -> Order:
    """Append what is decided, give back what an unpaid order held, and return the order."""

    def command(session: Session) -> Order:
        _end_in(session, order_id, decide)
        return session.load(ORDER, order_id)

    return context.repository.execute(command, context.origin)


def _end_in(session: Session, order_id: UUID, decide: Decide) -> None:
    """End the order; what is still held for an unpaid one is given back in the same commit."""
    order = session.load(ORDER, order_id)
    events = decide(order, session.now)
    session.append(ORDER, order_id, *events)
    if events and order.status is OrderStatus.AWAITING_PAYMENT and order.customer_id is not None:
        for line in order.lines:
            release(session, line.shares, line.hold_id, order.customer_id)
