"""The order: placed, then paid and confirmed, or expired or cancelled.

A payment that confirms nothing goes back whole; of the one that confirmed the order goes back what was paid for the
concerts that are cancelled, each concert's part once. What the provider does to its money is in `reversals.py`.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID

from chalicelib.platform.errors import Expired, IdempotencyKeyReused, RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.ids import IdKey
from chalicelib.platform.money import Money, ensure_chargeable
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.orders.events import (
    BuyerCorrected,
    BuyerErased,
    IssuedTicket,
    OrderCancelled,
    OrderConfirmed,
    OrderCreatedByTheOriginal,
    OrderExpired,
    OrderJoined,
    OrderLine,
    OrderLinkIssued,
    OrderPlaced,
    PaymentFailed,
    PaymentStarted,
    PaymentSucceeded,
    RefundCompleted,
    RefundFailed,
    RefundGranted,
    TicketMoveEnded,
    TicketMoveStarted,
    TicketRevocationCompleted,
    TicketsMoved,
    TicketsReissued,
    TicketsRevoked,
)
from chalicelib.shop.orders.order_facts import OrderFacts, Payment, Revocation, TicketMove
from chalicelib.shop.orders.refund import RefundFailures, refund_id_of, start_refund
from chalicelib.shop.orders.rules import OrderStatus, after

MAX_PAYMENTS = 20


class AlreadyPaid(RuleViolated):
    """The order is confirmed."""

    code = "already_paid"


class PaymentInProgress(RuleViolated):
    """A payment of the order is being processed."""

    code = "payment_in_progress"


class TooManyPayments(RuleViolated):
    """Too many payments of the order have failed."""

    code = "too_many_payments"
    fact_types = facts(limit="int")


class NotPayable(RuleViolated):
    """The order cannot be paid."""

    code = "not_payable"


class NotCancellable(RuleViolated):
    """The order is paid, so it is not cancelled but refunded."""

    code = "not_cancellable"
    fact_types = facts(order_status="OrderStatus | None")


class OrderOverdue(Expired):
    """The time to pay the order is over."""

    code = "order_expired"


@dataclass(frozen=True, slots=True)
class Order(OrderFacts):
    """Decides what happens to an order."""

    def place(
        self,
        cart_id: UUID,
        customer_id: UUID,
        buyer: Sealed,
        lines: tuple[OrderLine, ...],
        payment_due_at: datetime,
        now: datetime,
        language: str | None = None,
    ) -> list[Event]:
        """Place the order once; placing again changes nothing.

        Raises:
            InvalidInput: because no provider would take the total.
            CurrencyMismatch
        """
        if self.status is not None:
            return []
        total = _total_of(lines)
        ensure_chargeable(total, "#/items", "A total")
        return [
            OrderPlaced(
                cart_id=cart_id,
                customer_id=customer_id,
                buyer=buyer,
                lines=lines,
                total=total,
                payment_due_at=payment_due_at,
                language=language,
                at=now,
            )
        ]

    def start_payment(self, payment_id: UUID, provider: str, request_hash: str, now: datetime) -> list[Event]:
        """Start a payment of the total, or of the move that waits for one; the same request again changes nothing.

        Raises:
            IdempotencyKeyReused
            AlreadyPaid
            PaymentInProgress
            TooManyPayments
            NotPayable
            OrderOverdue
        """
        known = self.payments.get(payment_id)
        if known is not None:
            if known.request_hash != request_hash:
                raise IdempotencyKeyReused
            return []
        move = self.open_move if self.status is OrderStatus.CONFIRMED else None
        if self.status is OrderStatus.CONFIRMED and move is None:
            raise AlreadyPaid("The order is confirmed; nothing is left to pay.")
        if self.status is OrderStatus.EXPIRED:
            raise OrderOverdue("The time to pay this order is over.")
        due_at = self.payment_due_at if move is None else move.payment_due_at
        if (self.status is not OrderStatus.AWAITING_PAYMENT and move is None) or due_at is None:
            raise NotPayable("This order cannot be paid.")
        if self.open_payments:
            raise PaymentInProgress("Another payment of this order is being processed.")
        if now >= due_at:
            raise OrderOverdue(f"The time to pay this {'order' if move is None else 'move'} is over.")
        if len(self.payments) >= MAX_PAYMENTS:
            raise TooManyPayments("Too many payments of this order have failed.", limit=MAX_PAYMENTS)
        return [
            PaymentStarted(
                payment_id=payment_id,
                provider=provider,
                amount=self.total if move is None else move.supplement,
                request_hash=request_hash,
                move_id=None if move is None else move.move_id,
                at=now,
            )
        ]

    def fail_payment(self, payment_id: UUID, reason: str, now: datetime) -> list[Event]:
        """Fail a started payment; hearing of it again changes nothing."""
        if payment_id not in self.open_payments:
            return []
        return [PaymentFailed(payment_id=payment_id, reason=reason, at=now)]

    def is_news(self, payment_id: UUID) -> bool:
        """Tell whether the success of this payment was not known yet."""
        return payment_id in self.payments and self.payments[payment_id].may_succeed

    def is_paid_with(self, amount: Money) -> bool:
        """Tell whether a payment of this amount confirms the order, if its stock can be had: late is not too late."""
        return self.status in {OrderStatus.AWAITING_PAYMENT, OrderStatus.EXPIRED} and amount == self.total

    def confirm(self, order_id: UUID, ids: IdKey, now: datetime, payment_id: UUID, reference: str) -> list[Event]:
        """Confirm the order by a successful payment and issue its tickets; hearing of it again changes nothing."""
        if not (self.is_news(payment_id) and self.is_paid_with(self.total)):
            return []
        tickets = tickets_of(order_id, self.lines, ids)
        return [OrderConfirmed(payment_id=payment_id, provider_reference=reference, tickets=tickets, at=now)]

    def return_payment(
        self, payment_id: UUID, reference: str, amount: Money, reason: str, now: datetime
    ) -> list[Event]:
        """Refund the whole of a successful payment that confirms nothing, once."""
        if not self.is_news(payment_id):
            return []
        succeeded = PaymentSucceeded(payment_id=payment_id, provider_reference=reference, amount=amount, at=now)
        return [succeeded, start_refund(payment_id, refund_id_of(payment_id), amount, reason, now)]

    def end_without_stock(self, now: datetime) -> list[Event]:
        """End the order whose stock is gone: before its deadline only a cancelled concert takes it away."""
        if self.status is not OrderStatus.AWAITING_PAYMENT or self.payment_due_at is None:
            return []
        if now < self.payment_due_at:
            return [OrderCancelled(reason="The concert is cancelled.", at=now)]
        return [OrderExpired(at=now)]

    def complete_refund(self, refund_id: UUID, now: datetime) -> list[Event]:
        """Complete a refund; hearing of it again changes nothing."""
        refund = self.refunds.get(refund_id)
        if refund is None or refund.completed:
            return []
        return [RefundCompleted(payment_id=refund.payment_id, refund_id=refund_id, at=now)]

    def complete_revocation(self, concert_id: UUID, told: AbstractSet[UUID], now: datetime) -> list[Event]:
        """Complete the revocation of a concert's tickets, of which `told` know; completing again changes nothing."""
        under_way = self.revocations_under_way.get(concert_id)
        if under_way is None or not under_way.ticket_ids <= told:
            return []
        return [TicketRevocationCompleted(concert_id=concert_id, at=now)]

    def expire(self, now: datetime) -> list[Event]:
        """Expire an unpaid order at its deadline, unless a payment is under way; expiring again changes nothing."""
        if self.status is not OrderStatus.AWAITING_PAYMENT or self.status_at(now) is not OrderStatus.EXPIRED:
            return []
        return [OrderExpired(at=now)]

    def cancel(self, reason: str, now: datetime) -> list[Event]:
        """Cancel an order that is not paid; cancelling again changes nothing.

        Raises:
            OrderOverdue: because the order has expired, and nothing is held for it.
            NotCancellable: because the order is confirmed, or was.
            PaymentInProgress: because an open payment is closed first.
        """
        if self.status is OrderStatus.CANCELLED:
            return []
        if self.status is OrderStatus.EXPIRED:
            raise OrderOverdue("The order has expired; nothing is held for it any more.")
        if self.status is not OrderStatus.AWAITING_PAYMENT:
            raise NotCancellable("Only an order that is not paid can be cancelled.", order_status=self.status)
        if self.open_payments:
            raise PaymentInProgress("A payment of this order is being processed.")
        return [OrderCancelled(reason=reason, at=now)]

    def cancel_concert(self, concert_id: UUID, reason: str, now: datetime) -> list[Event]:
        """Revoke and refund what was bought for the cancelled concert, once; tickets of other concerts stay valid. An
        order that is not paid is cancelled as a whole. What was kept of tickets that are revoked goes back as well, and
        nothing of what the bank has taken back.

        Raises:
            PaymentInProgress: because the open payment of an unpaid order is closed first.
        """
        lines = [line for line in self.lines if line.concert_id == concert_id]
        if lines and self.status in {OrderStatus.CONFIRMED, OrderStatus.DISPUTED}:
            return self._give_back(concert_id, self.kept_for(concert_id), reason, now)
        if lines and self.status is OrderStatus.CHARGED_BACK:
            return self._revoke(concert_id, reason, now)
        if not lines or self.status is not OrderStatus.AWAITING_PAYMENT:
            return []
        if self.open_payments:
            raise PaymentInProgress("A payment of this order is being processed.")
        return [OrderCancelled(reason=reason, at=now)]

    def _give_back(self, concert_id: UUID, price: Money, reason: str, now: datetime) -> list[Event]:
        revoked = self._revoke(concert_id, reason, now)
        if not self.paying:
            is_all = revoked and all(ticket.concert_id == concert_id for ticket in self.valid_tickets)
            return [*revoked, OrderCancelled(reason=reason, at=now)] if is_all else revoked
        left = min(price.amount, self.left_to_refund)
        if not left or self.has_given_back(concert_id):
            return revoked
        refunds = [
            start_refund(payment_id, refund_id_of(payment_id, concert_id), amount, reason, now)
            for payment_id, amount in self.spread(left)
        ]
        return [*refunds, *revoked]

    def _revoke(self, concert_id: UUID, reason: str, now: datetime) -> list[Event]:
        ids = tuple(ticket.id for ticket in self.valid_tickets if ticket.concert_id == concert_id)
        return [TicketsRevoked(concert_id=concert_id, ticket_ids=ids, reason=reason, at=now)] if ids else []

    def confirm_free(self, order_id: UUID, ids: IdKey, now: datetime) -> list[Event]:
        """Confirm an order that costs nothing without a payment."""
        if self.status is not OrderStatus.AWAITING_PAYMENT or self.total.amount:
            return []
        return [OrderConfirmed(tickets=tickets_of(order_id, self.lines, ids), at=now)]

    def end_move(self, now: datetime) -> list[Event]:
        """End a move that was not paid in time, unless a payment is under way; ending it again changes nothing."""
        move = self.open_move
        if move is None or now < move.payment_due_at or self.open_payments:
            return []
        return [TicketMoveEnded(move_id=move.move_id, reason="It was not paid in time.", at=now)]

    def erase_buyer(self, now: datetime) -> list[Event]:
        """Record that the buyer's key is gone; recording it again changes nothing."""
        return [] if self.buyer_erased else [BuyerErased(at=now)]


