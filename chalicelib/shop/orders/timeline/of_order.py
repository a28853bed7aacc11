"""Makes entries of an order's own events."""

from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

from chalicelib.platform.money import Money
from chalicelib.shop.orders.events import (
    BuyerCorrected,
    BuyerErased,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    OrderCancelled,
    OrderConfirmed,
    OrderCreatedByTheOriginal,
    OrderExpired,
    OrderJoined,
    OrderLinkIssued,
    OrderPlaced,
    OrderSettled,
    PaymentFailed,
    PaymentStarted,
    PaymentSucceeded,
    RefundCompleted,
    RefundFailed,
    RefundGranted,
    RefundRecorded,
    RefundReduced,
    RefundStarted,
    TicketMoveEnded,
    TicketMoveStarted,
    TicketsMoved,
    TicketsReissued,
    TicketsRevoked,
)
from chalicelib.shop.orders.order import Order
from chalicelib.shop.orders.refund import refund_id_of
from chalicelib.shop.orders.timeline.entries import By, Happened, TimelineEntry, TimelineReader, entry

_ASKED_BY = {"customer": By.CUSTOMER, "organiser": By.ORGANISER}


def entries_of_order(order: Order, happened: Happened, reader: TimelineReader) -> Iterator[TimelineEntry]:
    """Give what the reader may know of the event, if anything; `order` is the order as it is now."""
    by = happened.by(reader, order)
    match happened.event:
        case OrderPlaced() as event:
            quantity = sum(line.quantity for line in event.lines if reader.sees(line.concert_id))
            total = {"total": event.total} if reader.sees_all_of(order) else {}
            if event.issued_by is not None:
                yield entry(happened, "tickets_given_away", by, quantity=quantity)
            else:
                yield entry(happened, "order_placed", by, quantity=quantity, due_at=event.payment_due_at, **total)
        case OrderConfirmed() as event:
            quantity = sum(reader.sees(ticket.concert_id) for ticket in event.tickets)
            yield entry(happened, "order_confirmed", by, quantity=quantity)
        case TicketsRevoked() as event if reader.sees(event.concert_id):
            facts = {"concert_id": event.concert_id, "quantity": len(event.ticket_ids), "reason": event.reason}
            yield entry(happened, "tickets_revoked", by, **facts)
        case TicketMoveStarted() | TicketsMoved() as event if reader.sees(event.concert_id):
            yield _move(happened, event, by)
        case TicketsReissued() as event:
            yield from _reissue(order, happened, event, reader, by)
        case RefundGranted():
            yield from _grant(happened, happened.event, reader, by)
        case _:
            yield from _of_the_whole(happened, by)
            yield from _of_payment(order, happened, reader, by)
            yield from _of_refund(order, happened, reader)


def _of_the_whole(happened: Happened, by: By) -> Iterator[TimelineEntry]:
    """Give what everybody who may see the order may know."""
    match happened.event:
        case BuyerCorrected():
            yield entry(happened, "buyer_corrected", by)
        case BuyerErased():
            yield entry(happened, "buyer_erased", by)
        case OrderLinkIssued():
            yield entry(happened, "link_issued", by)
        case OrderJoined():
            yield entry(happened, "order_joined", by)
        case OrderExpired():
            yield entry(happened, "order_expired", By.SHOP)
        case TicketMoveEnded():
            yield entry(happened, "move_ended", By.SHOP)
        case OrderCancelled() as event:
            yield entry(happened, "order_cancelled", by, reason=event.reason)
        case OrderCreatedByTheOriginal():
            yield entry(happened, "order_imported", By.SHOP)
        case OrderSettled() as event:
            yield entry(happened, "order_settled", By.SHOP, outcome=event.outcome, reason=event.reason)


def _of_payment(order: Order, happened: Happened, reader: TimelineReader, by: By) -> Iterator[TimelineEntry]:
    """Give a payment's way. By which provider, and why a bank has refused, is between the shop and the customer."""
    match happened.event:
        case PaymentStarted() as event:
            facts = {"provider": event.provider, "amount": event.amount} if reader.is_customer else {}
            yield entry(happened, "payment_started", by, **facts)
        case PaymentFailed() as event:
            yield entry(happened, "payment_failed", By.SHOP, **({"reason": event.reason} if reader.is_customer else {}))
        case PaymentSucceeded() as event:
            amount = {"amount": event.amount} if reader.sees_all_of(order) else {}
            yield entry(happened, "payment_returned", By.SHOP, **amount)
        case DisputeOpened() as event if reader.sees_all_of(order):
            yield entry(happened, "dispute_opened", By.CUSTOMER, amount=event.amount, reason=event.reason)
        case DisputeWon() if reader.sees_all_of(order):
            yield entry(happened, "dispute_won", By.SHOP)
        case DisputeLost() if reader.sees_all_of(order):
            yield entry(happened, "dispute_lost", By.SHOP)


