"""What a customer may ask about orders."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from chalicelib.delivery.documents import DocumentProjection, Versioned, owner_key, read_own
from chalicelib.eventsourcing.event import JsonObject
from chalicelib.eventsourcing.store import EventStore
from chalicelib.orders.events import OrderEvent
from chalicelib.orders.order import OrderStatus, PaymentStatus, status_at
from chalicelib.orders.projections import fold_order
from chalicelib.privacy.sealed import Sealed

OpenSealed = Callable[[Sealed], dict[str, str] | None]
"""Opens an envelope; None once the person is erased. May raise Unavailable."""

_COPIED = ("id", "cart_id", "lines", "total", "placed_at", "payment_due_at", "tickets")


def get_order(
    documents: DocumentProjection,
    store: EventStore,
    order_id: UUID,
    customer_id: UUID,
    now: datetime,
    open_sealed: OpenSealed,
    min_version: int | None = None,
) -> JsonObject:
    """The order as it is at `now`, from version `min_version` on; `buyer` is null once the person is erased.

    Raises NotFound or Unavailable.
    """
    found = _read_own(documents, store, order_id, customer_id, min_version)
    sealed = found.document["buyer"]
    buyer = None if sealed is None else open_sealed(Sealed.model_validate(sealed))
    return _answer(found, now) | {"buyer": buyer}


def list_orders(
    documents: DocumentProjection, customer_id: UUID, limit: int, after: Sequence[str] | None, now: datetime
) -> tuple[list[JsonObject], list[str] | None]:
    """One page of the customer's orders, newest first and without the buyer, and the key to go on after.

    Raises InvalidInput or Unavailable.
    """
    found, next_key = documents.list_of(owner_key(OrderEvent.aggregate_type, customer_id), limit, after)
    return [_answer(order, now) for order in found], next_key


def get_tickets(
    documents: DocumentProjection,
    store: EventStore,
    order_id: UUID,
    customer_id: UUID,
    min_version: int | None = None,
) -> JsonObject:
    """The tickets of one order: none before it is confirmed. Raises NotFound or Unavailable."""
    order, version = _read_own(documents, store, order_id, customer_id, min_version)
    return {"order_id": order["id"], "items": _tickets(order), "version": version}


def _read_own(
    documents: DocumentProjection, store: EventStore, order_id: UUID, customer_id: UUID, min_version: int | None
) -> Versioned:
    return read_own(documents, store, fold_order, OrderEvent.aggregate_type, order_id, customer_id, min_version)


def _answer(found: Versioned, now: datetime) -> JsonObject:
    order, version = found
    return {
        **{name: order[name] for name in _COPIED},
        "status": _status(order, now),
        "payments": list(order["payments"].values()),
        "refunds": list(order["refunds"].values()),
        "tickets": _tickets(order),
        "version": version,
    }


def _tickets(order: JsonObject) -> list[JsonObject]:
    """The tickets with the names of their lines."""
    names = {
        line["ticket_type_id"]: {name: line[name] for name in ("ticket_type_name", "concert_name")}
        for line in order["lines"]
    }
    members = ("id", "ticket_type_id", "ticket_type_name", "concert_id", "concert_name", "status")
    tickets = [ticket | names[ticket["ticket_type_id"]] for ticket in order["tickets"]]
    return [{member: ticket[member] for member in members} for ticket in tickets]


def _status(order: JsonObject, now: datetime) -> OrderStatus | None:
    status, due = order["status"], order["payment_due_at"]
    is_open = any(payment["status"] == PaymentStatus.STARTED for payment in order["payments"].values())
    return status_at(
        None if status is None else OrderStatus(status),
        None if due is None else datetime.fromisoformat(due),
        is_open,
        now,
    )
