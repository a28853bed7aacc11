"""The files of a confirmation: the tickets that admit, and the dates; without a printer the mail goes without them."""

from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from icalendar import Calendar

from chalicelib.shop.orders import ticket_files
from tests.support.mailed import MINUTE, Mailed


@pytest.fixture
def mailed() -> Mailed:
    return Mailed()


def files_of(mail: EmailMessage) -> dict[str | None, tuple[str, bytes]]:
    return {
        part.get_filename(): (part.get_content_type(), part.get_payload(decode=True))  # type: ignore[misc]
        for part in mail.iter_attachments()
    }


def codes_in(printed: bytes) -> list[str]:
    return printed.decode().splitlines()[2:]


def valid_tickets(mailed: Mailed, order_id: UUID) -> int:
    return len(mailed.shop.order_state(order_id).valid_tickets)


def test_a_confirmation_has_the_tickets_and_an_entry_for_the_calendar(mailed: Mailed) -> None:
    order_id = mailed.bought(2, language="nl")
    mailed.deliver()
    files = files_of(mailed.parsed())
    assert {name: kind for name, (kind, _) in files.items()} == {
        "tickets.pdf": "application/pdf",
        "tickets.ics": "text/calendar",
    }
    _, printed = files["tickets.pdf"]
    assert printed.decode().splitlines()[:2] == ["%PDF", "nl"]
    assert len(set(codes_in(printed))) == valid_tickets(mailed, order_id) == 2
    [event] = Calendar.from_ical(files["tickets.ics"][1]).events
    assert event["STATUS"] == "CONFIRMED"


def test_a_printer_that_is_away_delays_a_mail_by_minutes_and_never_stops_it(mailed: Mailed) -> None:
    mailed.bought()
    mailed.printer.is_away = True
    mailed.announce()
    for _ in range(3):
        mailed.work_one()
    assert mailed.sent == []
    mailed.clock.advance(6 * MINUTE)
    mailed.run_until_quiet()
    assert len(mailed.sent) == 1
    assert files_of(mailed.parsed()) == {}
    assert mailed.sent[0].subject.startswith("Your tickets")


def test_a_printer_that_comes_back_in_time_prints(mailed: Mailed) -> None:
    mailed.bought()
    mailed.printer.is_away = True
    mailed.announce()
    mailed.work_one()
    mailed.printer.is_away = False
    mailed.clock.advance(timedelta(minutes=2))
    mailed.run_until_quiet()
    assert [list(files_of(mailed.parsed(0)))] == [["tickets.pdf", "tickets.ics"]]
    assert len(mailed.sent) == 1


def test_more_tickets_than_one_document_takes_are_in_several(mailed: Mailed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticket_files, "MOST_PAGES", 2)
    order_id = mailed.bought(3)
    names = [file.name for file in mailed.ticket_files.of(order_id, "en")]
    assert names == ["tickets-1.pdf", "tickets-2.pdf", "tickets.ics"]
