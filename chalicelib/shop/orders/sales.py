"""Projects orders into the sales, which organisers see; what happens at doors is in `doors/sales.py`.

An order's rows are made of its document and so follow the rules of the aggregate, whatever events there are (ADR 52).
The part of each concert is apart, because one order may be about concerts of several organisers.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import as_utc
from chalicelib.platform.readmodels.port import Contents
from chalicelib.platform.readmodels.postgres.tables import Folding
from chalicelib.shop.orders.doors.sales import TICKETS
from chalicelib.shop.orders.events import OrderEvent, TicketEvent
from chalicelib.shop.orders.projections import fold_order
from chalicelib.shop.orders.refund import RefundStatus
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from chalicelib.shop.orders.shares import Shares, amount_in, moved_in, shares_of
from chalicelib.shop.orders.ticket import TicketStatus

TABLES = ("sales_orders", "sales_parts", "sales_lines", "sales_tickets", "sales_refunds", "sales_moves")

Row = dict[str, Any]


def fold_sale(contents: Contents, recorded: RecordedEvent) -> Contents:
    """Return the rows of the order with the event in them."""
    known: Row = contents.get("sales_orders", {}).get(str(recorded.stream_id), {})
    order = fold_order(json.loads(known["document"]) if known else None, recorded)
    at = as_utc(getattr(recorded.event, "at", recorded.created))
    sale = _sale(recorded, order, known, at)
    shares = shares_of(order)
    lines = list(_lines(order))
    tables = {
        "sales_orders": [sale],
        "sales_parts": list(_parts(sale, lines, shares)),
        "sales_lines": lines,
        "sales_tickets": list(_tickets(sale, order)),
        "sales_refunds": list(_refunds(order, shares, contents.get("sales_refunds", {}), at)),
        "sales_moves": list(_moves(order, shares)),
    }
    return {
        table: {str(row["id"]): _without_nulls(row | _key(table, sale)) for row in rows}
        for table, rows in tables.items()
        if rows
    }


def _sale(recorded: RecordedEvent, order: JsonObject, known: Row, at: datetime) -> Row:
    is_open = any(PaymentStatus(payment["status"]).is_open for payment in order["payments"].values())
    is_sold = order["status"] == OrderStatus.CONFIRMED
    return {
        "id": recorded.stream_id,
        "version": recorded.version,
        "status": order["status"],
        "customer_id": _id(order["customer_id"]),
        "placed_at": _instant(order["placed_at"]),
        "confirmed_at": known.get("confirmed_at") or (at if is_sold else None),
        "payment_due_at": _instant(order["payment_due_at"]),
        "has_open_payment": is_open,
        "buyer": None if order["buyer"] is None else _json(order["buyer"]),
        "document": _json(order),
    }


def _parts(sale: Row, lines: Sequence[Row], shares: Mapping[UUID, Shares]) -> Iterator[Row]:
    """Give what of the order each concert has; an order that was never placed has none of any."""
    if sale["placed_at"] is None:
        return
    for concert_id, share in shares.items():
        own = [line for line in lines if line["concert_id"] == concert_id]
        tickets = {name: sum(line[name] for line in own) for name in ("quantity", "sold")}
        yield {"id": concert_id, "placed_at": sale["placed_at"], **tickets, **share.as_columns()}


def _lines(order: JsonObject) -> Iterator[Row]:
    """Give a row for each ticket type, however many lines have it. Tickets that were moved away are not counted."""
    rows: dict[str, Row] = {}
    for line, tickets in _with_tickets(order):
        new = {
            "id": UUID(line["ticket_type_id"]),
            "concert_id": _id(line["concert_id"]),
            "name": line["ticket_type_name"].replace("\0", ""),
            "quantity": 0,
            "amount": 0,
            "currency": line["total"]["currency"],
            "sold": 0,
            "value": 0,
        }
        row, price = rows.setdefault(line["ticket_type_id"], new), amount_in(line["unit_price"])
        quantity, sold = line["quantity"] - sum("replaced_by" in one for one in tickets), sum(map(_is_valid, tickets))
        for name, count in (("quantity", quantity), ("sold", sold)):
            row[name] += count
        row["amount"] += price * quantity
        row["value"] += price * sold
    yield from (row for row in rows.values() if row["quantity"] or "moves" not in order)


def _with_tickets(order: JsonObject) -> Iterator[tuple[JsonObject, list[JsonObject]]]:
    """Give each line with its tickets: they were issued in the order of the lines."""
    tickets = iter(order["tickets"])
    for line in order["lines"]:
        yield line, list(islice(tickets, max(0, line["quantity"])))


def _tickets(sale: Row, order: JsonObject) -> Iterator[Row]:
    names = {line["ticket_type_id"]: line["ticket_type_name"] for line in order["lines"]}
    for ticket in order["tickets"]:
        yield {
            "id": UUID(ticket["id"]),
            "concert_id": _id(ticket["concert_id"]),
            "ticket_type_id": UUID(ticket["ticket_type_id"]),
            "name": names.get(ticket["ticket_type_id"], "").replace("\0", ""),
            "status": ticket["status"],
            "serial": ticket.get("serial"),
            "issued_at": _instant(ticket.get("issued_at")) or sale["confirmed_at"],
            "holder": _json(ticket["holder"]) if "holder" in ticket else None,
        }


def _moves(order: JsonObject, shares: Mapping[UUID, Shares]) -> Iterator[Row]:
    """Give a row for what each move took from a concert, and one for what it brought to one."""
    for move in moved_in(order):
        carried, supplement, count = amount_in(move["carried"]), amount_in(move["supplement"]), len(move["ticket_ids"])
        for concert_id, sign in ((_id(move["concert_id"]), -1), (_id(move["to_concert_id"]), 1)):
            if concert_id is not None and concert_id in shares:
                yield {
                    "id": f"{move['id']}/{'from' if sign < 0 else 'to'}",
                    "concert_id": concert_id,
                    "at": _instant(move["at"]),
                    "quantity": sign * count,
                    "amount": carried + supplement if sign > 0 else -carried,
                    "currency": shares[concert_id].currency,
                }


def _refunds(order: JsonObject, shares: Mapping[UUID, Shares], known: Mapping[str, Row], at: datetime) -> Iterator[Row]:
    """Give a row for each concert whose money a refund gives back."""
    for concert_id, share in shares.items():
        for refund_id, amount in share.by_refund.items():
            refund, key = order["refunds"][refund_id], f"{refund_id}/{concert_id}"
            before = known.get(key, {})
            is_done = refund["status"] in {RefundStatus.COMPLETED, RefundStatus.SETTLED}
            yield {
                "id": key,
                "refund_id": UUID(refund_id),
                "concert_id": concert_id,
                "amount": amount,
                "currency": share.currency,
                "reason": refund["reason"].replace("\0", ""),
                "status": refund["status"],
                "started_at": before.get("started_at", at),
                "completed_at": before.get("completed_at", at) if is_done else None,
            }


def _is_valid(ticket: JsonObject) -> bool:
    return bool(ticket["status"] == TicketStatus.VALID)


def _key(table: str, sale: Row) -> Row:
    return {} if table == "sales_orders" else {"order_id": sale["id"]}


def _without_nulls(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}


def _json(value: JsonObject) -> str:
    return json.dumps(value, separators=(",", ":"))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


PROJECTORS = {OrderEvent.aggregate_type: Folding(fold_sale, TABLES), TicketEvent.aggregate_type: TICKETS}
