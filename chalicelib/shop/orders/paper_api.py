"""Declares the routes of an order's tickets as files: one document for all of them, and the dates for a calendar."""

from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

from chalicelib.platform.caller import Role
from chalicelib.platform.http.answers import PDF, Ics, Pdf
from chalicelib.platform.http.paging import Cursor, cursor_of
from chalicelib.platform.http.requests import ensure_accepted
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.orders import queries
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.paper.languages import LanguageQuery
from chalicelib.shop.orders.paper.parts import part_of
from chalicelib.shop.orders.paper.refusals import NoTickets
from chalicelib.shop.orders.ticket import TicketNotValid

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection
    from chalicelib.shop.orders.answers import HeldTickets
    from chalicelib.shop.orders.paper.port import Paper

NOT_KEPT = {"Cache-Control": "no-store"}


class PaperServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def documents(self) -> "DocumentProjection": ...

    @property
    def vault(self) -> "PersonVault": ...

    @property
    def code_book(self) -> CodeBook: ...

    @property
    def paper(self) -> "Paper": ...


routes: Routes[PaperServices] = Routes(__name__)


class PartQuery(Cursor, LanguageQuery):
    """Reads a part of an order's tickets, and its language."""


@routes.get("/orders/{order_id}/tickets.pdf", Role.CUSTOMER, refuses=("no_tickets", "ticket_revoked"))
def print_tickets(call: Call[PaperServices], query: PartQuery) -> Pdf:
    """Print the tickets of an order that admit, a page for each, as one PDF for its customer.

    It has 50 pages and two concerts at most: `Link: …; rel="next"` names the next one. Ask with
    `Accept: application/pdf`, and in `language`, which is `en` or `nl`.
    """
    from chalicelib.shop.orders.faces import faces_of  # noqa: PLC0415 - brings what most answers do without
    from chalicelib.shop.orders.paper.port import MOST_PAGES  # noqa: PLC0415 - the same

    held = _held(call)
    ensure_accepted(call.headers.get("accept"), PDF)
    admitting = [ticket for ticket in held["items"] if ticket["code"] is not None]
    if not admitting:
        raise TicketNotValid("Every ticket of the order was revoked.")
    part, next_key = part_of(admitting, query.after, MOST_PAGES)
    faces = faces_of(call.shop.repository, {**held, "items": part})
    printed = call.shop.paper.tickets_pdf(faces, query.chosen(call.headers))
    return Pdf.named("tickets.pdf", printed, NOT_KEPT | _link(call, next_key))


@routes.get("/orders/{order_id}/tickets.ics", Role.CUSTOMER, refuses=("no_date", "no_tickets"))
def enter_into_calendar(call: Call[PaperServices], query: PartQuery) -> Ics:
    """Give the concerts of an order as entries of a calendar (RFC 5545), for its customer.

    An entry that is imported again takes the place of the older one: of a concert that was moved with its new date, of
    one that was cancelled or postponed, or whose tickets were given back, as cancelled. It has two concerts at most,
    and `Link` names the next file.
    """
    from chalicelib.shop.orders.paper.calendars import calendar_of, entries_of  # noqa: PLC0415 - of this answer

    held = _held(call)
    part, next_key = part_of(held["items"], query.after, len(held["items"]))
    entries = entries_of(call.shop.repository, held["order_id"], part)
    written = calendar_of(entries, query.chosen(call.headers), call.shop.clock())
    return Ics.named("tickets.ics", written, NOT_KEPT | _link(call, next_key))


def _held(call: Call[PaperServices]) -> "HeldTickets":
    """Return the tickets of the caller's order.

    Raises:
        NoTickets: it is not confirmed yet.
        NotFound
    """
    shop, order_id = call.shop, call.id("order_id")
    log, write, opened = call.metered(shop.event_store), shop.code_book.write, shop.vault.open
    held = queries.get_held_tickets(shop.documents, log, order_id, call.actor.id, write, opened, call.min_versions)
    if not held["items"]:
        raise NoTickets("The order has no tickets before it is confirmed.")
    return held


def _link(call: Call[PaperServices], next_key: list[str] | None) -> dict[str, str]:
    cursor = cursor_of(next_key)
    if cursor is None:
        return {}
    parameters = {**call.query_parameters, "cursor": cursor}
    return {"Link": f'<?{urlencode(parameters)}>; rel="next"'}
