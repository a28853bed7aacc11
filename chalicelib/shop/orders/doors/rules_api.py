"""Declares the routes of the keys that sign tickets, of the rules at the doors, and of new codes for tickets."""

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import NotFound
from chalicelib.platform.http.answers import Created, Ok, Tagged, created, ok
from chalicelib.platform.http.requests import Body, Line
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.orders.doors import commands
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.doors.reissue import reissue_tickets

if TYPE_CHECKING:
    from chalicelib.shop.orders.doors.answers import (
        DoorRules,
        KeyRotated,
        PublishedKey,
        Reissued,
        RevokedKey,
        TicketKeySet,
    )
    from chalicelib.shop.orders.doors.keys import TicketKey


class RulesServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def code_book(self) -> CodeBook: ...


routes: Routes[RulesServices] = Routes(__name__)


class NewRules(Body):
    has_reentry: bool


class Why(Body):
    reason: Line


class NewCode(Body):
    reason: Line | None = None


@routes.get("/concerts/{concert_id}/ticket-keys")
def list_ticket_keys(call: Call[RulesServices]) -> "Ok[TicketKeySet]":
    """List the keys of a concert's tickets, as a JSON Web Key Set.

    With it anyone can tell that a code was made by the shop, and nobody can make one.
    """
    keys = call.shop.code_book.keys(call.id("concert_id"))
    answer: TicketKeySet = {"keys": [public_key(key) for key, counts in keys if counts]}
    return ok(answer)


@routes.post("/concerts/{concert_id}/ticket-keys", Role.OPERATOR, if_match=True, refuses=("too_many_keys",))
def rotate_ticket_key(call: Call[RulesServices], body: Why) -> "Created[KeyRotated]":
    """Sign a concert's tickets with a new key from now on."""
    concert_id = call.id("concert_id")
    version = commands.rotate_key(call.shop.repository, call.caller(), concert_id, body.reason)
    call.shop.code_book.refresh(concert_id)
    answer: KeyRotated = {"concert_id": str(concert_id), "version": version}
    return created(answer, f"/concerts/{concert_id}/ticket-keys")


@routes.post(
    "/concerts/{concert_id}/ticket-keys/{key_id}/revoke", Role.OPERATOR, if_match=True, refuses=("too_many_keys",)
)
def revoke_ticket_key(call: Call[RulesServices], body: Why) -> "Tagged[RevokedKey]":
    """Refuse what a key has signed, within a minute."""
    concert_id, key_id = call.id("concert_id"), call.parameter("key_id")
    known = [key for key, _ in call.shop.code_book.keys(concert_id) if key.name == key_id]
    if not known:
        raise NotFound("The concert has no such key.")
    version = commands.revoke_key(call.shop.repository, call.caller(), concert_id, known[0].generation, body.reason)
    call.shop.code_book.refresh(concert_id)
    answer: RevokedKey = {"concert_id": str(concert_id), "key_id": key_id, "version": version}
    return ok(answer, version)


@routes.get("/concerts/{concert_id}/door-rules")
def get_door_rules(call: Call[RulesServices]) -> "Ok[DoorRules] | Tagged[DoorRules]":
    """Show whether people who left may come in again."""
    concert_id = call.id("concert_id")
    doors, version = commands.find_rules(call.shop.repository, concert_id)
    if version < 0:
        return ok(_shown(concert_id, doors.has_reentry, None))
    return ok(_shown(concert_id, doors.has_reentry, version), version)


@routes.post("/concerts/{concert_id}/door-rules", Role.ORGANISER, if_match=True)
def set_door_rules(call: Call[RulesServices], body: NewRules) -> "Tagged[DoorRules]":
    """Say whether people who left may come in again."""
    concert_id = call.id("concert_id")
    version = commands.set_rules(call.shop.repository, call.caller(), concert_id, body.has_reentry)
    call.shop.code_book.refresh(concert_id)
    return ok(_shown(concert_id, body.has_reentry, version), version)


@routes.post(
    "/orders/{order_id}/tickets/{ticket_id}/reissue",
    Role.CUSTOMER,
    refuses=("ticket_revoked", "too_many_reissues"),
)
def reissue_ticket(call: Call[RulesServices], body: NewCode | None) -> "Created[Reissued]":
    """Give a ticket a new code, after which the one it had admits nobody.

    For the order's customer, for who organises the ticket's concert, and for operators.
    """
    order_id, ticket_id, repository = call.id("order_id"), call.id("ticket_id"), call.shop.repository
    reason = None if body is None else body.reason
    try:
        version = reissue_tickets(repository, call.caller(), order_id, [ticket_id], reason)
    except NotFound:
        call.add_granted_roles()
        version = reissue_tickets(repository, call.caller(), order_id, [ticket_id], reason)
    answer: Reissued = {"order_id": str(order_id), "ticket_id": str(ticket_id), "version": version}
    return created(answer, f"/orders/{order_id}/tickets")


def _shown(concert_id: UUID, has_reentry: bool, version: int | None) -> "DoorRules":
    return {"concert_id": str(concert_id), "has_reentry": has_reentry, "version": version}


def public_key(key: "TicketKey") -> "PublishedKey":
    """Return the public half as a JSON Web Key (RFC 8037)."""
    x = urlsafe_b64encode(key.public).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.name, "x": x}