def _of_refund(order: Order, happened: Happened, reader: TimelineReader) -> Iterator[TimelineEntry]:
    event = happened.event
    if not isinstance(event, RefundStarted | RefundCompleted | RefundFailed | RefundReduced | RefundRecorded):
        return
    concert_id = _concert_of(order, event.refund_id)
    if not (reader.sees(concert_id) if concert_id is not None else reader.sees_all_of(order)):
        return
    known = order.refunds.get(event.refund_id)
    amount = getattr(event, "amount", None) or (known.amount if known else Money.zero(order.total.currency))
    facts = {"amount": amount, **({} if concert_id is None else {"concert_id": concert_id})}
    match event:
        case RefundStarted():
            yield entry(happened, "refund_started", By.SHOP, **facts, reason=event.reason)
        case RefundCompleted():
            yield entry(happened, "refund_completed", By.SHOP, **facts)
        case RefundFailed(retry_at=None):
            yield entry(happened, "refund_failed", By.SHOP, **facts, reason=event.reason)
        case RefundFailed():
            yield entry(happened, "refund_retried", By.SHOP, **facts, reason=event.reason, retry_at=event.retry_at)
        case RefundReduced():
            yield entry(happened, "refund_reduced", By.SHOP, **facts)
        case RefundRecorded():
            yield entry(happened, "refund_recorded", By.SHOP, **facts, reason=event.reason)


def _move(happened: Happened, event: TicketMoveStarted | TicketsMoved, by: By) -> TimelineEntry:
    """Tell of a move; who comes with the tickets now stays sealed."""
    asked_by = by if by is By.YOU else _ASKED_BY.get(event.by, By.SHOP)
    facts = {"move_id": event.move_id, "quantity": len(event.ticket_ids), "supplement": event.supplement}
    if isinstance(event, TicketMoveStarted):
        return entry(happened, "move_started", asked_by, **facts, due_at=event.payment_due_at)
    return entry(happened, "tickets_moved", asked_by, **facts, refunded=event.refunded, reason=event.reason)


def _reissue(
    order: Order, happened: Happened, event: TicketsReissued, reader: TimelineReader, by: By
) -> Iterator[TimelineEntry]:
    hidden = {ticket.id for ticket in order.tickets if not reader.sees(ticket.concert_id)}
    quantity = len(set(event.ticket_ids) - hidden)
    if quantity or reader.is_customer:
        asked_by = by if by is By.YOU else _ASKED_BY.get(event.by, By.SHOP)
        reason = {} if event.reason is None else {"reason": event.reason}
        yield entry(happened, "tickets_reissued", asked_by, quantity=quantity, **reason)


def _grant(happened: Happened, granted: RefundGranted, reader: TimelineReader, by: By) -> Iterator[TimelineEntry]:
    parts = [part for part in granted.parts if reader.sees(part.concert_id)]
    if not parts:
        return
    amount = Money.of(sum((part.amount.amount for part in parts), Decimal(0)), parts[0].amount.currency)
    fee = Money.of(sum((part.fee.amount for part in parts), Decimal(0)), parts[0].fee.currency)
    quantity = sum(len(part.ticket_ids) for part in parts)
    asked_by = by if by is By.YOU else _ASKED_BY.get(granted.by, By.SHOP)
    yield entry(happened, "refund_granted", asked_by, amount=amount, fee=fee, quantity=quantity, reason=granted.reason)


def _concert_of(order: Order, refund_id: UUID) -> UUID | None:
    """Return the concert whose part of the payment a refund gives back, or None if it is not of one concert."""
    for grant in order.grants.values():
        for part in grant.parts:
            if part.refund_id == refund_id:
                return part.concert_id
    refund = order.refunds.get(refund_id)
    concerts = {line.concert_id for line in order.lines if line.concert_id is not None}
    if refund is None:
        return None
    return next((key for key in concerts if refund_id_of(refund.payment_id, key) == refund_id), None)
