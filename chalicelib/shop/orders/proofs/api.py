"""Declares the routes of certificates, of the register behind them, and of a ticket's proof."""

from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import Field

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import NotFound
from chalicelib.platform.http.answers import Ok, ok
from chalicelib.platform.http.requests import Query
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.orders import queries
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.proofs import proving

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection
    from chalicelib.shop.orders.proofs.answers import SoldCertificate, SoldRegister, TicketProof

LONGEST_PART = 10_000


class ProofServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def documents(self) -> "DocumentProjection": ...

    @property
    def code_book(self) -> CodeBook: ...

    @property
    def certified_registers(self) -> proving.CertifiedRegisters: ...


routes: Routes[ProofServices] = Routes(__name__)

Number = Annotated[int, Field(ge=1, le=2**53)]


class WantedCertificate(Query):
    """Names a certificate by its number; without one, the newest is meant."""

    number: Number | None = None


class WantedPart(WantedCertificate):
    position: Annotated[int, Field(ge=0, le=2**53)] = 0
    limit: Annotated[int, Field(ge=1, le=LONGEST_PART)] = LONGEST_PART


@routes.get("/concerts/{concert_id}/sold")
def get_sold(call: Call[ProofServices], wanted: WantedCertificate) -> "Ok[SoldCertificate]":
    """Show how many tickets of a concert are sold, as it was last certified, or in an earlier certificate."""
    certified = proving.get_certificate(call.metered(call.shop.event_store), call.id("concert_id"), wanted.number)
    return ok(proving.signed(certified, call.shop.code_book))


@routes.get("/concerts/{concert_id}/sold/register")
def get_sold_register(call: Call[ProofServices], wanted: WantedPart) -> "Ok[SoldRegister]":
    """List all that a certificate is about, so that anybody can count again, and compare it with an earlier one.

    Nobody can tell whose a ticket is, nor find one by its id.
    """
    certified = proving.get_certificate(call.metered(call.shop.event_store), call.id("concert_id"), wanted.number)
    stored = call.shop.certified_registers.stored
    listed: SoldRegister = {
        "certificate": proving.signed(certified, call.shop.code_book),
        "position": wanted.position,
        "tickets": proving.list_part(stored, certified, wanted.position, wanted.limit),
    }
    return ok(listed)


@routes.get("/orders/{order_id}/tickets/{ticket_id}/proof", Role.CUSTOMER, refuses=("not_counted_yet",))
def get_proof(call: Call[ProofServices]) -> "Ok[TicketProof]":
    """Prove to a customer that a ticket is counted among those sold of its concert."""
    shop, log = call.shop, call.metered(call.shop.event_store)
    order_id, ticket_id = call.id("order_id"), call.id("ticket_id")
    concert_id = queries.get_concert_of(shop.documents, log, order_id, ticket_id, call.actor.id, call.min_versions)
    if concert_id is None:
        raise NotFound("The order has no such ticket of a concert.")
    return ok(proving.prove(log, shop.certified_registers, shop.code_book, concert_id, ticket_id))
