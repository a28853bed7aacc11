"""Counts an order's tickets and money a second time, from its events alone: it shares no code with the aggregate."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.concerts.events import ConcertCancellationCompleted, ConcertCancelled
from chalicelib.shop.orders.events import (
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    OrderCancelled,
    OrderConfirmed,
    OrderLine,
    OrderPlaced,
    OrderSettled,
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
    TicketRevocationCompleted,
    TicketRevoked,
    TicketsMoved,
    TicketsRevoked,
)

Streams = Mapping[UUID, list[Event]]


@dataclass(slots=True)
class Count:
    """Counts money by payment, refunds with the payment's id, and the prices of the valid tickets.

    `named` tickets must know of their revocation. Not all may know yet of the concerts in `unfinished_revocations`.
    `won` is what came back to the shop by disputes, whose tickets an organiser may have had revoked at once. `moving`
    are moves that wait for their payment, `stayed` counts tickets whose move took no other place.
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
    recorded: set[UUID] = field(default_factory=set)
    given_up: set[UUID] = field(default_factory=set)
    settled: set[UUID] = field(default_factory=set)
    disputed: dict[str, tuple[UUID, Decimal]] = field(default_factory=dict)
    charged_back: set[str] = field(default_factory=set)
    paying: set[UUID] = field(default_factory=set)
    types: dict[UUID, UUID] = field(default_factory=dict)
    moving: set[UUID] = field(default_factory=set)
    stayed: int = 0
    won: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    amounts: set[UUID] = field(default_factory=set)
    back_on_sale: int = 0
    price_of_revoked: Decimal = Decimal(0)

    @property
    def tickets(self) -> int:
        """Count the valid tickets and the revoked ones, however revoked, but not those that took no other place."""
        return len(self.valid) + sum(self.revoked.values()) - self.stayed

    @property
    def returned(self) -> dict[UUID, Decimal]:
        """Return the money that went back at the provider, by payment: refunds that arrived, and disputes."""
        returned: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        moved = [self.refunds[key] for key in self.refunds if key in self.arrived and key not in self.settled]
        for payment_id, amount in [*moved, *self.disputed.values()]:
            returned[payment_id] += amount
        return returned

    @property
    def promised(self) -> Decimal:
        """Return what should have gone back of payments, and waits for an operator or was ended by one."""
        waiting = self.given_up - self.arrived
        return sum((self.refunds[key][1] for key in waiting if key in self.refunds), Decimal(0))

    @property
    def shortfall(self) -> Decimal:
        """Return what revoked tickets cost beyond what was to go back for them, and the fees that were kept."""
        for_tickets = self._refunds_of_the_order() - self.amounts - self.recorded
        return self.price_of_revoked - sum((self.refunds[key][1] for key in for_tickets), Decimal(0)) - self.fees

    @property
    def given_without_tickets(self) -> Decimal:
        """Return what went back, or is to go back, for no ticket: amounts, refunds in the dashboard, and disputes."""
        alone = self._refunds_of_the_order() & (self.amounts | (self.recorded & self.arrived))
        amounts = [self.refunds[key][1] for key in alone]
        return sum((*amounts, *(amount for key, amount in self.disputed.values() if key in self.paying)), Decimal(0))

    def _refunds_of_the_order(self) -> set[UUID]:
        """Name the refunds of the payments of its tickets."""
        return {key for key, (payment_id, _) in self.refunds.items() if payment_id in self.paying}


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
        case _:
            _apply_reversal(counted, event)


def _apply_move(counted: Count, event: Event) -> None:
    match event:
        case TicketMoveStarted():
            counted.moving.add(event.move_id)
        case TicketMoveEnded():
            counted.moving.discard(event.move_id)
        case TicketsMoved():
            _move(counted, event)


def _apply_reversal(counted: Count, event: Event) -> None:
    match event:
        case RefundFailed():
            counted.arrived.discard(event.refund_id)
            if event.retry_at is None:
                counted.given_up.add(event.refund_id)
        case RefundReduced():
            counted.refunds[event.refund_id] = event.payment_id, event.amount.amount
        case RefundRecorded():
            counted.refunds[event.refund_id] = event.payment_id, event.amount.amount
            counted.arrived.add(event.refund_id)
            counted.recorded.add(event.refund_id)
        case DisputeOpened():
            counted.disputed[event.dispute_id] = event.payment_id, event.amount.amount
        case DisputeWon():
            counted.won += counted.disputed.pop(event.dispute_id)[1]
        case DisputeLost():
            counted.charged_back.add(event.dispute_id)
        case OrderSettled():
            _settle(counted, event)
        case RefundGranted():
            _grant(counted, event)
        case _:
            _apply_move(counted, event)


