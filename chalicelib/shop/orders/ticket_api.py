"""Declares the routes of one ticket, as its customer sees it: in JSON, as a picture, on paper and in a wallet."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import NotFound, RuleViolated
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.answers import PDF, PKPASS, Ics, Ok, Pdf, Pkpass, Svg, Tagged, ok
from chalicelib.platform.http.requests import ensure_accepted, parse_id
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.services import Services
from chalicelib.shop.orders import queries
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.doors.statements import ORDER_OF
from chalicelib.shop.orders.paper.languages import LanguageQuery
from chalicelib.shop.orders.ticket import TicketNotValid

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.orders.answers import OwnTicket, WalletLink
    from chalicelib.shop.orders.faces import TicketFace
    from chalicelib.shop.orders.paper.port import Paper
    from chalicelib.shop.orders.wallets.keys import WalletKeys

NOT_KEPT = {"Cache-Control": "no-store"}
"""Whoever has the code is let in."""


class WalletNotConfigured(RuleViolated):
    """The shop has nothing with which it could sign passes for this wallet, or no longer."""

    code = "wallet_not_configured"

    def __init__(self, wallet: str) -> None:
        super().__init__(f"This shop makes no passes for {wallet} at present.")


class TicketServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def documents(self) -> "DocumentProjection": ...

    @property
    def vault(self) -> "PersonVault": ...

    @property
    def code_book(self) -> CodeBook: ...

    @property
    def wallet_keys(self) -> "WalletKeys": ...

    @property
    def paper(self) -> "Paper": ...

    def sales_reflecting(self, min_versions: MinVersions, log: EventStore) -> AbstractContextManager["Reader"]: ...


routes: Routes[TicketServices] = Routes(__name__)


@routes.get(
    "/tickets/{ticket}", Role.CUSTOMER, refuses=("no_date", "not_found", "ticket_revoked", "wallet_not_configured")
)
def get_ticket(call: Call[TicketServices], query: LanguageQuery) -> "Tagged[OwnTicket] | Svg | Pdf | Ics | Pkpass":
    """Show a ticket with its code to its customer: `{id}` in JSON, `{id}.svg` as a picture, `{id}.pdf` on paper.

    `{id}.pkpass` is a pass for Apple Wallet, `{id}.ics` an entry for a calendar. Paper and calendar are in `language`,
    `en` or `nl`; for the PDF, `Accept` must be `application/pdf`.
    """
    name, _, kind = call.parameter("ticket").partition(".")
    if kind in _WRITTEN:
        return _WRITTEN[kind](call, parse_id(name), query.chosen(call.headers))
    if kind not in _SHOWN:
        raise NotFound("There is no such resource.")
    return _SHOWN[kind](call, parse_id(name))


@routes.get(
    "/tickets/{ticket}/google-wallet", Role.CUSTOMER, refuses=("not_found", "ticket_revoked", "wallet_not_configured")
)
def get_google_wallet_link(call: Call[TicketServices]) -> "Ok[WalletLink]":
    """Make a link with which its customer adds a ticket to Google Wallet."""
    from chalicelib.shop.orders.wallets.google import link_of  # noqa: PLC0415 - only this answer needs it

    face, issuer = find_face(call, call.id("ticket")), call.shop.wallet_keys.google()
    if issuer is None:
        raise WalletNotConfigured("Google Wallet")
    link: WalletLink = {"url": link_of(face, issuer, call.shop.clock())}
    return replace(ok(link), headers=NOT_KEPT)


def find_ticket(call: Call[TicketServices], ticket_id: UUID) -> "OwnTicket":
    """Return a ticket of the caller with its code; its version is that of its order.

    Raises NotFound or Unavailable.
    """
    shop, log = call.shop, call.metered(call.shop.event_store)
    order_id, write, opened = _order_of(call, log, ticket_id), shop.code_book.write, shop.vault.open
    found = queries.get_tickets(
        shop.documents, log, order_id, call.actor.id, write, opened, call.min_versions, only=ticket_id
    )
    if not found["items"]:
        raise _no_such_ticket()
    [ticket] = found["items"]
    return {**ticket, "order_id": str(order_id), "version": found["version"]}


def find_face(call: Call[TicketServices], ticket_id: UUID) -> "TicketFace":
    """Return what a ticket of the caller shows.

    Raises NotFound, TicketNotValid or Unavailable.
    """
    from chalicelib.shop.orders.faces import face_of  # noqa: PLC0415 - brings what most answers do without

    shop, log = call.shop, call.metered(call.shop.event_store)
    order_id, write = _order_of(call, log, ticket_id), shop.code_book.write
    found = queries.get_held_tickets(
        shop.documents, log, order_id, call.actor.id, write, shop.vault.open, call.min_versions, ticket_id
    )
    face = face_of(shop.repository, found)
    if face is None:
        raise _no_such_ticket()
    return face


def _order_of(call: Call[TicketServices], log: EventStore, ticket_id: UUID) -> UUID:
    with call.shop.sales_reflecting(call.min_versions, log) as sales:
        rows = sales.fetch_all(ORDER_OF, {"ticket_id": ticket_id})
    if not rows:
        raise _no_such_ticket()
    order_id: UUID = rows[0]["order_id"]
    return order_id


def _no_such_ticket() -> NotFound:
    return NotFound("There is no such ticket.")


def _json(call: Call[TicketServices], ticket_id: UUID) -> "Tagged[OwnTicket]":
    ticket = find_ticket(call, ticket_id)
    return Tagged(ticket, ticket["version"], NOT_KEPT)


def _svg(call: Call[TicketServices], ticket_id: UUID) -> Svg:
    from chalicelib.shop.orders.doors.picture import svg_of  # noqa: PLC0415 - only this answer needs the library

    ticket = find_ticket(call, ticket_id)
    if ticket["code"] is None:
        raise TicketNotValid("The ticket was revoked.")
    return Svg.named("ticket.svg", svg_of(ticket["code"]), NOT_KEPT)


def _pkpass(call: Call[TicketServices], ticket_id: UUID) -> Pkpass:
    from chalicelib.shop.orders.wallets.apple import pass_of  # noqa: PLC0415 - only this answer needs it

    ensure_accepted(call.headers.get("accept"), PKPASS)
    face, certificate = find_face(call, ticket_id), call.shop.wallet_keys.apple()
    if certificate is None:
        raise WalletNotConfigured("Apple Wallet")
    return Pkpass.named("ticket.pkpass", pass_of(face, certificate), NOT_KEPT)


def _pdf(call: Call[TicketServices], ticket_id: UUID, language: str) -> Pdf:
    face = find_face(call, ticket_id)
    ensure_accepted(call.headers.get("accept"), PDF)
    return Pdf.named("ticket.pdf", call.shop.paper.tickets_pdf([face], language), NOT_KEPT)


def _ics(call: Call[TicketServices], ticket_id: UUID, language: str) -> Ics:
    """Enter the concert of the ticket, with all tickets for it that the order has."""
    from chalicelib.shop.orders.paper.calendars import calendar_of, entries_of  # noqa: PLC0415 - only this answer

    shop, log = call.shop, call.metered(call.shop.event_store)
    order_id, write, opened = _order_of(call, log, ticket_id), shop.code_book.write, shop.vault.open
    found = queries.get_tickets(shop.documents, log, order_id, call.actor.id, write, opened, call.min_versions)
    concert_id = next((one["concert_id"] for one in found["items"] if one["id"] == str(ticket_id)), None)
    if concert_id is None:
        raise _no_such_ticket()
    of_concert = [one for one in found["items"] if one["concert_id"] == concert_id]
    entries = entries_of(shop.repository, str(order_id), of_concert)
    return Ics.named("ticket.ics", calendar_of(entries, language, shop.clock()), NOT_KEPT)


_WRITTEN: "dict[str, Callable[[Call[TicketServices], UUID, str], Pdf | Ics]]" = {"pdf": _pdf, "ics": _ics}
"""What is written in a language, by what follows the id in the path."""

_SHOWN: "dict[str, Callable[[Call[TicketServices], UUID], Tagged[OwnTicket] | Svg | Pkpass]]" = {
    "": _json,
    "svg": _svg,
    "pkpass": _pkpass,
}
"""What follows the id in the path; a path of API Gateway cannot end in both a parameter and a suffix."""
