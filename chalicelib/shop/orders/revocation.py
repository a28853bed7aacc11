"""Tickets that an order has revoked are told so, each in its own stream."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
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
    as the log lets it; repeating it finishes what was interrupted, and what the order has revoked since.

    Raises:
        Unavailable
    """
    revocation = order.revocations_under_way[concert_id]
    tickets = [ticket for ticket in order.tickets if ticket.id in revocation.ticket_ids]
    for start in range(0, len(tickets), MAX_COMMIT_ITEMS):
        batch = tickets[start : start + MAX_COMMIT_ITEMS]
        repository.execute(partial(revoke_in, order_id=order_id, tickets=batch, reason=revocation.reason), origin)
    done = partial(complete_in, order_id=order_id, concert_id=concert_id, told=revocation.ticket_ids)
    repository.execute(done, origin)


def revoke_in(session: Session, order_id: UUID, tickets: Sequence[IssuedTicket], reason: str) -> None:
    """Revoke the tickets in their own streams, with whatever else the session commits."""
    for issued in tickets:
        ticket = session.load(TICKET, issued.id, Load.ASSUME_EMPTY)
        session.append(TICKET, issued.id, *ticket.revoke(order_id, issued, reason, session.now))


def complete_in(session: Session, order_id: UUID, concert_id: UUID, told: AbstractSet[UUID]) -> None:
    """Record that the revocation is done, unless the order has revoked more than the tickets that were told."""
    order = session.load(ORDER, order_id)
    session.append(ORDER, order_id, *order.complete_revocation(concert_id, told, session.now))
