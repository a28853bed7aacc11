"""Gathers what a ticket shows to whoever bears it, on paper and in a wallet."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.commands import facts_of_concert, venue_shown_by
from chalicelib.shop.concerts.events import ShownVenue
from chalicelib.shop.orders.ticket import TicketNotValid

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Amount
    from chalicelib.shop.orders.answers import HeldTickets


@dataclass(frozen=True, slots=True)
class TicketFace:
    """Has the facts on the face of a ticket that admits; `code` is what a door scans.

    `holder` is None once the person is erased, the dates are None while the concert is postponed. `price` is None where
    tickets of the type were bought at several prices.
    """

    ticket_id: UUID
    order_id: UUID
    concert_id: UUID
    code: str
    concert_name: str
    ticket_type_name: str
    holder: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    venue: ShownVenue | None
    price: Money | None = None

    @property
    def zone(self) -> tzinfo:
        return zone_of(self.venue)


def zone_of(venue: ShownVenue | None) -> tzinfo:
    """Return the time zone of the venue; UTC without one that is known, as in old imports."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - of these answers only

    try:
        return UTC if venue is None else ZoneInfo(venue.time_zone)
    except (KeyError, OSError, ValueError):
        return UTC


def face_of(repository: Repository, tickets: "HeldTickets") -> TicketFace | None:
    """Return the face of the one ticket that was read with its holder; None if there is none.

    Raises TicketNotValid for one that admits nobody, or Unavailable.
    """
    if not tickets["items"]:
        return None
    faces = faces_of(repository, tickets)
    if not faces:
        raise TicketNotValid("The ticket was revoked.")
    return faces[0]


def faces_of(repository: Repository, tickets: "HeldTickets") -> list[TicketFace]:
    """Return the faces of those tickets that admit, which were read with their holders.

    Each concert takes two reads of the log at most.
    Raises Unavailable.
    """
    admitting = [(one, UUID(one["concert_id"]), one["code"]) for one in tickets["items"] if one["concert_id"]]
    concerts = {key: facts_of_concert(repository, key) for key in {key for _, key, code in admitting if code}}
    venues = {key: venue_shown_by(repository, concert) for key, concert in concerts.items()}
    return [
        TicketFace(
            ticket_id=UUID(ticket["id"]),
            order_id=UUID(tickets["order_id"]),
            concert_id=key,
            code=code,
            concert_name=ticket["concert_name"],
            ticket_type_name=ticket["ticket_type_name"],
            holder=holder["name"] if (holder := ticket.get("holder")) else None,
            starts_at=concerts[key].starts_at,
            ends_at=concerts[key].ends_at,
            venue=venues[key],
            price=_price(ticket["price"]),
        )
        for ticket, key, code in admitting
        if code
    ]


def _price(amount: "Amount | None") -> Money | None:
    return None if amount is None else Money.of(amount["amount"], amount["currency"])
