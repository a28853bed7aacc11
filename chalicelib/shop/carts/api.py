"""Declares the routes of the carts."""

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Protocol
from uuid import UUID

from pydantic import Field

from chalicelib.platform.caller import Caller, Role
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.amounts import amount_of
from chalicelib.platform.http.answers import Created, NoContent, Tagged, created, no_content, ok
from chalicelib.platform.http.emails import EmailAddress
from chalicelib.platform.http.languages import Language, preferred_language
from chalicelib.platform.http.points_in_time import PointInTimeQuery
from chalicelib.platform.http.requests import WHOLE, Body, Line
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.carts import commands, opening, queries
from chalicelib.shop.carts.limits import CartLimits, GuestHolds

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Made
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection
    from chalicelib.shop.carts.answers import Cart, CheckedOut, HoldsExtended, ItemAdded


class CartSettings(Protocol):
    """The settings that say how long tickets are held in a cart, and for an unpaid order, and how many at once."""

    @property
    def hold_for(self) -> timedelta: ...

    @property
    def pay_within(self) -> timedelta: ...

    @property
    def cool_down(self) -> timedelta: ...

    @property
    def open_carts(self) -> int: ...

    @property
    def held_per_concert(self) -> int: ...

    @property
    def unpaid_orders(self) -> int: ...

    @property
    def cart_burst(self) -> int: ...


class CartServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def documents(self) -> "DocumentProjection": ...

    @property
    def vault(self) -> "PersonVault": ...

    @property
    def guest_limit(self) -> GuestHolds: ...

    def cancelled_among(self, concert_ids: Collection[UUID]) -> Collection[UUID]: ...

    @property
    def settings(self) -> CartSettings: ...


routes: Routes[CartServices] = Routes(__name__)


class NewItem(Body):
    ticket_type_id: UUID
    quantity: Annotated[int, Field(ge=1, le=1000), WHOLE]


class Buyer(Body, defer_build=False):
    name: Line
    email: EmailAddress


class Checkout(Body):
    """Without a `language`, mails are written in the one that `Accept-Language` prefers."""

    buyer: Buyer
    language: Annotated[Language | None, Field(exclude_if=lambda value: value is None)] = None


@routes.post("/carts", Role.CUSTOMER, refuses=("cart_replaced", "too_many_changes"))
def create_cart(call: Call[CartServices]) -> "Created[Made] | Tagged[Made]":
    """Open a cart; a customer who has an open one already is answered with that, and 200."""
    opened = opening.open_cart(call.shop.repository, call.caller(), _limits(call.shop))
    answer: Made = {"id": str(opened.cart_id), "version": opened.version}
    return created(answer, f"/carts/{opened.cart_id}") if opened.is_new else ok(answer, opened.version)


@routes.get("/carts/{cart_id}", Role.CUSTOMER)
def get_cart(call: Call[CartServices], query: PointInTimeQuery) -> "Tagged[Cart]":
    """Show a cart to its customer, as it is now or as it was."""
    shop, cart_id = call.shop, call.id("cart_id")
    log, now = call.metered(shop.event_store), shop.clock()
    point = query.point(now)
    if point is None:
        cart = queries.get_cart(
            shop.documents, log, cart_id, call.actor.id, now, call.min_versions, shop.cancelled_among
        )
    else:
        cart = queries.get_cart_as_of(log, cart_id, call.actor.id, point)
    return ok(cart, cart["version"])


@routes.post(
    "/carts/{cart_id}/items",
    Role.CUSTOMER,
    refuses=(
        "cart_checked_out",
        "cart_full",
        "cart_replaced",
        "cooling_down",
        "currency_mismatch",
        "customer_limit_exceeded",
        "held_limit_exceeded",
        "not_on_sale",
        "order_limit_exceeded",
        "sold_out",
        "too_many_changes",
        "too_many_guests",
        "too_many_unpaid_orders",
    ),
)
def add_item(call: Call[CartServices], body: NewItem) -> "Created[ItemAdded]":
    """Put tickets into a cart, and hold them for its customer."""
    shop, cart_id, caller = call.shop, call.id("cart_id"), call.caller()
    with _counted(call, caller, cart_id, body):
        added = commands.add_item(
            shop.repository,
            caller,
            cart_id,
            body.ticket_type_id,
            body.quantity,
            shop.settings.hold_for,
            _limits(shop),
        )
    answer: ItemAdded = {
        "item_id": str(added.item_id),
        "hold_expires_at": format_instant(added.hold_expires_at),
        "version": added.version,
    }
    return created(answer, f"/carts/{cart_id}")


