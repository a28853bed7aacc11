"""What an order is for in a calendar, which follows the concert when it is moved, postponed or cancelled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from icalendar import Calendar

from chalicelib.shop.concerts import commands, live_commands
from chalicelib.shop.concerts.windows import ConcertDates
from chalicelib.shop.orders.answers import CodedTicket
from chalicelib.shop.orders.paper.calendars import CalendarEntry, calendar_of, entries_of
from chalicelib.shop.orders.paper.refusals import NoDate
from chalicelib.shop.orders.ticket import TicketStatus
from tests.support.faces import VENUE
from tests.support.shop import OPENING, ORGANISER, some_id
from tests.unit.orders.test_computed_tickets import Evening

NOW = datetime(2026, 11, 28, 12, 0, 0, 999_000, tzinfo=UTC)
ENTRY = CalendarEntry(
    order_id=some_id("order"),
    concert_id=some_id("concert"),
    name="Patti Smith",
    starts_at=datetime(2027, 7, 1, 18, 30, tzinfo=UTC),
    ends_at=datetime(2027, 7, 1, 21, 0, tzinfo=UTC),
    venue=VENUE,
    sequence=4,
    status="confirmed",
    tickets=("Standing", "Seat", "Standing"),
)


def the_event(entry: CalendarEntry, language: str = "en") -> Any:
    [event] = Calendar.from_ical(calendar_of([entry], language, NOW)).events
    return event


def test_an_entry_is_at_the_clock_of_the_venue_with_the_rules_of_its_time_zone() -> None:
    text = calendar_of([ENTRY], "en", NOW)
    assert "DTSTART;TZID=Europe/Amsterdam:20270701T203000\r\n" in text
    calendar = Calendar.from_ical(text)
    [zone] = calendar.timezones
    assert zone.tz_name == "Europe/Amsterdam"
    offset = zone.to_tz(lookup_tzid=False).utcoffset(datetime(2027, 7, 1, 20, 30))  # noqa: DTZ001 - at that clock
    assert offset == timedelta(hours=2)
    [event] = calendar.events
    assert (event.start, event.end) == (ENTRY.starts_at, ENTRY.ends_at)


def test_lines_are_folded_and_no_text_adds_a_line_of_its_own() -> None:
    name = "Ø" * 90 + "\r\nSTATUS:CANCELLED\r\nX;,\\:\x00"
    text = calendar_of([replace(ENTRY, name=name, tickets=[name])], "en", NOW)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    event: Any
    [event] = Calendar.from_ical(text).events
    assert (event["STATUS"], event["SUMMARY"].count("Ø")) == ("CONFIRMED", 90)
    assert event["SUMMARY"].endswith("STATUS:CANCELLED X;,\\:")


def test_an_entry_counts_the_tickets_and_never_has_a_code() -> None:
    event = the_event(ENTRY)
    assert event["DESCRIPTION"] == f"2 × Standing\n1 × Seat\nOrder {ENTRY.order_id}"
    assert event["LOCATION"] == "TivoliVredenburg, Vredenburgkade 11, Utrecht, NL"
    assert (event["UID"], event["SEQUENCE"]) == (f"{ENTRY.concert_id}.{ENTRY.order_id}@cloudbash", 4)
    assert event["DTSTAMP"].dt == NOW.replace(microsecond=0)


@pytest.mark.parametrize(
    ("status", "language", "summary"),
    [("cancelled", "nl", "Geannuleerd: Patti Smith"), ("postponed", "en", "Postponed: Patti Smith")],
)
def test_what_does_not_take_place_on_its_date_is_cancelled(status: str, language: str, summary: str) -> None:
    event = the_event(replace(ENTRY, status=status), language)
    assert (event["STATUS"], event["SUMMARY"]) == ("CANCELLED", summary)


def test_an_entry_without_a_venue_is_in_utc_and_needs_no_time_zone() -> None:
    text = calendar_of([replace(ENTRY, venue=None)], "en", NOW)
    assert "DTSTART:20270701T183000Z" in text
    assert "VTIMEZONE" not in text


# --- as the log has it


@pytest.fixture
def confirmed() -> Evening:
    confirmed = Evening()
    confirmed.streams.shop.clock.now = OPENING - timedelta(days=30)
    return confirmed


def tickets_of(confirmed: Evening, status: TicketStatus = TicketStatus.VALID) -> list[CodedTicket]:
    return [
        {
            "id": str(key),
            "ticket_type_id": str(some_id("type")),
            "ticket_type_name": "Standing",
            "concert_id": str(confirmed.concert_id),
            "concert_name": "Patti Smith",
            "status": status,
            "code": None,
        }
        for key in confirmed.tickets
    ]


def entry_of(confirmed: Evening, status: TicketStatus = TicketStatus.VALID) -> CalendarEntry:
    [entry] = entries_of(confirmed.streams.shop.repository, str(confirmed.order_id), tickets_of(confirmed, status))
    return entry


def test_two_tickets_for_a_concert_are_one_entry(confirmed: Evening) -> None:
    entry = entry_of(confirmed)
    assert (entry.status, entry.starts_at, len(entry.tickets)) == ("confirmed", OPENING, 2)


def test_a_moved_concert_has_its_new_date_and_a_higher_sequence(confirmed: Evening) -> None:
    shop, before = confirmed.streams.shop, entry_of(confirmed)
    dates = ConcertDates(OPENING + timedelta(days=7), OPENING + timedelta(days=7, hours=3))
    live_commands.move_concert(shop.repository, shop.request(ORGANISER), confirmed.concert_id, dates, None, None)
    after = entry_of(confirmed)
    assert (after.starts_at, after.ends_at, after.status) == (*dates, "confirmed")
    assert after.sequence > before.sequence


def test_a_postponed_concert_is_taken_off_its_old_date(confirmed: Evening) -> None:
    shop, before = confirmed.streams.shop, entry_of(confirmed)
    live_commands.postpone_concert(shop.repository, shop.request(ORGANISER), confirmed.concert_id, None)
    after = entry_of(confirmed)
    assert (after.starts_at, after.status) == (before.starts_at, "postponed")
    assert after.sequence > before.sequence


def test_a_cancelled_concert_and_tickets_that_admit_nobody_are_cancelled(confirmed: Evening) -> None:
    assert entry_of(confirmed, TicketStatus.REVOKED).status == "cancelled"
    shop = confirmed.streams.shop
    commands.cancel_concert(shop.repository, shop.request(ORGANISER), confirmed.concert_id)
    assert entry_of(confirmed).status == "cancelled"


def test_tickets_of_no_concert_are_nothing_to_enter(confirmed: Evening) -> None:
    tickets = [ticket | {"concert_id": None} for ticket in tickets_of(confirmed)]
    with pytest.raises(NoDate):
        entries_of(confirmed.streams.shop.repository, str(confirmed.order_id), tickets)
    stranger = [ticket | {"concert_id": str(UUID(int=7))} for ticket in tickets_of(confirmed)]
    with pytest.raises(NoDate):
        entries_of(confirmed.streams.shop.repository, str(confirmed.order_id), stranger)