def _total_of(lines: Iterable[OrderLine]) -> Money:
    """Add up the lines.

    Raises:
        CurrencyMismatch
    """
    first, *others = (line.unit_price.times(line.quantity) for line in lines)
    return reduce(Money.plus, others, first)


def tickets_of(order_id: UUID, lines: tuple[OrderLine, ...], ids: IdKey) -> tuple[IssuedTicket, ...]:
    """Return one ticket per admission. Issuing them again makes the same ids, which nobody else can compute."""
    admissions = [line for line in lines for _ in range(line.quantity)]
    return tuple(
        IssuedTicket(
            id=ids.id_of("ticket", order_id, index),
            ticket_type_id=line.ticket_type_id,
            concert_id=line.concert_id,
        )
        for index, line in enumerate(admissions)
    )


def evolve(order: Order, event: Event) -> Order:
    return after(_with_facts(order, event), event)


def _with_facts(order: Order, event: Event) -> Order:
    """Add what the event tells beside the status, which the rules set."""
    match event:
        case OrderPlaced():
            return Order(
                customer_id=event.customer_id,
                cart_id=event.cart_id,
                issued_by=event.issued_by,
                buyer=event.buyer,
                lines=event.lines,
                total=event.total,
                placed_at=event.at,
                payment_due_at=event.payment_due_at,
            )
        case OrderCreatedByTheOriginal():
            return Order(customer_id=event.customer_id)
        case PaymentStarted():
            payment = Payment(
                event.provider,
                event.amount,
                request_hash=event.request_hash,
                started_at=event.at,
                move_id=event.move_id,
            )
            return replace(order, payments={**order.payments, event.payment_id: payment})
        case OrderConfirmed():
            order = replace(order, tickets=event.tickets)
            return _with_reference(order, event.payment_id, event.provider_reference)
        case PaymentSucceeded():
            return _with_reference(order, event.payment_id, event.provider_reference)
        case RefundFailed():
            known = order.failures[event.refund_id].references if event.refund_id in order.failures else ()
            references = (*known, event.provider_reference or "")
            failures = RefundFailures(references, event.reason, event.retry_at, event.at)
            return replace(order, failures={**order.failures, event.refund_id: failures})
    return _with_decisions(_with_people(order, event), event)