@routes.post(
    "/carts/{cart_id}/hold-extensions",
    Role.CUSTOMER,
    refuses=(
        "cart_checked_out",
        "cart_empty",
        "cart_replaced",
        "cooling_down",
        "extension_limit_reached",
        "held_limit_exceeded",
        "hold_expired",
        "not_on_sale",
        "too_many_changes",
    ),
)
def extend_holds(call: Call[CartServices]) -> "Created[HoldsExtended] | Tagged[HoldsExtended]":
    """Hold the tickets of a cart for longer; if that gains nothing, nothing is written, and the answer is 200."""
    shop, cart_id = call.shop, call.id("cart_id")
    extended = commands.extend_holds(shop.repository, call.caller(), cart_id, shop.settings.hold_for, _limits(shop))
    answer: HoldsExtended = {
        "items": [
            {"item_id": str(line.item_id), "hold_expires_at": format_instant(line.expires_at)}
            for line in extended.lines
        ],
        "version": extended.version,
    }
    return created(answer, f"/carts/{cart_id}") if extended.changed else ok(answer, extended.version)


@routes.delete(
    "/carts/{cart_id}/items/{item_id}", Role.CUSTOMER, if_match=True, refuses=("cart_checked_out", "cart_replaced")
)
def remove_item(call: Call[CartServices]) -> NoContent:
    """Take a line out of a cart, and give its tickets back."""
    cart_id, item_id = call.id("cart_id"), call.id("item_id")
    return no_content(commands.remove_item(call.shop.repository, call.caller(), cart_id, item_id))


@routes.post(
    "/carts/{cart_id}/checkout",
    Role.CUSTOMER,
    refuses=(
        "account_erased",
        "cart_checked_out",
        "cart_empty",
        "cart_replaced",
        "customer_limit_exceeded",
        "held_limit_exceeded",
        "hold_expired",
        "not_on_sale",
        "too_many_unpaid_orders",
    ),
)
def check_out(call: Call[CartServices], body: Checkout) -> "Created[CheckedOut]":
    """Place an order for everything in a cart, and hold its tickets until it is to be paid."""
    shop, cart_id = call.shop, call.id("cart_id")
    placed = commands.check_out(
        shop.repository,
        shop.vault,
        call.caller(),
        cart_id,
        body.buyer.model_dump(),
        shop.settings.pay_within,
        _limits(shop),
        body.language or preferred_language(call.headers.get("accept-language", "")),
    )
    answer: CheckedOut = {
        "order_id": str(placed.order_id),
        "status": placed.status,
        "total": amount_of(placed.total),
        "payment_due_at": format_instant(placed.payment_due_at),
        "version": placed.version,
    }
    if placed.link is not None:
        answer["link"] = placed.link.text
        answer["link_expires_at"] = format_instant(placed.link.expires_at)
    return created(answer, f"/orders/{placed.order_id}")


def _counted(call: Call[CartServices], caller: Caller, cart_id: UUID, item: NewItem) -> AbstractContextManager[None]:
    """Count what a guest takes; customers with accounts are counted by these alone."""
    if not caller.actor.is_guest:
        return nullcontext()
    is_known = partial(commands.was_added, call.shop.repository, caller, cart_id)
    return call.shop.guest_limit.holding(call.address, item.ticket_type_id, item.quantity, is_known)


def _limits(shop: CartServices) -> CartLimits:
    settings = shop.settings
    return CartLimits(
        settings.open_carts,
        settings.held_per_concert,
        settings.unpaid_orders,
        settings.cool_down,
        settings.cart_burst,
    )
