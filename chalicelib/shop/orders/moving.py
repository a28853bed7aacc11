"""Decides a move of tickets: to another holder, ticket type or concert of the organiser, at the difference in price.

The replaced tickets admit nobody any more; new ones take their place in the same order, and the money goes with them.
What the new ones cost less goes back as any refund does, what they cost more is paid first (ADR 57).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from chalicelib.platform.errors import InvalidInput, RuleViolated, facts
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.ids import IdKey
from chalicelib.platform.money import CurrencyMismatch, Money, ensure_chargeable
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.inventory.commands import shares_of
from chalicelib.shop.orders.events import IssuedTicket, OrderLine, TicketMoveStarted, TicketsMoved
from chalicelib.shop.orders.granting import GrantedBy, TicketsNotValid, lines_of_tickets, refundable, returns
from chalicelib.shop.orders.order import Order
from chalicelib.shop.orders.refund import move_refund_id, start_refund
from chalicelib.shop.orders.refund_policy import PolicyTerms
from chalicelib.shop.orders.rules import OrderStatus

MAX_MOVES = 50
"""Tickets of an order can be moved so often."""


class NotMovable(RuleViolated):
    """The order is not confirmed, or the concert of the new tickets is cancelled."""

    code = "not_movable"
    fact_types = facts(order_status="OrderStatus")


class TicketsMovedBefore(RuleViolated):
    """Some of these tickets were moved before, and others stand for them."""

    code = "tickets_moved"
    fact_types = facts(tickets="list[Id]")


class MoveInProgress(RuleViolated):
    """Another move of this order waits for its payment."""

    code = "move_in_progress"
    fact_types = facts(move_id="Id", payment_due_at="Instant")


class MoveNotPermitted(RuleViolated):
    """The concert's policy does not let customers move their tickets, or not any more."""

    code = "move_not_permitted"
    fact_types = facts(concert_id="Id", until="Instant | None")


class TooManyMoves(RuleViolated):
    """Tickets of the order were moved as often as they may be."""

    code = "too_many_moves"
    fact_types = facts(limit="int")


class PlaceLimitExceeded(RuleViolated):
    """The order would have more tickets of one type than one order may have."""

    code = "order_limit_exceeded"
    fact_types = facts(limit="int", selected="int")


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """Asks for the move of `tickets`, all of one concert of `concerts`: those about which the person may decide.

    `terms` bind a customer who wants another place, and not only another holder.
    """

    id: UUID
    request_hash: str
    by: GrantedBy
    reason: str
    concerts: frozenset[UUID]
    tickets: tuple[UUID, ...]
    terms: Mapping[UUID, tuple[PolicyTerms, ...]] = field(default_factory=dict)

    @property
    def is_bound(self) -> bool:
        """Tells whether limits, sales windows and the concerts' policies decide."""
        return self.by is GrantedBy.CUSTOMER


@dataclass(frozen=True, slots=True)
class Paid:
    """The payment of a difference."""

    payment_id: UUID
    reference: str


@dataclass(frozen=True, slots=True)
class Bill:
    """Says what of the money goes with the tickets, what goes back, and what is still to be paid."""

    carried: Money
    refunded: Money
    supplement: Money


def movable(order: Order, request: MoveRequest) -> list[IssuedTicket]:
    """Return the tickets that are to be moved.

    Raises:
        InvalidInput: a ticket is not of the order, or not of the concert of the others.
        NotMovable
        TicketsMovedBefore
        TicketsNotValid
        MoveInProgress
        TooManyMoves
    """
    own = {ticket.id: ticket for ticket in order.tickets if ticket.concert_id in request.concerts}
    unknown = [place for place, key in enumerate(request.tickets) if key not in own]
    if unknown:
        fields = tuple((f"#/tickets/{place}", "names no ticket of the order") for place in unknown)
        raise InvalidInput("A ticket is not of this order.", fields)
    chosen = [own[key] for key in request.tickets]
    if any(ticket.concert_id != chosen[0].concert_id for ticket in chosen):
        reason = "must be of one concert"
        raise InvalidInput(f"The tickets {reason}.", (("#/tickets", reason),))
    moved = [key for move in order.moves.values() if move.moved is not None for key in move.moved.ticket_ids]
    if already := [str(key) for key in request.tickets if key in moved]:
        raise TicketsMovedBefore("Some of these tickets were moved before.", tickets=already)
    if revoked := [str(key) for key in request.tickets if key not in order.valid]:
        raise TicketsNotValid("Some of these tickets are revoked already.", tickets=revoked)
    if order.status is not OrderStatus.CONFIRMED:
        raise NotMovable("Only tickets of a confirmed order can be moved.", order_status=order.status)
    if (waiting := order.open_move) is not None:
        due = format_instant(waiting.payment_due_at)
        detail = "Another move of this order waits for its payment."
        raise MoveInProgress(detail, move_id=str(waiting.move_id), payment_due_at=due)
    if len(order.moves) >= MAX_MOVES:
        raise TooManyMoves(f"Tickets of the order were moved {MAX_MOVES} times.", limit=MAX_MOVES)
    return chosen


