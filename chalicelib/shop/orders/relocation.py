"""Carries moves of tickets out: order, tickets, stock and allowance change in one transaction."""

from collections.abc import Sequence
from uuid import UUID

from chalicelib.platform.errors import RuleViolated, facts
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.money import Money
from chalicelib.shop.inventory.commands import release, rename_bought, sell_late, take_back
from chalicelib.shop.orders.events import TicketMoveEnded, TicketMoveStarted
from chalicelib.shop.orders.granting import returns
from chalicelib.shop.orders.moving import Paid, carry_out
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.revocation import revoke_in
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.ticket import TICKET

NOT_POSSIBLE = "The tickets could not be moved any more."


class TicketsUsed(RuleViolated):
    """Somebody was let in with these tickets."""

    code = "tickets_used"
    fact_types = facts(tickets="list[Id]")


def ensure_unused(session: Session, tickets: Sequence[UUID]) -> None:
    """Refuse what somebody has been let in with; the commit changes each ticket, so no door is quicker.

    Raises:
        TicketsUsed
    """
    used = [key for key in tickets if session.load(TICKET, key, Load.ASSUME_EMPTY).checked_in_at is not None]
    if used:
        raise TicketsUsed("Somebody was let in with these tickets.", tickets=[str(key) for key in used])


def give_place_back(session: Session, order_id: UUID, tickets: Sequence[UUID]) -> None:
    """Put the place of tickets that are about to move on sale again."""
    order = session.load(ORDER, order_id)
    if order.customer_id is not None:
        for returned in returns(order, tickets):
            take_back(session, returned, order_id, order.customer_id, restock=True)


def move_in(
    session: Session, order_id: UUID, begun: TicketMoveStarted, paid: Paid | None = None, *, is_back: bool = False
) -> None:
    """Append the move, tell the replaced tickets, and give their place back, unless the new ones have the same.

    With `is_back` their place was given back before.
    """
    order = session.load(ORDER, order_id)
    session.append(ORDER, order_id, *carry_out(order, order_id, begun, session.ids, session.now, paid))
    replaced = [ticket for ticket in order.tickets if ticket.id in begun.ticket_ids]
    revoke_in(session, order_id, replaced, begun.reason)
    if order.customer_id is None or is_back:
        return
    for returned in returns(order, begun.ticket_ids):
        if begun.line.ticket_type_id != returned.purchase.ticket_type_id:
            take_back(session, returned, order_id, order.customer_id, restock=True)
        else:
            old, new = returned.purchase.hold_id, begun.move_id
            rename_bought(session, begun.concert_id, order.customer_id, old, new, returned.quantity)


def complete_move_in(session: Session, order_id: UUID, move_id: UUID, paid: Paid, amount: Money) -> bool:
    """Complete a move that is paid, and tell whether that was possible: its tickets may be used or revoked by now.

    Raises StockGone.
    """
    order = session.load(ORDER, order_id)
    begun = order.open_move
    if begun is None or begun.move_id != move_id or not _is_possible(session, order, begun, amount):
        return False
    move_in(session, order_id, begun, paid)
    if order.customer_id is not None:
        sell_late(session, [begun.line], order.customer_id, order_id)
    return True


def end_overdue_move_in(session: Session, order_id: UUID) -> None:
    """End the move that was not paid in time, if there is one."""
    order = session.load(ORDER, order_id)
    _end_in(session, order_id, order, order.end_move(session.now))


def give_up_move_in(session: Session, order_id: UUID, move_id: UUID) -> None:
    """End a move that is paid and not possible; the money goes back in the same commit."""
    order = session.load(ORDER, order_id)
    is_open = order.open_move is not None and order.open_move.move_id == move_id
    ended = TicketMoveEnded(move_id=move_id, reason=NOT_POSSIBLE, at=session.now)
    _end_in(session, order_id, order, [ended] if is_open else [])


def _end_in(session: Session, order_id: UUID, order: Order, events: Sequence[Event]) -> None:
    """Append the end of the open move, and release its place."""
    session.append(ORDER, order_id, *events)
    if events and order.open_move is not None and order.customer_id is not None:
        release(session, order.open_move.line.shares, order.open_move.move_id, order.customer_id)


def _is_possible(session: Session, order: Order, begun: TicketMoveStarted, amount: Money) -> bool:
    tickets = [session.load(TICKET, key, Load.ASSUME_EMPTY) for key in begun.ticket_ids]
    return (
        order.status is OrderStatus.CONFIRMED
        and amount == begun.supplement
        and order.valid.issuperset(begun.ticket_ids)
        and not any(ticket.checked_in_at for ticket in tickets)
        and not (begun.line.concert_id is not None and order.has_given_back(begun.line.concert_id))
    )
