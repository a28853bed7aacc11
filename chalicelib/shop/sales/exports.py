"""Says which columns an exported list has, and flattens its items to them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalicelib.platform.http.csv_files import as_csv

Column = Callable[[Mapping[str, Any]], object]


def _of(*path: str) -> Column:
    """Return a column that is a member of the item, or a member of its member."""

    def read(item: Mapping[str, Any]) -> object:
        value: Any = item
        for name in path:
            value = None if value is None else value.get(name)
        return value

    return read


def _plain(*names: str) -> dict[str, Column]:
    return {name: _of(name) for name in names}


def _amounts(*names: str) -> dict[str, Column]:
    return {name: _of(name, "amount") for name in names}


_BUYER = {"name": _of("buyer", "name"), "email": _of("buyer", "email")}


def _tickets(item: Mapping[str, Any]) -> str:
    return "; ".join(f"{line['quantity']} {line['ticket_type_name']}" for line in item["lines"])


COLUMNS: Mapping[str, Mapping[str, Column]] = {
    "orders": {
        "order_id": _of("id"),
        **_plain("status", "placed_at", "confirmed_at"),
        **_BUYER,
        "tickets": _tickets,
        **_plain("quantity", "sold"),
        **_amounts("total", "taken", "refunded", "refunding", "charged_back", "kept"),
        "currency": _of("total", "currency"),
    },
    "attendees": {
        **_BUYER,
        **_plain("ticket_type_name", "concert_name", "status", "checked_in_at", "issued_at", "ticket_id", "order_id"),
    },
    "refunds": {
        "refund_id": _of("id"),
        **_plain("order_id", "concert_name", "status", "reason"),
        **_amounts("amount"),
        "currency": _of("amount", "currency"),
        **_plain("started_at", "completed_at"),
    },
    "days": {
        **_plain("date", "orders", "tickets"),
        **_amounts("sales", "refunded"),
        **_plain("currency", "time_zone", "hours"),
    },
    "opening": _plain("minute", "at", "orders", "ordered", "paid"),
}
"""The columns of each list's CSV by their names, in their order."""


def csv_of(name: str, items: Sequence[Mapping[str, Any]], *, is_first: bool, for_excel: bool) -> str:
    """Return a part of the list as CSV; only the first has a header."""
    columns = COLUMNS[name]
    rows = ([column(item) for column in columns.values()] for item in items)
    return as_csv(list(columns), rows, with_header=is_first, for_excel=for_excel)
