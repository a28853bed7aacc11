"""A ticket after it was issued: valid as its order says, until its own stream says otherwise."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.eventsourcing.aggregate import Aggregate
from chalicelib.eventsourcing.event import Event
from chalicelib.orders.events import Ticket as Issued
from chalicelib.orders.events import TicketRevoked


@dataclass(frozen=True, slots=True)
class Ticket:
    revoked: bool = False

    def revoke(self, order_id: UUID, issued: Issued, reason: str, now: datetime) -> list[Event]:
        """Revoking again changes nothing."""
        if self.revoked:
            return []
        return [
            TicketRevoked(
                order_id=order_id,
                ticket_type_id=issued.ticket_type_id,
                concert_id=issued.concert_id,
                reason=reason,
                at=now,
            )
        ]


def evolve(ticket: Ticket, event: Event) -> Ticket:
    match event:
        case TicketRevoked():
            return Ticket(revoked=True)
    return ticket


TICKET = Aggregate("Ticket", Ticket(), evolve)
