"""Tickets that an order has revoked are told so, each in its own stream."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.eventsourcing.store import MAX_COMMIT_ITEMS
from chalicelib.shop.orders.events import IssuedTicket
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.ticket import TICKET


def revoke_tickets(repository: Repository, origin: Origin, order_id: UUID, order: Order, concert_id: UUID) -> None:
    """Revoke what the order says is revoked of this concert, and record that it is done. A commit takes as many tickets
    as the log lets it; repeating it finishes what was interrupted.

    Raises:
        Unavailable
    """
    revoked, reason = set(order.revoked), order.revocations_under_way[concert_id]
    tickets = [ticket for ticket in order.tickets if ticket.id in revoked and ticket.concert_id == concert_id]
    for start in range(0, len(tickets), MAX_COMMIT_ITEMS):
        batch = tickets[start : start + MAX_COMMIT_ITEMS]
        repository.execute(partial(_revoke, order_id=order_id, tickets=batch, reason=reason), origin)
    repository.execute(partial(_complete, order_id=order_id, concert_id=concert_id), origin)


def _revoke(session: Session, order_id: UUID, tickets: Sequence[IssuedTicket], reason: str) -> None:
    for issued in tickets:
        ticket = session.load(TICKET, issued.id, Load.ASSUME_EMPTY)
        session.append(TICKET, issued.id, *ticket.revoke(order_id, issued, reason, session.now))


def _complete(session: Session, order_id: UUID, concert_id: UUID) -> None:
    order = session.load(ORDER, order_id)
    session.append(ORDER, order_id, *order.complete_revocation(concert_id, session.now))
