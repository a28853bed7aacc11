"""Says what can be bought of a concert at an instant, and of each ticket type why nothing can."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant

CANCELLED, POSTPONED, CLOSED, STARTS = "cancelled", "postponed", "closed", "starts"
"""The members of `sales` that are no ticket type: that the concert is cancelled or postponed, that its organiser has
closed the sales, and when it starts."""


class SaleReason(StrEnum):
    """Says why nothing of a ticket type can be bought."""

    CANCELLED = "cancelled"
    POSTPONED = "postponed"
    SALES_CLOSED = "sales_closed"
    SALE_ENDED = "sale_ended"
    SALE_NOT_OPEN = "sale_not_open"
    SOLD_OUT = "sold_out"


def window(start: int | None, end: int | None) -> str:
    """Write a sales window, in milliseconds since 1970, as `sales` has it."""
    return " ".join("-" if instant is None else str(instant) for instant in (start, end))


def what_can_be_bought(ticket_types: Iterable[JsonObject], sales: Mapping[str, str], now: datetime) -> list[JsonObject]:
    """Add a `reason` to each ticket type, and let nothing be available where there is one.

    `sales` has the window of each ticket type by its id, and what concerns the whole concert; of what is
    not in it nothing is known, so the stock decides alone. Without any capacity the pools are not open yet.
    """
    return [_with_reason(row, sales, now) for row in ticket_types]


def _with_reason(row: JsonObject, sales: Mapping[str, str], now: datetime) -> JsonObject:
    start, end = map(_instant, sales.get(row["id"], "- -").split())
    end = end or _instant(sales.get(STARTS, "-"))
    if CANCELLED in sales or POSTPONED in sales:
        return _of_closed(row) | {"reason": SaleReason.CANCELLED if CANCELLED in sales else SaleReason.POSTPONED}
    if end is not None and now >= end:
        return row | {"available": 0, "reason": SaleReason.SALE_ENDED, "ended_at": format_instant(end)}
    if CLOSED in sales:
        return _of_closed(row) | {"reason": SaleReason.SALES_CLOSED}
    if start is not None and now < start:
        return row | {"available": 0, "reason": SaleReason.SALE_NOT_OPEN, "opens_at": format_instant(start)}
    if row["capacity"] == 0:
        return row | {"reason": SaleReason.SALE_NOT_OPEN}
    return row | {"reason": None if row["available"] else SaleReason.SOLD_OUT}


def _of_closed(row: JsonObject) -> JsonObject:
    """Let nothing be available of the type, nor of the area from which it draws: the whole concert is not on sale."""
    area = {"area": row["area"] | {"available": 0}} if "area" in row else {}
    return row | area | {"available": 0}


def _instant(text: str) -> datetime | None:
    return None if text == "-" else datetime.fromtimestamp(int(text) / 1000, UTC)
