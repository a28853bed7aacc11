"""The order: placed, then paid and confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from chalicelib.errors import Expired, IdempotencyKeyReused, NotFound, RuleViolated
from chalicelib.eventsourcing.aggregate import Aggregate
from chalicelib.eventsourcing.event import Event
from chalicelib.money import Money
from chalicelib.orders.events import (
    OrderConfirmed,
    OrderCreatedByTheOriginal,
    OrderLine,
    OrderPlaced,
    PaymentFailed,
    PaymentStarted,
    Ticket,
)
from chalicelib.privacy.sealed import Sealed

MAX_PAYMENTS = 20
NOTHING = Money.zero("EUR")


class OrderStatus(StrEnum):
    AWAITING_PAYMENT = "awaiting_payment"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    IMPORTED = "imported"


class PaymentStatus(StrEnum):
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class AlreadyPaid(RuleViolated):
    code = "already_paid"


class PaymentInProgress(RuleViolated):
    code = "payment_in_progress"


class TooManyPayments(RuleViolated):
    code = "too_many_payments"


class NotPayable(RuleViolated):
    code = "not_payable"


class OrderExpired(Expired):
    code = "order_expired"


@dataclass(frozen=True, slots=True)
class Payment:
    provider: str
    request_hash: str
    status: PaymentStatus = PaymentStatus.STARTED
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    customer_id: UUID | None = None
    status: OrderStatus | None = None
    cart_id: UUID | None = None
    buyer: Sealed | None = None
    lines: tuple[OrderLine, ...] = ()
    total: Money = NOTHING
    payment_due_at: datetime | None = None
    payments: Mapping[UUID, Payment] = field(default_factory=dict)
    tickets: tuple[Ticket, ...] = ()

    def place(
        self,
        cart_id: UUID,
        customer_id: UUID,
        buyer: Sealed,
        lines: tuple[OrderLine, ...],
        payment_due_at: datetime,
        now: datetime,
    ) -> list[Event]:
        """An order is placed once."""
        if self.status is not None:
            return []
        total = lines[0].unit_price.times(0)
        for line in lines:
            total = total.plus(line.unit_price.times(line.quantity))
        return [
            OrderPlaced(
                cart_id=cart_id,
                customer_id=customer_id,
                buyer=buyer,
                lines=lines,
                total=total,
                payment_due_at=payment_due_at,
                at=now,
            )
        ]

    def start_payment(self, payment_id: UUID, provider: str, request_hash: str, now: datetime) -> list[Event]:
        """Starting again with the same request changes nothing.

        Raises IdempotencyKeyReused, AlreadyPaid, PaymentInProgress, TooManyPayments, NotPayable or OrderExpired.
        """
        known = self.payments.get(payment_id)
        if known is not None:
            if known.request_hash != request_hash:
                raise IdempotencyKeyReused
            return []
        if self.status is OrderStatus.CONFIRMED:
            raise AlreadyPaid("The order is confirmed; nothing is left to pay.")
        if self.status is not OrderStatus.AWAITING_PAYMENT or self.payment_due_at is None:
            raise NotPayable("This order cannot be paid.")
        if any(payment.status is PaymentStatus.STARTED for payment in self.payments.values()):
            raise PaymentInProgress("Another payment of this order is being processed.")
        if now >= self.payment_due_at:
            raise OrderExpired("The time to pay this order is over.")
        if len(self.payments) >= MAX_PAYMENTS:
            raise TooManyPayments("Too many payments of this order have failed.", limit=MAX_PAYMENTS)
        return [
            PaymentStarted(
                payment_id=payment_id, provider=provider, amount=self.total, request_hash=request_hash, at=now
            )
        ]

    def fail_payment(self, payment_id: UUID, reason: str, now: datetime) -> list[Event]:
        """Only a started payment can fail; hearing of it again changes nothing."""
        if not self._is_started(payment_id):
            return []
        return [PaymentFailed(payment_id=payment_id, reason=reason, at=now)]

    def confirm(self, order_id: UUID, now: datetime, payment_id: UUID, reference: str) -> list[Event]:
        """The payment succeeded: the tickets are issued. Hearing of it again changes nothing."""
        if not self._is_started(payment_id):
            return []
        tickets = tickets_of(order_id, self.lines)
        return [OrderConfirmed(payment_id=payment_id, provider_reference=reference, tickets=tickets, at=now)]

    def confirm_free(self, order_id: UUID, now: datetime) -> list[Event]:
        """An order that costs nothing needs no payment."""
        if self.status is not OrderStatus.AWAITING_PAYMENT or self.total.amount:
            return []
        return [OrderConfirmed(tickets=tickets_of(order_id, self.lines), at=now)]

    def status_at(self, now: datetime) -> OrderStatus | None:
        """The status by the clock: unpaid past its deadline, with no payment under way, an order has expired."""
        return status_at(self.status, self.payment_due_at, self._has_open_payment(), now)

    def ensure_of(self, customer_id: UUID) -> None:
        """Raises NotFound: another customer's order does not exist."""
        if self.status is None or self.customer_id != customer_id:
            raise NotFound("There is no such order.")

    def _has_open_payment(self) -> bool:
        return any(payment.status is PaymentStatus.STARTED for payment in self.payments.values())

    def _is_started(self, payment_id: UUID) -> bool:
        payment = self.payments.get(payment_id)
        return payment is not None and payment.status is PaymentStatus.STARTED


def status_at(
    status: OrderStatus | None, payment_due_at: datetime | None, payment_open: bool, now: datetime
) -> OrderStatus | None:
    """See `Order.status_at`; also for read models, which keep these three."""
    if status is not OrderStatus.AWAITING_PAYMENT or payment_due_at is None or payment_open:
        return status
    return OrderStatus.EXPIRED if now >= payment_due_at else status


def tickets_of(order_id: UUID, lines: tuple[OrderLine, ...]) -> tuple[Ticket, ...]:
    """One ticket per admission, with ids that follow from the order's: issuing them again makes the same."""
    admissions = [line for line in lines for _ in range(line.quantity)]
    return tuple(
        Ticket(
            id=uuid5(order_id, f"ticket/{index}"),
            ticket_type_id=line.ticket_type_id,
            concert_id=line.concert_id,
        )
        for index, line in enumerate(admissions)
    )


def evolve(order: Order, event: Event) -> Order:
    match event:
        case OrderPlaced():
            return Order(
                customer_id=event.customer_id,
                status=OrderStatus.AWAITING_PAYMENT,
                cart_id=event.cart_id,
                buyer=event.buyer,
                lines=event.lines,
                total=event.total,
                payment_due_at=event.payment_due_at,
            )
        case PaymentStarted():
            return _with_payment(order, event.payment_id, Payment(event.provider, event.request_hash))
        case PaymentFailed() if event.payment_id in order.payments:
            payment = replace(order.payments[event.payment_id], status=PaymentStatus.FAILED, reason=event.reason)
            return _with_payment(order, event.payment_id, payment)
        case OrderConfirmed():
            order = replace(order, status=OrderStatus.CONFIRMED, tickets=event.tickets)
            if event.payment_id is None or event.payment_id not in order.payments:
                return order
            payment = replace(order.payments[event.payment_id], status=PaymentStatus.SUCCEEDED)
            return _with_payment(order, event.payment_id, payment)
        case OrderCreatedByTheOriginal():
            return Order(customer_id=event.customer_id, status=OrderStatus.IMPORTED)
    return order


def _with_payment(order: Order, payment_id: UUID, payment: Payment) -> Order:
    return replace(order, payments={**order.payments, payment_id: payment})


ORDER = Aggregate("Order", Order(), evolve)
