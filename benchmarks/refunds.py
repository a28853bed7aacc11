"""Counts an order's tickets and money a second time, from its events alone: it shares no code with the aggregate."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.concerts.events import ConcertCancellationCompleted, ConcertCancelled
from chalicelib.shop.orders.events import (
    OrderCancelled,
    OrderConfirmed,
    OrderLine,
    OrderPlaced,
    PaymentStarted,
    PaymentSucceeded,
    RefundCompleted,
    RefundStarted,
    TicketRevocationCompleted,
    TicketRevoked,
    TicketsRevoked,
)

Streams = Mapping[UUID, list[Event]]


@dataclass(slots=True)
class Count:
    """Counts money by payment, refunds with the payment's id, and the prices of the valid tickets.

    `named` tickets must know of their revocation. Not all may know yet of the concerts in `unfinished_revocations`.
    """

    lines: tuple[OrderLine, ...] = ()
    asked: dict[UUID, Decimal] = field(default_factory=dict)
    taken: dict[UUID, Decimal] = field(default_factory=dict)
    refunds: dict[UUID, tuple[UUID, Decimal]] = field(default_factory=dict)
    refunds_begun: Counter[UUID] = field(default_factory=Counter)
    arrived: set[UUID] = field(default_factory=set)
    valid: dict[UUID, Decimal] = field(default_factory=dict)
    concerts: dict[UUID, UUID | None] = field(default_factory=dict)
    revoked: Counter[UUID] = field(default_factory=Counter)
    named: set[UUID] = field(default_factory=set)
    unfinished_revocations: set[UUID] = field(default_factory=set)

    @property
    def tickets(self) -> int:
        """Count the valid tickets and the revoked ones, whether revoked by name or with the order."""
        return len(self.valid) + sum(self.revoked.values())

    @property
    def returned(self) -> dict[UUID, Decimal]:
        """Return the refunded money that has arrived, by payment."""
        returned: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        for refund_id in self.arrived & self.refunds.keys():
            payment_id, amount = self.refunds[refund_id]
            returned[payment_id] += amount
        return returned


def count(order: Iterable[Event]) -> Count:
    counted = Count()
    for event in order:
        _apply(counted, event)
    return counted


def _apply(counted: Count, event: Event) -> None:
    match event:
        case OrderPlaced():
            counted.lines = event.lines
        case PaymentStarted():
            counted.asked[event.payment_id] = event.amount.amount
        case PaymentSucceeded():
            counted.taken[event.payment_id] = event.amount.amount
        case OrderConfirmed():
            _confirm(counted, event)
        case OrderCancelled():
            _revoke(counted, list(counted.valid))
        case TicketsRevoked():
            _revoke(counted, event.ticket_ids)
            counted.named |= set(event.ticket_ids)
            counted.unfinished_revocations.add(event.concert_id)
        case TicketRevocationCompleted():
            counted.unfinished_revocations.discard(event.concert_id)
        case RefundStarted():
            counted.refunds[event.refund_id] = event.payment_id, event.amount.amount
            counted.refunds_begun[event.refund_id] += 1
        case RefundCompleted():
            counted.arrived.add(event.refund_id)


def _confirm(counted: Count, event: OrderConfirmed) -> None:
    prices = [line.unit_price.amount for line in counted.lines for _ in range(line.quantity)]
    counted.valid = {ticket.id: Decimal(0) for ticket in event.tickets}
    counted.valid |= {ticket.id: price for ticket, price in zip(event.tickets, prices, strict=False)}
    counted.concerts = {ticket.id: ticket.concert_id for ticket in event.tickets}
    if event.payment_id is not None:
        counted.taken[event.payment_id] = counted.asked.get(event.payment_id, Decimal(0))


def _revoke(counted: Count, ticket_ids: Iterable[UUID]) -> None:
    for ticket_id in ticket_ids:
        counted.valid.pop(ticket_id, None)
        counted.revoked[ticket_id] += 1


def money_astray(counts: Mapping[UUID, Count]) -> Iterator[str]:
    """Find wrong money. An order keeps the price of its valid tickets.

    No payment gives back more than it took, and no refund is begun twice.
    """
    for order_id, counted in counts.items():
        retained = sum(counted.taken.values(), Decimal(0)) - sum(counted.returned.values(), Decimal(0))
        worth = sum(counted.valid.values(), Decimal(0))
        if retained != worth:
            yield f"Order {order_id} keeps {retained}; its valid tickets cost {worth}."
        for payment_id, amount in counted.returned.items():
            if amount > counted.taken.get(payment_id, Decimal(0)):
                yield f"Payment {payment_id} of order {order_id} gave back {amount}, more than it took."
        for refund_id, times in counted.refunds_begun.items():
            if times > 1:
                yield f"Refund {refund_id} of order {order_id} was started {times} times."


def unfinished(counts: Mapping[UUID, Count]) -> Iterator[str]:
    for order_id, counted in counts.items():
        for refund_id in counted.refunds.keys() - counted.arrived:
            yield f"Refund {refund_id} of order {order_id} was started and never arrived."
        for concert_id in counted.unfinished_revocations:
            yield f"Order {order_id} revoked tickets of concert {concert_id}; not all of them know."


def unfinished_cancellations(concerts: Streams, counts: Mapping[UUID, Count]) -> Iterator[str]:
    cancelled = {key for key, events in concerts.items() if _has(events, ConcertCancelled)}
    for concert_id in cancelled:
        if not _has(concerts[concert_id], ConcertCancellationCompleted):
            yield f"Concert {concert_id} is being cancelled, and never was."
    for order_id, counted in counts.items():
        left = cancelled & {counted.concerts[ticket_id] for ticket_id in counted.valid}
        for concert_id in left:
            yield f"Order {order_id} has valid tickets of concert {concert_id}, which is cancelled."


def tickets_at_odds(tickets: Streams, counts: Mapping[UUID, Count]) -> Iterator[str]:
    """Find tickets whose revocation their order and their own stream do not both have exactly once."""
    by_order = {ticket_id: times for counted in counts.values() for ticket_id, times in counted.revoked.items()}
    named = {ticket_id for counted in counts.values() for ticket_id in counted.named}
    for ticket_id in named | tickets.keys():
        times = sum(isinstance(event, TicketRevoked) for event in tickets.get(ticket_id, []))
        if (times, by_order.get(ticket_id, 0)) != (1, 1):
            yield f"Ticket {ticket_id} was revoked {by_order.get(ticket_id, 0)} times by its order, {times} by itself."


def _has(events: Iterable[Event], kind: type[Event]) -> bool:
    return any(isinstance(event, kind) for event in events)
