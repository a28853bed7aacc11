"""Routes about the people of an order: guests who are given tickets, and buyers whose name was misspelt."""

from typing import TYPE_CHECKING, Annotated, Protocol, cast
from uuid import UUID

from pydantic import ConfigDict, Field

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import InvalidInput, NotFound
from chalicelib.platform.http.answers import Created, Ok, Tagged, created, ok
from chalicelib.platform.http.emails import EmailAddress
from chalicelib.platform.http.requests import WHOLE, Body, Changes, Line, of_something
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.access.commands import certificate_of
from chalicelib.shop.orders import buyers, complimentary, guest_erasure

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import ErasureCertificate
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.shop.orders.answers import BuyerCorrected, IssuedTicket, TicketsIssued


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
    quantity: Annotated[int, Field(ge=1, le=40), WHOLE] = 1
    guest: Guest


class BuyerChanges(Changes):
    """Has what is to be changed; whatever is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra=of_something)

    name: Line = ""
    email: EmailAddress = ""


@routes.post(
    "/concerts/{concert_id}/complimentary-tickets",
    Role.ORGANISER,
    refuses=("concert_not_published", "concert_over", "not_on_sale", "sold_out"),
)
def issue_complimentary_tickets(call: Call[PeopleServices], body: NewComplimentaryTickets) -> "Created[TicketsIssued]":
    """Issue free tickets to a guest."""
    shop, concert_id = call.shop, call.id("concert_id")
    guest = body.guest.model_dump(exclude_none=True)
    issued = complimentary.issue_tickets(
        shop.repository, shop.vault, call.caller(), concert_id, body.ticket_type_id, body.quantity, guest
    )
    answer: TicketsIssued = {
        "order_id": str(issued.order_id),
        "tickets": [cast("IssuedTicket", ticket.model_dump(mode="json")) for ticket in issued.tickets],
        "version": issued.version,
    }
    return created(answer, f"/orders/{issued.order_id}")


@routes.patch(
    "/orders/{order_id}/buyer",
    Role.CUSTOMER,
    refuses=("account_erased", "buyer_unknown", "second_factor_needed"),
)
def correct_buyer(call: Call[PeopleServices], body: BuyerChanges) -> "Tagged[BuyerCorrected]":
    """Correct the name or the address of an order's buyer.

    For the order's customer, for who organises one of its concerts, and for operators.
    """
    shop, order_id = call.shop, call.id("order_id")
    changes = body.model_dump(exclude_unset=True)
    if not changes:
        raise InvalidInput("Nothing is to be changed.", (("#", "must have name or email"),))
    try:
        version = buyers.correct_buyer(shop.repository, shop.vault, call.caller(), order_id, changes)
    except NotFound:
        call.add_granted_roles()
        version = buyers.correct_buyer(shop.repository, shop.vault, call.caller(), order_id, changes)
    answer: BuyerCorrected = {"order_id": str(order_id), "version": version}
    return ok(answer, version)


@routes.delete("/orders/{order_id}/guest", Role.ORGANISER)
def erase_guest(call: Call[PeopleServices]) -> "Ok[ErasureCertificate]":
    """Erase the guest of a complimentary order, as who organises its concert or as an operator."""
    shop, order_id = call.shop, call.id("order_id")
    guest_erasure.erase_guest(shop.repository, shop.vault, call.caller(), order_id)
    return ok(certificate_of(shop.event_store, order_id))
