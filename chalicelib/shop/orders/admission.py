"""Letting people in: each ticket admits once, whichever of the doors it is shown at."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.shop.orders.events import IssuedTicket
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.ticket import TICKET


@dataclass(frozen=True, slots=True)
class Admission:
    """`version` is the one to which this check-in brought the ticket's stream."""

    ticket_id: UUID
    ticket_type_name: str
    checked_in_at: datetime
    version: int


def check_in(repository: Repository, caller: Caller, concert_id: UUID, order_id: UUID, ticket_id: UUID) -> Admission:
    """Let somebody in with a ticket of an order. Of two doors that see the same ticket at once one admits: the first
    event of the ticket's stream is written once. A repeated request is answered as the first time.

    Raises:
        NotFound: for a ticket that the order does not have; and what `Ticket.check_in` raises.
    """

    def command(session: Session) -> Admission:
        order = session.load(ORDER, order_id, Load.FRESH)
        issued = _issued(order, ticket_id)
        ticket = session.load(TICKET, ticket_id, Load.ASSUME_EMPTY)
        if ticket.checked_in_at is not None:
            version = session.version_caused_by(ticket_id, caller.origin.causation_id)
            if version is not None:
                return Admission(ticket_id, _type_name(order, issued), ticket.checked_in_at, version)
        is_revoked = ticket_id not in order.valid
        session.append(TICKET, ticket_id, *ticket.check_in(order_id, issued, concert_id, is_revoked, session.now))
        return Admission(ticket_id, _type_name(order, issued), session.now, session.version(ticket_id))

    return repository.execute(command, caller.origin)


def _issued(order: Order, ticket_id: UUID) -> IssuedTicket:
    for ticket in order.tickets:
        if ticket.id == ticket_id:
            return ticket
    raise NotFound("The order has no such ticket.")


def _type_name(order: Order, issued: IssuedTicket) -> str:
    return next(line.ticket_type_name for line in order.lines if line.ticket_type_id == issued.ticket_type_id)
