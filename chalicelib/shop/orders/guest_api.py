"""Routes of guests, who buy without an account, come back by a link, and may join what they bought to an account."""

import secrets
from typing import TYPE_CHECKING, Annotated, Protocol
from uuid import UUID

from pydantic import StringConstraints

from chalicelib.platform.caller import Role, guest_id
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.answers import Created, Issued, created
from chalicelib.platform.http.requests import Body
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.ids import IdKey
from chalicelib.platform.services import Services
from chalicelib.shop.orders import joining
from chalicelib.shop.orders.guest_limit import GuestLimit

if TYPE_CHECKING:
    from chalicelib.platform.http.guest_tokens import GuestTokens
    from chalicelib.shop.orders.answers import GuestToken, LinkIssued, OrderJoined


class GuestServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def guest_tokens(self) -> "GuestTokens": ...

    @property
    def guest_limit(self) -> GuestLimit: ...

    @property
    def ids(self) -> IdKey: ...


routes: Routes[GuestServices] = Routes(__name__)

LinkText = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ComingGuest(Body):
    """With the link of an order it is that order's guest who comes back, and otherwise a new one."""

    link: LinkText | None = None


class ByLink(Body):
    link: LinkText


@routes.post(
    "/guests", refuses=("busy", "link_expired", "link_replaced", "not_found", "order_joined", "too_many_guests")
)
def create_guest(call: Call[GuestServices], body: ComingGuest | None) -> "Issued[GuestToken]":
    """Give a token to somebody who buys without an account, or who comes back by the link of an order.

    Nothing is written to the log, and a request that is repeated makes another guest.
    """
    shop, link = call.shop, None if body is None else body.link
    shop.guest_limit.admit(call.address)
    person_id, order_id = (guest_id(secrets.randbits(128)), None) if link is None else _guest_behind(shop, link)
    token = shop.guest_tokens.issue(person_id, order_id)
    answer: GuestToken = {
        "guest_id": str(person_id),
        "token": token.token,
        "expires_at": format_instant(token.expires_at),
        "order_id": None if order_id is None else str(order_id),
    }
    return Issued(answer)


@routes.post(
    "/orders/{order_id}/link",
    Role.CUSTOMER,
    refuses=("forbidden", "not_a_guests_order", "order_joined", "too_many_links"),
)
def issue_order_link(call: Call[GuestServices]) -> "Created[LinkIssued]":
    """Issue a new link to a guest's order, and end those of before.

    For the order's guest, for who organises all of its concerts, and for operators.
    """
    shop, order_id = call.shop, call.id("order_id")
    try:
        issued = joining.issue_link(shop.repository, call.caller(), order_id)
    except NotFound:
        call.add_granted_roles()
        issued = joining.issue_link(shop.repository, call.caller(), order_id)
    answer: LinkIssued = {
        "order_id": str(order_id),
        "link": issued.link.text,
        "link_expires_at": format_instant(issued.link.expires_at),
        "version": issued.version,
    }
    return created(answer, f"/orders/{order_id}")


@routes.post(
    "/me/orders",
    Role.CUSTOMER,
    refuses=("account_erased", "account_needed", "link_expired", "link_replaced", "not_found", "order_joined"),
)
def join_order(call: Call[GuestServices], body: ByLink) -> "Created[OrderJoined]":
    """Join an order that was bought as a guest to the caller's account, by its link."""
    shop = call.shop
    call.ensure_account()
    joined = joining.join_order(shop.repository, shop.ids, call.caller(), body.link)
    answer: OrderJoined = {"order_id": str(joined.order_id), "version": joined.version}
    return created(answer, f"/orders/{joined.order_id}")


def _guest_behind(shop: GuestServices, link: str) -> tuple[UUID, UUID]:
    return joining.guest_behind(shop.repository, shop.ids, link)
