"""Defines what the routes of the carts answer."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Amount, Count, Id, Instant, Version


class ItemAdded(TypedDict):
    """Names the line, whose tickets are held until `hold_expires_at`."""

    item_id: Id
    hold_expires_at: Instant
    version: Version


class ExtendedHold(TypedDict):
    item_id: Id
    hold_expires_at: Instant


class HoldsExtended(TypedDict):
    """Lists the lines that are held longer now."""

    items: list[ExtendedHold]
    version: Version


class CartItem(TypedDict):
    """A line of a cart; `problem` says why it cannot be bought, and `expired` tells only of its hold."""

    id: Id
    ticket_type_id: Id
    ticket_type_name: str
    concert_id: Id | None
    concert_name: str
    quantity: Count
    unit_price: Amount
    total: Amount
    hold_expires_at: Instant | None
    expired: bool
    problem: Literal["cancelled", "hold_expired"] | None


class Cart(TypedDict):
    """A cart as its customer sees it at `server_time`; `total` and `expires_at` leave out what cannot be bought."""

    id: Id
    status: Literal["open", "checked_out", "replaced"]
    order_id: Id | None
    items: list[CartItem]
    total: Amount | None
    expires_at: Instant | None
    server_time: Instant
    version: Version


class CheckedOut(TypedDict):
    """Names the order, which is confirmed at once if there is nothing to pay; a guest gets its `link` too."""

    order_id: Id
    status: str
    total: Amount
    payment_due_at: Instant
    version: Version
    link: NotRequired[str]
    link_expires_at: NotRequired[Instant]


class LostLine(TypedDict):
    """A line that cannot be bought, and why."""

    item_id: Id
    concert_id: Id | None
    concert_name: str
    ticket_type_name: str
    reason: Literal["cancelled", "hold_expired"]