def ensure_permitted(order: Order, request: MoveRequest, line: OrderLine, limit: int, now: datetime) -> None:
    """Check what binds a customer who wants another place; `limit` is for the tickets of a type in one order.

    Raises:
        MoveNotPermitted
        PlaceLimitExceeded
    """
    if not request.is_bound:
        return
    concert_id = concert_of(order, request.tickets)
    terms = request.terms.get(concert_id, ())
    if not any(one.lets_move(now) for one in terms):
        until = terms[0].moves_until if terms else None
        detail = "The concert's tickets cannot be moved" + (" any more." if until else ".")
        shown = None if until is None else format_instant(until)
        raise MoveNotPermitted(detail, concert_id=str(concert_id), until=shown)
    has = sum(one.ticket_type_id == line.ticket_type_id for one in order.valid_tickets)
    if has + line.quantity > limit:
        detail = f"One order can have at most {limit} of these tickets; it has {has}."
        raise PlaceLimitExceeded(detail, limit=limit, selected=has)


def concert_of(order: Order, tickets: Sequence[UUID]) -> UUID:
    """Return the concert of tickets that are all of one.

    Raises InvalidInput for tickets of the original, which have none.
    """
    for ticket in order.tickets:
        if ticket.id in tickets and ticket.concert_id is not None:
            return ticket.concert_id
    raise InvalidInput("A ticket is not of this order.", (("#/tickets/0", "names no ticket of the order"),))


def is_same_place(order: Order, request: MoveRequest, ticket_type_id: UUID | None) -> bool:
    """Tell whether the tickets stay where they are.

    Raises InvalidInput: only some of them would.
    """
    types = {line.ticket_type_id for key, line in lines_of_tickets(order).items() if key in request.tickets}
    if ticket_type_id is None or types == {ticket_type_id}:
        return True
    if ticket_type_id in types:
        reason = "is the type of some of these tickets already"
        raise InvalidInput(f"The ticket type {reason}.", (("#/ticket_type_id", reason),))
    return False


def same_place(order: Order, request: MoveRequest) -> OrderLine:
    """Return the place of tickets whose holder alone changes.

    Raises InvalidInput: they are not alike.
    """
    lines = [lines_of_tickets(order)[key] for key in request.tickets]
    if len({(line.ticket_type_id, line.unit_price.amount) for line in lines}) > 1:
        reason = "must be of one ticket type and price if only the holder changes"
        raise InvalidInput(f"The tickets {reason}.", (("#/tickets", reason),))
    shares = tuple(share for one in returns(order, request.tickets) for share in shares_of(one))
    return lines[0].model_copy(update={"hold_id": request.id, "quantity": len(lines), "shares": shares})


def bill_of(order: Order, tickets: Sequence[UUID], line: OrderLine) -> Bill:
    """Say what a move to the place costs. What was given back of the price before counts towards the difference.

    Raises:
        CurrencyMismatch
        InvalidInput: no provider would take the difference.
    """
    lines, currency = lines_of_tickets(order), order.total.currency
    if line.unit_price.currency != currency:
        detail = f"The order was paid in {currency}, and these tickets are sold in {line.unit_price.currency}."
        raise CurrencyMismatch(detail)
    price = sum((lines[key].unit_price.amount for key in tickets), Decimal(0))
    costs = line.unit_price.times(line.quantity).amount
    supplement = Money.of(max(Decimal(0), costs - price), currency)
    ensure_chargeable(supplement, "#/ticket_type_id", "A difference")
    gross = min(price, order.kept_for(concert_of(order, tickets)).amount, refundable(order))
    refunded = max(Decimal(0), gross - costs)
    return Bill(Money.of(gross - refunded, currency), Money.of(refunded, currency), supplement)


def begin_move(
    order: Order, request: MoveRequest, line: OrderLine, holder: Sealed | None, due_at: datetime, now: datetime
) -> TicketMoveStarted:
    """Return the move as it begins; without a supplement it is carried out at once, and never stored like this.

    Raises NotMovable, CurrencyMismatch or InvalidInput.
    """
    if line.concert_id is not None and order.has_given_back(line.concert_id):
        raise NotMovable("The concert is cancelled.", order_status=order.status)
    return TicketMoveStarted(
        move_id=request.id,
        request_hash=request.request_hash,
        by=request.by,
        reason=request.reason,
        concert_id=concert_of(order, request.tickets),
        ticket_ids=request.tickets,
        line=line,
        holder=holder,
        supplement=bill_of(order, request.tickets, line).supplement,
        payment_due_at=due_at,
        at=now,
    )


def carry_out(
    order: Order, order_id: UUID, begun: TicketMoveStarted, ids: IdKey, now: datetime, paid: Paid | None = None
) -> list[Event]:
    """Return the refunds of the difference and, last, the move."""
    bill = bill_of(order, begun.ticket_ids, begun.line)
    refunds = [
        start_refund(payment_id, move_refund_id(payment_id, begun.move_id), amount, begun.reason, now)
        for payment_id, amount in order.spread(bill.refunded.amount)
    ]
    moved = TicketsMoved(
        move_id=begun.move_id,
        request_hash=begun.request_hash,
        by=begun.by,
        reason=begun.reason,
        concert_id=begun.concert_id,
        ticket_ids=begun.ticket_ids,
        line=begun.line,
        tickets=tuple(
            IssuedTicket(
                id=ids.id_of("moved ticket", order_id, begun.move_id, place),
                ticket_type_id=begun.line.ticket_type_id,
                concert_id=begun.line.concert_id,
            )
            for place in range(begun.line.quantity)
        ),
        holder=begun.holder,
        carried=bill.carried,
        refunded=bill.refunded,
        refund_ids=tuple(refund.refund_id for refund in refunds),
        supplement=begun.supplement,
        paid_by=None if paid is None else paid.payment_id,
        provider_reference=None if paid is None else paid.reference,
        at=now,
    )
    return [*refunds, moved]