def _grant(counted: Count, event: RefundGranted) -> None:
    for part in event.parts:
        counted.fees += part.fee.amount
        counted.back_on_sale += len(part.ticket_ids) if event.restocked else 0
        if part.refund_id is not None and not part.ticket_ids:
            counted.amounts.add(part.refund_id)


def _settle(counted: Count, event: OrderSettled) -> None:
    """Count what an operator ended: the money went back in another way, or stays."""
    counted.settled |= set(event.refund_ids) if event.outcome == "refunded" else set()
    counted.given_up |= set(event.refund_ids)
    for dispute_id in event.dispute_ids:
        if event.outcome == "charged_back":
            counted.charged_back.add(dispute_id)
        else:
            counted.won += counted.disputed.pop(dispute_id)[1]


def _confirm(counted: Count, event: OrderConfirmed) -> None:
    prices = [line.unit_price.amount for line in counted.lines for _ in range(line.quantity)]
    counted.valid = {ticket.id: Decimal(0) for ticket in event.tickets}
    counted.valid |= {ticket.id: price for ticket, price in zip(event.tickets, prices, strict=False)}
    counted.concerts = {ticket.id: ticket.concert_id for ticket in event.tickets}
    counted.types = {ticket.id: ticket.ticket_type_id for ticket in event.tickets}
    if event.payment_id is not None:
        counted.paying.add(event.payment_id)
        counted.taken[event.payment_id] = counted.asked.get(event.payment_id, Decimal(0))


def _move(counted: Count, event: TicketsMoved) -> None:
    """Count the tickets that took others' place. What they cost less is owed as if it were of a ticket given back."""
    counted.moving.discard(event.move_id)
    if event.paid_by is not None:
        counted.paying.add(event.paid_by)
        counted.taken[event.paid_by] = counted.asked.get(event.paid_by, Decimal(0))
    _revoke(counted, event.ticket_ids)
    counted.named |= set(event.ticket_ids)
    stay = [key for key in event.ticket_ids if counted.types.get(key) == event.line.ticket_type_id]
    counted.stayed += len(stay)
    counted.back_on_sale += len(event.ticket_ids) - len(stay)
    for ticket in event.tickets:
        counted.valid[ticket.id] = event.line.unit_price.amount
        counted.concerts[ticket.id], counted.types[ticket.id] = ticket.concert_id, ticket.ticket_type_id
    counted.price_of_revoked += event.supplement.amount - event.line.unit_price.amount * len(event.tickets)


def _revoke(counted: Count, ticket_ids: Iterable[UUID]) -> None:
    for ticket_id in ticket_ids:
        counted.price_of_revoked += counted.valid.pop(ticket_id, Decimal(0))
        counted.revoked[ticket_id] += 1


def money_astray(counts: Mapping[UUID, Count]) -> Iterator[str]:
    """Find wrong money. An order keeps the price of its valid tickets, and the fees of those that were given back.

    No payment gives back more than it took, and no refund is begun twice.
    """
    for order_id, counted in counts.items():
        retained = sum(counted.taken.values(), Decimal(0)) - sum(counted.returned.values(), Decimal(0))
        worth = sum(counted.valid.values(), Decimal(0))
        owed = worth + counted.promised + counted.fees
        short, given = counted.shortfall, counted.given_without_tickets
        if retained + given - short != owed:
            yield f"Order {order_id} keeps {retained}; its valid tickets cost {worth}, and {counted.fees} are fees."
        # Who loses one payment loses all tickets, also those of which another payment was the difference.
        loses_all = counted.won or (given and len(counted.paying) > 1)
        left_over = sum(counted.taken.values(), Decimal(0)) if loses_all else Decimal(0)
        if not 0 <= short <= given + left_over:
            yield f"Order {order_id} revoked tickets and gave {short} too little for them; {given} went back before."
        for payment_id, amount in counted.returned.items():
            if amount > counted.taken.get(payment_id, Decimal(0)):
                yield f"Payment {payment_id} of order {order_id} gave back {amount}, more than it took."
        for refund_id, times in counted.refunds_begun.items():
            if times > 1:
                yield f"Refund {refund_id} of order {order_id} was started {times} times."


def unfinished(counts: Mapping[UUID, Count]) -> Iterator[str]:
    for order_id, counted in counts.items():
        for move_id in counted.moving:
            yield f"Move {move_id} of order {order_id} waits for its payment, and never ended."
        for refund_id in counted.refunds.keys() - counted.arrived - counted.given_up:
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
