"""What a customer may ask about orders."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast
from uuid import UUID

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.platform.readmodels.documents.document import Versioned
from chalicelib.platform.readmodels.documents.own import list_own, read_own, read_own_as_of
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.min_versions import NOTHING_NAMED, MinVersions
from chalicelib.shop.orders.doors.code import TicketFacts
from chalicelib.shop.orders.events import OrderEvent
from chalicelib.shop.orders.names import named_as_today
from chalicelib.shop.orders.projections import fold_order
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus, status_at
from chalicelib.shop.orders.ticket import TicketStatus

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Amount
    from chalicelib.shop.orders.answers import (
        CodedTicket,
        HeldTicket,
        HeldTickets,
        Order,
        OrderBuyer,
        OrderSummary,
        OrderTickets,
        Ticket,
        TicketHolder,
    )

OpenSealed = Callable[[Sealed], dict[str, str] | None]
"""Opens an envelope; None once the person is erased. May raise Unavailable."""

WriteCode = Callable[[TicketFacts], str]
"""Signs what a code says. May raise Unavailable."""

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
    return _with_people(_answer(found, now), found, open_sealed)


def get_order_as_of(
    store: EventStore, order_id: UUID, customer_id: UUID, point: PointInTime, open_sealed: OpenSealed
) -> "Order":
    """Return the order as it was, from the log; `buyer` is null once the person is erased.

    Raises:
        NotFound
        Unavailable
    """
    found, at = read_own_as_of(store, fold_order, _ORDER, order_id, customer_id, point)
    return _with_people(_answer(found, at), found, open_sealed)


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
    write_code: WriteCode,
    open_sealed: OpenSealed,
    min_versions: MinVersions = NOTHING_NAMED,
    only: UUID | None = None,
) -> "OrderTickets":
    """Return the tickets of one order, or `only` one: with holders, and the codes of those that admit.

    There are none before the order is confirmed.

    Raises:
        NotFound
        Unavailable
    """
    [found] = named_as_today(documents, [_read_own(documents, store, order_id, customer_id, min_versions)])
    return _coded_tickets(found, write_code, open_sealed, only)


def get_held_tickets(
    documents: DocumentProjection,
    store: EventStore,
    order_id: UUID,
    customer_id: UUID,
    write_code: WriteCode,
    open_sealed: OpenSealed,
    min_versions: MinVersions = NOTHING_NAMED,
    only: UUID | None = None,
) -> "HeldTickets":
    """Return the tickets of one order, or `only` one, as `get_tickets` does, each with its price and who comes with it.

    That is the buyer, until a ticket is moved to another person; None once the person is erased.

    Raises:
        NotFound
        Unavailable
    """
    [found] = named_as_today(documents, [_read_own(documents, store, order_id, customer_id, min_versions)])
    return _held_tickets(found, write_code, open_sealed, only)


def held_tickets_in_log(
    store: EventStore, order_id: UUID, write_code: WriteCode, open_sealed: OpenSealed
) -> "HeldTickets":
    """Return what `get_held_tickets` does from the log, for who may see all of it, under the names of the purchase.

    Raises NotFound or Unavailable.
    """
    document, events = None, [recorded(stored) for stored in store.read(order_id)]
    for event in events:
        document = fold_order(document, event)
    if document is None:
        raise NotFound("There is no such order.")
    return _held_tickets(Versioned(document, events[-1].version), write_code, open_sealed, None)


def _held_tickets(found: Versioned, write_code: WriteCode, open_sealed: OpenSealed, only: UUID | None) -> "HeldTickets":
    coded = _coded_tickets(found, write_code, open_sealed, only)
    buyer, prices = _buyer(found.document, open_sealed), _prices(found.document)
    items: list[HeldTicket] = [
        {**ticket, "holder": ticket.get("holder", buyer), "price": prices.get(ticket["ticket_type_id"])}
        for ticket in coded["items"]
    ]
    return {"order_id": coded["order_id"], "items": items, "version": coded["version"]}


def _prices(order: JsonObject) -> "dict[str, Amount]":
    """Return what a ticket of each type cost, but of types that were bought at several prices."""
    bought: dict[str, list[Amount]] = {}
    for line in order["lines"]:
        bought.setdefault(line["ticket_type_id"], []).append(line["unit_price"])
    return {key: prices[0] for key, prices in bought.items() if all(price == prices[0] for price in prices)}


def _coded_tickets(
    found: Versioned, write_code: WriteCode, open_sealed: OpenSealed, only: UUID | None
) -> "OrderTickets":
    order, version = found
    wanted = [ticket for ticket in _tickets(order) if only is None or ticket["id"] == str(only)]
    tickets = _with_holders(wanted, order, open_sealed)
    items = [_coded(ticket, _code(order, ticket, write_code)) for ticket in tickets]
    return {"order_id": order["id"], "items": items, "version": version}


def get_concert_of(
    documents: DocumentProjection,
    store: EventStore,
    order_id: UUID,
    ticket_id: UUID,
    customer_id: UUID,
    min_versions: MinVersions = NOTHING_NAMED,
) -> UUID | None:
    """Return the concert of a ticket of the customer's order; None for one of no concert.

    Raises NotFound or Unavailable.
    """
    order, _ = _read_own(documents, store, order_id, customer_id, min_versions)
    found = next((ticket for ticket in order["tickets"] if ticket["id"] == str(ticket_id)), None)
    if found is None:
        raise NotFound("The order has no such ticket.")
    return None if found["concert_id"] is None else UUID(found["concert_id"])


def _coded(ticket: "Ticket", code: str | None) -> "CodedTicket":
    return {**ticket, "code": code}


def _code(order: JsonObject, ticket: "Ticket", write_code: WriteCode) -> str | None:
    """Return the code of a ticket; None for one that admits nobody."""
    if ticket["status"] != TicketStatus.VALID or ticket["concert_id"] is None:
        return None
    serial = next(known.get("serial", 0) for known in order["tickets"] if known["id"] == ticket["id"])
    ids = (ticket["concert_id"], order["id"], ticket["id"], ticket["ticket_type_id"])
    concert_id, order_id, ticket_id, ticket_type_id = map(UUID, ids)
    return write_code(TicketFacts(concert_id, order_id, ticket_id, ticket_type_id, serial))


def _read_own(
    documents: DocumentProjection, store: EventStore, order_id: UUID, customer_id: UUID, min_versions: MinVersions
) -> Versioned:
    return read_own(documents, store, fold_order, _ORDER, order_id, customer_id, min_versions)


def _with_people(summary: "OrderSummary", found: Versioned, open_sealed: OpenSealed) -> "Order":
    """Add the buyer, and the holders of the tickets that were moved to another person."""
    tickets = _with_holders(summary["tickets"], found.document, open_sealed)
    return {**summary, "tickets": tickets, "buyer": _buyer(found.document, open_sealed)}


def _buyer(order: JsonObject, open_sealed: OpenSealed) -> "OrderBuyer | None":
    buyer = order["buyer"]
    return None if buyer is None else cast("OrderBuyer | None", open_sealed(Sealed.model_validate(buyer)))


def _with_holders(tickets: "Sequence[Ticket]", order: JsonObject, open_sealed: OpenSealed) -> "list[Ticket]":
    sealed = {ticket["id"]: ticket["holder"] for ticket in order["tickets"] if "holder" in ticket}
    opened = {
        ticket["id"]: cast("TicketHolder | None", open_sealed(Sealed.model_validate(sealed[ticket["id"]])))
        for ticket in tickets
        if ticket["id"] in sealed
    }
    return [{**ticket, "holder": opened[ticket["id"]]} if ticket["id"] in opened else ticket for ticket in tickets]


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
        "moves": list(order.get("moves", {}).values()),
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
    return [cast("Ticket", {member: ticket[member] for member in members} | _successor(ticket)) for ticket in tickets]


def _successor(ticket: JsonObject) -> JsonObject:
    """Name the ticket that replaced one that was moved."""
    return {"replaced_by": ticket["replaced_by"]} if "replaced_by" in ticket else {}


def _status(order: JsonObject, now: datetime) -> OrderStatus | None:
    status, due = order["status"], order["payment_due_at"]
    is_open = any(PaymentStatus(payment["status"]).is_open for payment in order["payments"].values())
    return status_at(
        None if status is None else OrderStatus(status),
        None if due is None else datetime.fromisoformat(due),
        is_open,
        now,
    )
