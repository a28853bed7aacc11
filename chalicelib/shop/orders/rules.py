"""The rules of an order's status: what each event makes of it, its payments, its refunds and its tickets.

The aggregate and the customers' document both fold by `after`, so that neither can say what the other does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.shop.orders.events import (
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    OrderCancelled,
    OrderConfirmed,
    OrderCreatedByTheOriginal,
    OrderExpired,
    OrderPlaced,
    OrderSettled,
    PaymentFailed,
    PaymentSucceeded,
    RefundCompleted,
    RefundFailed,
    RefundRecorded,
    RefundReduced,
    RefundStarted,
    TicketsMoved,
    TicketsRevoked,
)
from chalicelib.shop.orders.refund import Dispute, DisputeStatus, Refund, RefundStatus, refund_id_of


class OrderStatus(StrEnum):
    AWAITING_PAYMENT = "awaiting_payment"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUNDING = "refunding"
    REFUND_FAILED = "refund_failed"
    REFUNDED = "refunded"
    RETAINED = "retained"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"
    FAILED = "failed"
    IMPORTED = "imported"


class PaymentStatus(StrEnum):
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDING = "refunding"
    REFUND_FAILED = "refund_failed"
    REFUNDED = "refunded"
    RETAINED = "retained"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"

    @property
    def is_open(self) -> bool:
        """Tells whether the provider has still to say what became of the payment."""
        return self is PaymentStatus.STARTED


class Outcome(StrEnum):
    """What an operator can end an order as."""

    REFUNDED = "refunded"
    RETAINED = "retained"
    FAILED = "failed"
    CHARGED_BACK = "charged_back"
    CONFIRMED = "confirmed"


_RETURNING = frozenset(
    status.value
    for status in (
        PaymentStatus.REFUNDING,
        PaymentStatus.REFUND_FAILED,
        PaymentStatus.REFUNDED,
        PaymentStatus.RETAINED,
        PaymentStatus.DISPUTED,
        PaymentStatus.CHARGED_BACK,
    )
)
"""The states of a payment, and of its order, whose money is away or on its way back."""


@dataclass(frozen=True, slots=True)
class PaymentState:
    """What the rules know of a payment; `reason` says why it failed or went back."""

    provider: str
    amount: Money
    status: PaymentStatus = PaymentStatus.STARTED
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class OrderState:
    """What the rules know of an order; `valid` holds the ids of the tickets that still admit.

    `supplements` are the payments of the differences of tickets that were moved.
    """

    status: OrderStatus | None = None
    payments: Mapping[UUID, PaymentState] = field(default_factory=dict)
    paid_by: UUID | None = None
    refunds: Mapping[UUID, Refund] = field(default_factory=dict)
    disputes: Mapping[str, Dispute] = field(default_factory=dict)
    valid: frozenset[UUID] = frozenset()
    supplements: tuple[UUID, ...] = ()

    @property
    def paying(self) -> tuple[UUID, ...]:
        """Returns the payments that pay for its tickets, the newest first."""
        return (*reversed(self.supplements), *([] if self.paid_by is None else [self.paid_by]))


Known = TypeVar("Known", bound=OrderState)


def after(order: Known, event: Event) -> Known:
    """Return the order as the event leaves it; facts that no rule reads, like a new payment, the caller adds first."""
    match event:
        case OrderPlaced():
            return replace(order, status=OrderStatus.AWAITING_PAYMENT)
        case OrderCreatedByTheOriginal():
            return replace(order, status=OrderStatus.IMPORTED)
        case OrderConfirmed():
            valid = frozenset(ticket.id for ticket in event.tickets)
            order = replace(order, status=OrderStatus.CONFIRMED, paid_by=event.payment_id, valid=valid)
            return _with_payment(order, event.payment_id, status=PaymentStatus.SUCCEEDED)
        case OrderExpired():
            return replace(order, status=OrderStatus.EXPIRED)
        case OrderCancelled():
            return replace(order, status=OrderStatus.CANCELLED, valid=frozenset())
        case TicketsRevoked():
            return _with_status(replace(order, valid=order.valid.difference(event.ticket_ids)))
        case TicketsMoved():
            return _moved(order, event)
        case OrderSettled():
            return _settled(order, event)
    return _after_payment(order, event)


def status_at(
    status: OrderStatus | None, payment_due_at: datetime | None, payment_open: bool, now: datetime
) -> OrderStatus | None:
    """Return the status by the clock: unpaid past its deadline, with no payment under way, an order has expired."""
    if status is not OrderStatus.AWAITING_PAYMENT or payment_due_at is None or payment_open:
        return status
    return OrderStatus.EXPIRED if now >= payment_due_at else status


def _after_payment(order: Known, event: Event) -> Known:
    match event:
        case PaymentFailed():
            return _with_payment(order, event.payment_id, status=PaymentStatus.FAILED, reason=event.reason)
        case PaymentSucceeded():
            return _with_payment(order, event.payment_id, status=PaymentStatus.SUCCEEDED, amount=event.amount)
        case RefundStarted():
            if (order.paid_by, refund_id_of(event.payment_id)) == (event.payment_id, event.refund_id):
                order = replace(order, valid=frozenset())
            return _with_refund(order, event.refund_id, Refund(event.payment_id, event.amount, event.reason))
        case RefundCompleted() if event.refund_id in order.refunds:
            return _with_refund_status(order, event.refund_id, RefundStatus.COMPLETED)
        case RefundFailed() if event.refund_id in order.refunds:
            return _with_refund_status(order, event.refund_id, RefundStatus.FAILED)
    return _after_provider(order, event)


def _after_provider(order: Known, event: Event) -> Known:
    """Return the order after what happened to its money at the provider, and was not asked for by us."""
    match event:
        case RefundReduced() if event.refund_id in order.refunds:
            return _with_refund(order, event.refund_id, replace(order.refunds[event.refund_id], amount=event.amount))
        case RefundRecorded():
            refund = Refund(event.payment_id, event.amount, event.reason, RefundStatus.COMPLETED)
            return _with_refund(order, event.refund_id, refund)
        case DisputeOpened():
            return _with_dispute(order, event.dispute_id, Dispute(event.payment_id, event.amount, event.reason))
        case DisputeWon() if event.dispute_id in order.disputes:
            return _with_dispute_status(order, event.dispute_id, DisputeStatus.WON)
        case DisputeLost() if event.dispute_id in order.disputes:
            return _with_dispute_status(order, event.dispute_id, DisputeStatus.LOST)
    return order


def _moved(order: Known, event: TicketsMoved) -> Known:
    valid = order.valid.difference(event.ticket_ids).union(ticket.id for ticket in event.tickets)
    order = replace(order, valid=valid)
    if event.paid_by is not None and event.paid_by not in order.paying:
        order = replace(order, supplements=(*order.supplements, event.paid_by))
    return _with_status(_with_payment(order, event.paid_by, status=PaymentStatus.SUCCEEDED))


def _settled(order: Known, event: OrderSettled) -> Known:
    """Return the order as the operator ends it; what the event names and the order does not know is left out."""
    for payment_id in event.payment_ids:
        order = _with_payment(order, payment_id, status=PaymentStatus.FAILED, reason=event.reason)
    returned = RefundStatus.SETTLED if event.outcome == Outcome.REFUNDED else RefundStatus.ABANDONED
    for refund_id in event.refund_ids:
        order = _with_refund_status(order, refund_id, returned) if refund_id in order.refunds else order
    closed = DisputeStatus.LOST if event.outcome == Outcome.CHARGED_BACK else DisputeStatus.WON
    for dispute_id in event.dispute_ids:
        order = _with_dispute_status(order, dispute_id, closed) if dispute_id in order.disputes else order
    return replace(order, status=OrderStatus.FAILED) if event.outcome == Outcome.FAILED else order


def _with_payment(order: Known, payment_id: UUID | None, **changes: Any) -> Known:
    """Change a payment that is known; an imported stream may speak of others."""
    if payment_id is None or payment_id not in order.payments:
        return order
    return replace(order, payments={**order.payments, payment_id: replace(order.payments[payment_id], **changes)})


def _with_refund_status(order: Known, refund_id: UUID, status: RefundStatus) -> Known:
    return _with_refund(order, refund_id, replace(order.refunds[refund_id], status=status))


def _with_refund(order: Known, refund_id: UUID, refund: Refund) -> Known:
    order = replace(order, refunds={**order.refunds, refund_id: refund})
    return _with_status(_with_payment_status(order, refund.payment_id, refund.reason))


def _with_dispute_status(order: Known, dispute_id: str, status: DisputeStatus) -> Known:
    return _with_dispute(order, dispute_id, replace(order.disputes[dispute_id], status=status))


def _with_dispute(order: Known, dispute_id: str, dispute: Dispute) -> Known:
    order = replace(order, disputes={**order.disputes, dispute_id: dispute})
    return _with_status(_with_payment_status(order, dispute.payment_id, dispute.reason))


def _with_payment_status(order: Known, payment_id: UUID, reason: str) -> Known:
    """Give a payment the status of its refunds, once they are all of it, or that of its disputes."""
    payment = order.payments.get(payment_id)
    if payment is None:
        return order
    refunds, disputed = _refunds_of(order, [payment_id]), _disputed(order, [payment_id])
    if disputed is not None:
        return _with_payment(order, payment_id, status=PaymentStatus(disputed), reason=reason)
    if refunds and sum(one.amount.amount for one in refunds) >= payment.amount.amount:
        return _with_payment(order, payment_id, status=PaymentStatus(_returned(refunds)), reason=reason)
    if payment.status in _RETURNING:
        return _with_payment(order, payment_id, status=PaymentStatus.SUCCEEDED, reason=None)
    return order


def _with_status(order: Known) -> Known:
    """Give a paid order the status of its disputes, or of its refunds once none of its tickets is valid any more."""
    if not order.paying:
        return order
    refunds, disputed = _refunds_of(order, order.paying), _disputed(order, order.paying)
    if disputed is not None:
        return replace(order, status=OrderStatus(disputed))
    if refunds and not order.valid:
        return replace(order, status=OrderStatus(_returned(refunds)))
    return replace(order, status=OrderStatus.CONFIRMED) if order.status in _RETURNING else order


def _disputed(order: OrderState, payment_ids: Sequence[UUID]) -> str | None:
    """Return the status that disputes give to payments and their order, if any."""
    statuses = {dispute.status for dispute in order.disputes.values() if dispute.payment_id in payment_ids}
    if DisputeStatus.LOST in statuses:
        return OrderStatus.CHARGED_BACK
    return OrderStatus.DISPUTED if DisputeStatus.OPEN in statuses else None


def _returned(refunds: Sequence[Refund]) -> str:
    """Return the status that refunds give to payments and their order."""
    statuses = {refund.status for refund in refunds}
    if RefundStatus.FAILED in statuses:
        return OrderStatus.REFUND_FAILED
    if RefundStatus.STARTED in statuses:
        return OrderStatus.REFUNDING
    return OrderStatus.RETAINED if RefundStatus.ABANDONED in statuses else OrderStatus.REFUNDED


def _refunds_of(order: OrderState, payment_ids: Sequence[UUID]) -> list[Refund]:
    return [refund for refund in order.refunds.values() if refund.payment_id in payment_ids]