def _with_people(order: Order, event: Event) -> Order:
    """Add whose order it is, and who is named in it."""
    match event:
        case BuyerCorrected():
            return replace(order, buyer=event.buyer)
        case BuyerErased():
            return replace(order, buyer_erased=True)
        case OrderLinkIssued():
            return replace(order, links=(*order.links, event.link_id))
        case OrderJoined():
            return replace(order, account_id=event.account_id)
    return order


def _with_decisions(order: Order, event: Event) -> Order:
    """Add what was decided about a confirmed order's tickets and money."""
    match event:
        case RefundGranted():
            return replace(order, grants={**order.grants, event.grant_id: event})
        case TicketsReissued():
            return replace(order, reissues={**order.reissues, event.reissue_id: event})
        case TicketMoveStarted():
            return _with_move(order, event.move_id, started=event)
        case TicketMoveEnded():
            return _with_move(order, event.move_id, ended=True)
        case TicketsMoved():
            order = replace(order, lines=(*order.lines, event.line), tickets=(*order.tickets, *event.tickets))
            return _with_move(
                _with_reference(order, event.paid_by, event.provider_reference), event.move_id, moved=event
            )
        case TicketsRevoked():
            before = order.revocations_under_way.get(event.concert_id)
            ticket_ids = frozenset(event.ticket_ids) | (before.ticket_ids if before else frozenset())
            revocation = Revocation(event.reason, ticket_ids)
            under_way = {**order.revocations_under_way, event.concert_id: revocation}
            return replace(order, revocations_under_way=under_way)
        case TicketRevocationCompleted():
            under_way = {key: one for key, one in order.revocations_under_way.items() if key != event.concert_id}
            return replace(order, revocations_under_way=under_way)
    return order


def _with_move(order: Order, move_id: UUID, **changes: Any) -> Order:
    return replace(order, moves={**order.moves, move_id: replace(order.moves.get(move_id, TicketMove()), **changes)})


def _with_reference(order: Order, payment_id: UUID | None, reference: str | None) -> Order:
    """Keep the provider's own id of a payment that is known."""
    if payment_id is None or payment_id not in order.payments:
        return order
    payment = replace(order.payments[payment_id], reference=reference)
    return replace(order, payments={**order.payments, payment_id: payment})


ORDER = Aggregate("Order", Order(), evolve)
