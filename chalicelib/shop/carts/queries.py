"""Answers a customer's questions about a cart."""

from datetime import datetime
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

_CART = CartEvent.aggregate_type


def get_cart(
    documents: DocumentProjection,
    store: EventStore,
    cart_id: UUID,
    customer_id: UUID,
    now: datetime,
    min_versions: MinVersions = NOTHING_NAMED,
) -> JsonObject:
    """Return the cart as it is at `now`, at least as new as `min_versions` asks for.

    Raises NotFound or Unavailable.
    """
    return _answer(read_own(documents, store, fold_cart, _CART, cart_id, customer_id, min_versions), now)


def get_cart_as_of(store: EventStore, cart_id: UUID, customer_id: UUID, point: PointInTime) -> JsonObject:
    """Return the cart as it was, from the log.

    Raises NotFound or Unavailable.
    """
    return _answer(*read_own_as_of(store, fold_cart, _CART, cart_id, customer_id, point))


def _answer(found: Versioned, now: datetime) -> JsonObject:
    """Build the answer. The items of a cart that is checked out belong to the order, so none of them expires."""
    cart, version = found
    is_open = cart["status"] == "open"
    items = [item | {"expired": is_open and _has_ended(item, now)} for item in cart["items"].values()]
    live = [item for item in items if not item["expired"]]
    return {
        "id": cart["id"],
        "status": cart["status"],
        "order_id": cart["order_id"],
        "items": items,
        "total": _total(live),
        "expires_at": min((item["hold_expires_at"] for item in live), default=None) if is_open else None,
        "server_time": format_instant(now),
        "version": version,
    }


def _has_ended(item: JsonObject, now: datetime) -> bool:
    """Tell whether the item's hold has ended, as `Cart.live_lines` does: lines of the original have none."""
    deadline = item["hold_expires_at"]
    return deadline is None or now >= datetime.fromisoformat(deadline)


def _total(items: list[JsonObject]) -> JsonObject | None:
    """Add up what the items cost; return None if there are none, or if their currencies differ."""
    total = None
    for item in items:
        price = Money.model_validate(item["total"])
        try:
            total = price if total is None else total.plus(price)
        except CurrencyMismatch:
            return None
    return None if total is None else total.model_dump(mode="json")
