"""Answers a customer's questions about a cart."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, cast
from uuid import UUID

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.money import CurrencyMismatch, Money
from chalicelib.platform.readmodels.documents.document import Versioned
from chalicelib.platform.readmodels.documents.own import read_own, read_own_as_of
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.min_versions import NOTHING_NAMED, MinVersions
from chalicelib.shop.carts.events import CartEvent
from chalicelib.shop.carts.projections import fold_cart

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Amount
    from chalicelib.shop.carts.answers import Cart, CartItem

_CART = CartEvent.aggregate_type

CancelledAmong = Callable[[Collection[UUID]], Collection[UUID]]
"""Returns those of the concerts that are known to be cancelled."""


def _nothing_is_known(_: Collection[UUID]) -> Collection[UUID]:
    return ()


def get_cart(
    documents: DocumentProjection,
    store: EventStore,
    cart_id: UUID,
    customer_id: UUID,
    now: datetime,
    min_versions: MinVersions = NOTHING_NAMED,
    cancelled_among: CancelledAmong = _nothing_is_known,
) -> "Cart":
    """Return the cart as it is at `now`, at least as new as `min_versions` asks for.

    `cancelled_among` says which of its concerts are cancelled, as far as is known.
    Raises NotFound or Unavailable.
    """
    found = read_own(documents, store, fold_cart, _CART, cart_id, customer_id, min_versions)
    return _answer(found, now, cancelled_among)


def get_cart_as_of(store: EventStore, cart_id: UUID, customer_id: UUID, point: PointInTime) -> "Cart":
    """Return the cart as it was, from the log.

    Raises NotFound or Unavailable.
    """
    found, at = read_own_as_of(store, fold_cart, _CART, cart_id, customer_id, point)
    return _answer(found, at, _nothing_is_known)


def _answer(found: Versioned, now: datetime, cancelled_among: CancelledAmong) -> "Cart":
    """Build the answer. The items of a cart that is checked out belong to the order, so none of them is lost."""
    cart, version = found
    is_open = cart["status"] == "open"
    concerts = {item["concert_id"] for item in cart["items"].values()} - {None} if is_open else set()
    cancelled = {str(key) for key in cancelled_among({UUID(key) for key in concerts})} if concerts else set()
    items = [_shown(item, cancelled, is_lost=is_open and _has_ended(item, now)) for item in cart["items"].values()]
    live = [item for item in items if item["problem"] is None]
    return {
        "id": cart["id"],
        "status": cart["status"],
        "order_id": cart["order_id"],
        "items": items,
        "total": _total(live),
        "expires_at": min((at for item in live if (at := item["hold_expires_at"])), default=None) if is_open else None,
        "server_time": format_instant(now),
        "version": version,
    }


def _shown(item: JsonObject, cancelled: Collection[str], *, is_lost: bool) -> "CartItem":
    """Add why the item cannot be bought, as a checkout would say it; `expired` tells only of its hold."""
    problem = "cancelled" if item["concert_id"] in cancelled else "hold_expired" if is_lost else None
    return cast("CartItem", item | {"expired": is_lost, "problem": problem})


def _has_ended(item: JsonObject, now: datetime) -> bool:
    """Tell whether the item's hold has ended, as `Cart.live_lines` does: lines of the original have none."""
    deadline = item["hold_expires_at"]
    return deadline is None or now >= datetime.fromisoformat(deadline)


def _total(items: "list[CartItem]") -> "Amount | None":
    """Add up what the items cost; return None if there are none, or if their currencies differ."""
    total = None
    for item in items:
        price = Money.model_validate(item["total"])
        try:
            total = price if total is None else total.plus(price)
        except CurrencyMismatch:
            return None
    return None if total is None else {"amount": str(total.amount), "currency": total.currency}
