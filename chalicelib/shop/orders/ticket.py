"""A ticket after it was issued: valid as its order says, until its own stream says otherwise."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chalicelib.platform.errors import RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.orders.events import IssuedTicket, TicketCheckedIn, TicketRevoked


class TicketNotValid(RuleViolated):
    """The ticket was revoked."""

    code = "ticket_revoked"


class AlreadyCheckedIn(RuleViolated):
    """Somebody was let in with this ticket before."""

    code = "already_checked_in"
    fact_types = facts(checked_in_at="Instant")

    def __init__(self, at: datetime) -> None:
        super().__init__("Somebody was let in with this ticket before.", checked_in_at=format_instant(at))


class AnotherConcert(RuleViolated):
    """The ticket is for another concert."""

    code = "another_concert"
    fact_types = facts(concert_id="NotRequired[Id]")

    def __init__(self, concert_id: UUID | None) -> None:
        named = {} if concert_id is None else {"concert_id": str(concert_id)}
        super().__init__("The ticket is for another concert.", **named)


class TicketStatus(StrEnum):
    VALID = "valid"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Keeps what a ticket's own stream says; `checked_in_at` stays when a ticket is revoked afterwards."""

    status: TicketStatus = TicketStatus.VALID
    checked_in_at: datetime | None = None

    def check_in(
        self, order_id: UUID, issued: IssuedTicket, concert_id: UUID, is_revoked: bool, now: datetime
    ) -> list[Event]:
        """Let the bearer in at the door of a concert. `is_revoked` is what the order says, which knows first.

        Raises:
            AnotherConcert
            TicketNotValid
            AlreadyCheckedIn
        """
        if issued.concert_id != concert_id:
            raise AnotherConcert(issued.concert_id)
        if is_revoked or self.status is TicketStatus.REVOKED:
            raise TicketNotValid("The ticket was revoked.")
        if self.checked_in_at is not None:
            raise AlreadyCheckedIn(self.checked_in_at)
        return [TicketCheckedIn(order_id=order_id, ticket_type_id=issued.ticket_type_id, concert_id=concert_id, at=now)]

    def revoke(self, order_id: UUID, issued: IssuedTicket, reason: str, now: datetime) -> list[Event]:
        """Revoke the ticket; revoking again changes nothing."""
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
        case TicketCheckedIn():
            return replace(ticket, checked_in_at=event.at)
        case TicketRevoked():
            return replace(ticket, status=TicketStatus.REVOKED)
    return ticket


TICKET = Aggregate("Ticket", Ticket(), evolve)
