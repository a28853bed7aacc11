"""Declares the routes of one ticket, as its customer sees it: in JSON and as a picture for the phone."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.answers import Svg, Tagged
from chalicelib.platform.http.requests import parse_id
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.services import Services
from chalicelib.shop.orders import queries
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.doors.statements import ORDER_OF
from chalicelib.shop.orders.ticket import TicketNotValid

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.orders.answers import OwnTicket

NOT_KEPT = {"Cache-Control": "no-store"}
"""Whoever has the code is let in."""


class TicketServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def documents(self) -> "DocumentProjection": ...

    @property
    def vault(self) -> "PersonVault": ...

    @property
    def code_book(self) -> CodeBook: ...

    def sales_reflecting(self, min_versions: MinVersions, log: EventStore) -> AbstractContextManager["Reader"]: ...


routes: Routes[TicketServices] = Routes(__name__)


@routes.get("/tickets/{ticket}", Role.CUSTOMER, refuses=("not_found", "ticket_revoked"))
def get_ticket(call: Call[TicketServices]) -> "Tagged[OwnTicket] | Svg":
    """Show a ticket with its code to its customer: `{id}` in JSON, and `{id}.svg` as a picture."""
    name, _, kind = call.parameter("ticket").partition(".")
    if kind not in _SHOWN:
        raise NotFound("There is no such resource.")
    return _SHOWN[kind](find_ticket(call, parse_id(name)))


def find_ticket(call: Call[TicketServices], ticket_id: UUID) -> "OwnTicket":
    """Return a ticket of the caller with its code; its version is that of its order.

    Raises NotFound or Unavailable.
    """
    shop, log = call.shop, call.metered(call.shop.event_store)
    with shop.sales_reflecting(call.min_versions, log) as sales:
        rows = sales.fetch_all(ORDER_OF, {"ticket_id": ticket_id})
    if not rows:
        raise NotFound("There is no such ticket.")
    order_id, write, opened = rows[0]["order_id"], shop.code_book.write, shop.vault.open
    found = queries.get_tickets(
        shop.documents, log, order_id, call.actor.id, write, opened, call.min_versions, only=ticket_id
    )
    if not found["items"]:
        raise NotFound("There is no such ticket.")
    [ticket] = found["items"]
    return {**ticket, "order_id": str(order_id), "version": found["version"]}


def _json(ticket: "OwnTicket") -> "Tagged[OwnTicket]":
    return Tagged(ticket, ticket["version"], NOT_KEPT)


def _svg(ticket: "OwnTicket") -> Svg:
    from chalicelib.shop.orders.doors.picture import svg_of  # noqa: PLC0415 - only this answer needs the library

    if ticket["code"] is None:
        raise TicketNotValid("The ticket was revoked.")
    return Svg.named("ticket.svg", svg_of(ticket["code"]), NOT_KEPT)


_SHOWN: "dict[str, Callable[[OwnTicket], Tagged[OwnTicket] | Svg]]" = {"": _json, "svg": _svg}
"""What follows the id in the path; a path of API Gateway cannot end in both a parameter and a suffix."""
