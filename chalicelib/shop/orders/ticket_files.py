"""Makes the files that go with a mail: the tickets of an order on paper, and its concerts for a calendar."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.answers import PDF, Ics
from chalicelib.platform.mail.message import Attachment
from chalicelib.shop.orders.faces import faces_of
from chalicelib.shop.orders.paper.calendars import calendar_of, entries_of
from chalicelib.shop.orders.paper.port import MOST_PAGES, Paper
from chalicelib.shop.orders.paper.refusals import NoDate
from chalicelib.shop.orders.queries import OpenSealed, WriteCode, held_tickets_in_log

if TYPE_CHECKING:
    from chalicelib.shop.orders.answers import HeldTickets


@dataclass(frozen=True, slots=True)
class TicketFiles:
    """Reads an order from the log alone: whoever asks may see all of it."""

    store: EventStore
    repository: Repository
    write_code: WriteCode
    open_sealed: OpenSealed
    paper: Paper
    clock: Callable[[], datetime]

    def of(self, order_id: UUID, language: str) -> tuple[Attachment, ...]:
        """Return the tickets that admit, fifty a document, and an entry for each concert that has a date.

        Raises Unavailable.
        """
        held = held_tickets_in_log(self.store, order_id, self.write_code, self.open_sealed)
        return (*self._printed(held, language), *self._dates(held, language))

    def _printed(self, held: "HeldTickets", language: str) -> list[Attachment]:
        faces = faces_of(self.repository, held)
        parts = [faces[first : first + MOST_PAGES] for first in range(0, len(faces), MOST_PAGES)]
        names = ["tickets.pdf"] if len(parts) == 1 else [f"tickets-{number}.pdf" for number in range(1, len(parts) + 1)]
        return [
            Attachment(name, PDF, self.paper.tickets_pdf(part, language))
            for name, part in zip(names, parts, strict=True)
        ]

    def _dates(self, held: "HeldTickets", language: str) -> list[Attachment]:
        try:
            entries = entries_of(self.repository, held["order_id"], held["items"])
        except NoDate:
            return []
        written = calendar_of(entries, language, self.clock())
        return [Attachment("tickets.ics", Ics.content_type, written.encode())]
