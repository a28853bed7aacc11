"""Routes about the people of an order: guests who are given tickets, and buyers whose name was misspelt."""

from typing import TYPE_CHECKING, Annotated, Protocol
from uuid import UUID

from pydantic import Field

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import InvalidInput, NotFound
from chalicelib.platform.http.emails import EmailAddress
from chalicelib.platform.http.requests import Body, Line
from chalicelib.platform.http.routes import Answer, Call, Routes, created, ok
from chalicelib.platform.services import Services
from chalicelib.shop.access.commands import certificate_of
from chalicelib.shop.orders import buyers, complimentary, guest_erasure

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault


class PeopleServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def vault(self) -> "PersonVault": ...


routes: Routes[PeopleServices] = Routes(__name__)


class Guest(Body, defer_build=False):
    name: Line
    email: EmailAddress | None = None


class NewComplimentaryTickets(Body):
    ticket_type_id: UUID
    quantity: Annotated[int, Field(ge=1, le=40)] = 1
    guest: Guest


class BuyerChanges(Body):
    """Has what is to be changed; whatever is left out stays as it is."""

    name: Line = ""
    email: EmailAddress = ""


@routes.post("/concerts/{concert_id}/complimentary-tickets", Role.ORGANISER)
def issue_complimentary_tickets(call: Call[PeopleServices]) -> Answer:
    body, shop, concert_id = call.body(NewComplimentaryTickets), call.shop, call.id("concert_id")
    guest = body.guest.model_dump(exclude_none=True)
    issued = complimentary.issue_tickets(
        shop.repository, shop.vault, call.caller(body), concert_id, body.ticket_type_id, body.quantity, guest
    )
    answer = {
        "order_id": str(issued.order_id),
        "tickets": [ticket.model_dump(mode="json") for ticket in issued.tickets],
        "version": issued.version,
    }
    return created(answer, f"/orders/{issued.order_id}")


@routes.patch("/orders/{order_id}/buyer", Role.CUSTOMER, if_match=True)
def correct_buyer(call: Call[PeopleServices]) -> Answer:
    """For the order's customer, for who organises one of its concerts, and for operators."""
    body, shop, order_id = call.body(BuyerChanges), call.shop, call.id("order_id")
    changes = body.model_dump(exclude_unset=True)
    if not changes:
        raise InvalidInput("Nothing is to be changed.", (("#", "must have name or email"),))
    try:
        version = buyers.correct_buyer(shop.repository, shop.vault, call.caller(body), order_id, changes)
    except NotFound:
        call.add_granted_roles()
        version = buyers.correct_buyer(shop.repository, shop.vault, call.caller(body), order_id, changes)
    return ok({"order_id": str(order_id), "version": version}, version)


@routes.delete("/orders/{order_id}/guest", Role.ORGANISER)
def erase_guest(call: Call[PeopleServices]) -> Answer:
    """For whoever organises the concert of a complimentary order, and for operators."""
    shop, order_id = call.shop, call.id("order_id")
    guest_erasure.erase_guest(shop.repository, shop.vault, call.caller(), order_id)
    return ok(certificate_of(shop.event_store, order_id))
