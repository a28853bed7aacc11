"""The rules of an order's status: what each event makes of it, its payments, its refunds and its tickets.

The aggregate and the customers' document both fold by `after`, so that neither can say what the other does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.shop.orders.events import (
    OrderCancelled,
    OrderConfirmed,
    OrderCreatedByTheOriginal,
    OrderExpired,
    OrderPlaced,
    PaymentFailed,
    PaymentSucceeded,
    RefundCompleted,
    RefundStarted,
    TicketsRevoked,
)
from chalicelib.shop.orders.refund import Refund, RefundStatus, refund_id_of


class OrderStatus(StrEnum):
    AWAITING_PAYMENT = "awaiting_payment"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    IMPORTED = "imported"


class PaymentStatus(StrEnum):
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"

    @property
    def is_open(self) -> bool:
        """Tells whether the provider has still to say what became of the payment."""
        return self is PaymentStatus.STARTED


@dataclass(frozen=True, slots=True)
class PaymentState:
    """What the rules know of a payment; `reason` says why it failed or went back."""

    provider: str
    amount: Money
    status: PaymentStatus = PaymentStatus.STARTED
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class OrderState:
    """What the rules know of an order; `valid` holds the ids of the tickets that still admit."""

    status: OrderStatus | None = None
    payments: Mapping[UUID, PaymentState] = field(default_factory=dict)
    paid_by: UUID | None = None
    refunds: Mapping[UUID, Refund] = field(default_factory=dict)
    valid: frozenset[UUID] = frozenset()


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
            return _as_refunded(replace(order, valid=order.valid.difference(event.ticket_ids)))
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
            refund = replace(order.refunds[event.refund_id], status=RefundStatus.COMPLETED)
            return _with_refund(order, event.refund_id, refund)
    return order


def _with_payment(order: Known, payment_id: UUID | None, **changes: Any) -> Known:
    """Change a payment that is known; an imported stream may speak of others."""
    if payment_id is None or payment_id not in order.payments:
        return order
    return replace(order, payments={**order.payments, payment_id: replace(order.payments[payment_id], **changes)})


def _with_refund(order: Known, refund_id: UUID, refund: Refund) -> Known:
    order = replace(order, refunds={**order.refunds, refund_id: refund})
    payment, refunds = order.payments.get(refund.payment_id), _refunds_of(order, refund.payment_id)
    if payment is not None and sum(one.amount.amount for one in refunds) >= payment.amount.amount:
        status = PaymentStatus.REFUNDED if all(one.completed for one in refunds) else PaymentStatus.REFUNDING
        order = _with_payment(order, refund.payment_id, status=status, reason=refund.reason)
    return _as_refunded(order)


def _as_refunded(order: Known) -> Known:
    """Give a paid order the status of its refunds, once none of its tickets is valid any more."""
    refunds = _refunds_of(order, order.paid_by)
    if not refunds or order.valid:
        return order
    is_done = all(refund.completed for refund in refunds)
    return replace(order, status=OrderStatus.REFUNDED if is_done else OrderStatus.REFUNDING)


def _refunds_of(order: OrderState, payment_id: UUID | None) -> list[Refund]:
    return [refund for refund in order.refunds.values() if refund.payment_id == payment_id]
