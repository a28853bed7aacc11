"""A ticket after it was issued: valid as its order says, until its own stream says otherwise."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chalicelib.eventsourcing.aggregate import Aggregate
from chalicelib.eventsourcing.event import Event
from chalicelib.orders.events import Ticket as Issued
from chalicelib.orders.events import TicketRevoked


class TicketStatus(StrEnum):
    VALID = "valid"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Ticket:
    status: TicketStatus = TicketStatus.VALID

    def revoke(self, order_id: UUID, issued: Issued, reason: str, now: datetime) -> list[Event]:
        """Revoking again changes nothing."""
        if self.status is TicketStatus.REVOKED:
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
            return Ticket(TicketStatus.REVOKED)
    return ticket


TICKET = Aggregate("Ticket", Ticket(), evolve)
