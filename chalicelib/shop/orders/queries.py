"""What a customer may ask about orders."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast
from uuid import UUID

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.platform.readmodels.documents.document import Versioned
from chalicelib.platform.readmodels.documents.own import list_own, read_own, read_own_as_of
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.min_versions import NOTHING_NAMED, MinVersions
from chalicelib.shop.orders.events import OrderEvent
from chalicelib.shop.orders.names import named_as_today
from chalicelib.shop.orders.projections import fold_order
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus, status_at

if TYPE_CHECKING:
    from chalicelib.shop.orders.answers import Order, OrderBuyer, OrderSummary, OrderTickets, Ticket

OpenSealed = Callable[[Sealed], dict[str, str] | None]
"""Opens an envelope; None once the person is erased. May raise Unavailable."""

_ORDER = OrderEvent.aggregate_type


def get_order(
    documents: DocumentProjection,
    store: EventStore,
    order_id: UUID,
    customer_id: UUID,
    now: datetime,
    open_sealed: OpenSealed,
    min_versions: MinVersions = NOTHING_NAMED,
) -> "Order":
    """Return the order as it is at `now`, as new as the reader wants it; `buyer` is null once the person is erased.

    Raises:
        NotFound
        Unavailable
    """
    [found] = named_as_today(documents, [_read_own(documents, store, order_id, customer_id, min_versions)])
    return {**_answer(found, now), "buyer": _buyer(found, open_sealed)}


def get_order_as_of(
    store: EventStore, order_id: UUID, customer_id: UUID, point: PointInTime, open_sealed: OpenSealed
) -> "Order":
    """Return the order as it was, from the log; `buyer` is null once the person is erased.

    Raises:
        NotFound
        Unavailable
    """
    found, at = read_own_as_of(store, fold_order, _ORDER, order_id, customer_id, point)
    return {**_answer(found, at), "buyer": _buyer(found, open_sealed)}


def list_orders(
    documents: DocumentProjection,
    store: EventStore,
    customer_id: UUID,
    limit: int,
    after: Sequence[str] | None,
    now: datetime,
    min_versions: MinVersions = NOTHING_NAMED,
) -> tuple[list["OrderSummary"], list[str] | None]:
    """Return a page of the customer's orders, newest first and without the buyer, and the key to go on after.

    Raises:
        InvalidInput
        Unavailable
    """
    found, next_key = list_own(documents, store, fold_order, _ORDER, customer_id, limit, after, min_versions)
    return [_answer(order, now) for order in named_as_today(documents, found)], next_key


def get_tickets(
    documents: DocumentProjection,
    store: EventStore,
    order_id: UUID,
    customer_id: UUID,
    min_versions: MinVersions = NOTHING_NAMED,
) -> "OrderTickets":
    """Return the tickets of one order: none before it is confirmed.

    Raises:
        NotFound
        Unavailable
    """
    [found] = named_as_today(documents, [_read_own(documents, store, order_id, customer_id, min_versions)])
    return {"order_id": found.document["id"], "items": _tickets(found.document), "version": found.version}


def _read_own(
    documents: DocumentProjection, store: EventStore, order_id: UUID, customer_id: UUID, min_versions: MinVersions
) -> Versioned:
    return read_own(documents, store, fold_order, _ORDER, order_id, customer_id, min_versions)


def _buyer(found: Versioned, open_sealed: OpenSealed) -> "OrderBuyer | None":
    sealed = found.document["buyer"]
    return None if sealed is None else cast("OrderBuyer | None", open_sealed(Sealed.model_validate(sealed)))


def _answer(found: Versioned, now: datetime) -> "OrderSummary":
    order, version = found
    return {
        "id": order["id"],
        "cart_id": order["cart_id"],
        "lines": order["lines"],
        "total": order["total"],
        "placed_at": order["placed_at"],
        "payment_due_at": order["payment_due_at"],
        "status": _status(order, now),
        "payments": list(order["payments"].values()),
        "refunds": list(order["refunds"].values()),
        "disputes": list(order.get("disputes", {}).values()),
        "tickets": _tickets(order),
        "version": version,
    }


def _tickets(order: JsonObject) -> "list[Ticket]":
    """Return the tickets with the names of their lines."""
    names = {
        line["ticket_type_id"]: {name: line[name] for name in ("ticket_type_name", "concert_name")}
        for line in order["lines"]
    }
    members = ("id", "ticket_type_id", "ticket_type_name", "concert_id", "concert_name", "status")
    tickets = [ticket | names[ticket["ticket_type_id"]] for ticket in order["tickets"]]
    return [cast("Ticket", {member: ticket[member] for member in members}) for ticket in tickets]


def _status(order: JsonObject, now: datetime) -> OrderStatus | None:
    status, due = order["status"], order["payment_due_at"]
    is_open = any(PaymentStatus(payment["status"]).is_open for payment in order["payments"].values())
    return status_at(
        None if status is None else OrderStatus(status),
        None if due is None else datetime.fromisoformat(due),
        is_open,
        now,
    )
