"""Writes what an order is for as entries of a calendar, which follow a concert when it is moved or cancelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.concerts.commands import ConcertFacts, facts_of_concert, venue_shown_by
from chalicelib.shop.concerts.events import ShownVenue
from chalicelib.shop.orders.faces import zone_of
from chalicelib.shop.orders.paper.refusals import NoDate
from chalicelib.shop.orders.paper.texts import LANGUAGES
from chalicelib.shop.orders.ticket import TicketStatus
from chalicelib.shop.orders.wallets.texts import shown

if TYPE_CHECKING:
    from icalendar import Event

    from chalicelib.shop.orders.answers import CodedTicket

PRODUCT = "-//Cloudbash//Tickets//EN"


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """Has what a calendar shows of one concert of an order.

    `sequence` is the version of the concert, which rises whenever it is moved: so a calendar knows which of two entries
    of the same concert is newer. `status` is `cancelled` too when no ticket for it is valid any more.
    """

    order_id: UUID
    concert_id: UUID
    name: str
    starts_at: datetime
    ends_at: datetime
    venue: ShownVenue | None
    sequence: int
    status: str
    tickets: Sequence[str] = ()


def entries_of(repository: Repository, order_id: str, tickets: "Sequence[CodedTicket]") -> list[CalendarEntry]:
    """Return an entry for each concert of the tickets that has or had a date.

    Each costs two reads of the log at most.
    Raises Unavailable, or NoDate.
    """
    by_concert: dict[UUID, list[CodedTicket]] = {}
    for ticket in tickets:
        if ticket["concert_id"]:
            by_concert.setdefault(UUID(ticket["concert_id"]), []).append(ticket)
    found = [_entry(repository, UUID(order_id), key, of_concert) for key, of_concert in by_concert.items()]
    entries = [entry for entry in found if entry is not None]
    if not entries:
        raise NoDate("There is no date to put into a calendar.")
    return entries


def calendar_of(entries: Sequence[CalendarEntry], language: str, now: datetime) -> str:
    """Return the file, with the rules of each time zone in it, for the years that it is about."""
    from icalendar import Calendar  # noqa: PLC0415 - of this answer only

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    for entry in entries:
        calendar.add_component(_event(entry, language, now))
    first, last = min(entry.starts_at for entry in entries), max(entry.ends_at for entry in entries)
    year = timedelta(days=366)
    calendar.add_missing_timezones((first - year).date(), (last + year).date())
    written: bytes = calendar.to_ical()
    return written.decode()


def _entry(
    repository: Repository, order_id: UUID, concert_id: UUID, tickets: "Sequence[CodedTicket]"
) -> CalendarEntry | None:
    concert = facts_of_concert(repository, concert_id)
    if concert.planned is None:
        return None
    valid = [ticket for ticket in tickets if ticket["status"] == TicketStatus.VALID]
    return CalendarEntry(
        order_id=order_id,
        concert_id=concert_id,
        name=tickets[0]["concert_name"],
        starts_at=concert.planned[0],
        ends_at=concert.planned[1],
        venue=venue_shown_by(repository, concert),
        sequence=max(0, concert.version),
        status=_status(concert, has_tickets=bool(valid)),
        tickets=[ticket["ticket_type_name"] for ticket in valid],
    )


def _status(concert: ConcertFacts, *, has_tickets: bool) -> str:
    if concert.is_cancelled or not has_tickets:
        return "cancelled"
    return "confirmed" if concert.starts_at is not None else "postponed"


def _event(entry: CalendarEntry, language: str, now: datetime) -> "Event":
    """Return the entry; a postponed concert is cancelled on its old date, until it has a new one."""
    from icalendar import Event  # noqa: PLC0415 - of this answer only

    zone, words = zone_of(entry.venue), LANGUAGES[language].TEXTS
    event, name = Event(), shown(entry.name)
    event.add("uid", f"{entry.concert_id}.{entry.order_id}@cloudbash")
    event.add("dtstamp", now.replace(microsecond=0))
    event.add("sequence", entry.sequence)
    event.add("summary", name if entry.status == "confirmed" else f"{words[entry.status]}: {name}")
    event.add("dtstart", entry.starts_at.astimezone(zone))
    event.add("dtend", entry.ends_at.astimezone(zone))
    event.add("status", "CONFIRMED" if entry.status == "confirmed" else "CANCELLED")
    event.add("description", _description(entry, language))
    if entry.venue is not None:
        parts = (entry.venue.name, entry.venue.address, entry.venue.city, entry.venue.country)
        event.add("location", ", ".join(shown(part) for part in parts if part))
    if entry.venue is not None and entry.venue.coordinates is not None:
        event.add("geo", (entry.venue.coordinates.latitude, entry.venue.coordinates.longitude))
    return event


def _description(entry: CalendarEntry, language: str) -> str:
    """Say which tickets there are, and never a code: calendars are shared."""
    counted = {name: entry.tickets.count(name) for name in dict.fromkeys(entry.tickets)}
    lines = [f"{count} × {shown(name)}" for name, count in counted.items()]
    return "\n".join([*lines, f"{LANGUAGES[language].TEXTS['order']} {entry.order_id}"])
