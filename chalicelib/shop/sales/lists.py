"""Lists orders, attendees and refunds: of one concert or of all of an organiser's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import UUID

from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.paging import bad_cursor
from chalicelib.platform.money import Money
from chalicelib.shop.sales import statements
from chalicelib.shop.sales.people import SEARCHED, OpenAll, Row, buyers_of, is_found, words_of
from chalicelib.shop.sales.scope import Scope

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Amount
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.sales.answers import Attendee, SoldLine, SoldOrder, SoldRefund, SoldTo

LAST_ID = UUID(int=2**128 - 1)
FIRST_ID = UUID(int=0)
AFTER_ALL = "\U0010ffff"

Listed = TypeVar("Listed")
Found = tuple[list[Listed], list[str] | None]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows: `q` is an order's id, or words of its buyer's name and e-mail address."""

    q: str | None = None
    status: str | None = None
    checked_in: bool | None = None


class _List(NamedTuple):
    """A list's statement, and the columns that make the key of a row; `first` comes before the first row."""

    statement: str
    key: tuple[str, ...]
    first: tuple[Any, ...]


_ORDERS = _List(statements.ORDERS, ("placed_at", "order_id"), ("infinity", LAST_ID))
_ATTENDEES = _List(statements.ATTENDEES, ("issued_at", "order_id", "id"), ("-infinity", FIRST_ID, FIRST_ID))
_REFUNDS = _List(statements.REFUNDS, ("started_at", "order_id", "id"), ("infinity", LAST_ID, AFTER_ALL))


class Lists:
    """Reads the lists of one scope as of `now`. All methods raise Unavailable, and InvalidInput for a foreign key."""

    def __init__(self, sales: "Reader", scope: Scope, open_all: OpenAll, now: datetime) -> None:
        self._sales = sales
        self._scope = scope
        self._open_all = open_all
        self._now = now

    def orders(self, wanted: Filter, limit: int, after: Sequence[str] | None) -> "Found[SoldOrder]":
        """List orders, newest first, each with what of it is in the scope."""
        rows, buyers, next_key = self._page(_ORDERS, wanted, limit, after)
        lines = self._lines([row["order_id"] for row in rows])
        items = [_order(row, buyer, lines.get(row["order_id"], [])) for row, buyer in zip(rows, buyers, strict=True)]
        return items, next_key

    def attendees(self, wanted: Filter, limit: int, after: Sequence[str] | None) -> "Found[Attendee]":
        """List tickets with their buyers, in the order in which they were issued."""
        rows, buyers, next_key = self._page(_ATTENDEES, wanted, limit, after)
        return [_attendee(row, buyer) for row, buyer in zip(rows, buyers, strict=True)], next_key

    def refunds(self, wanted: Filter, limit: int, after: Sequence[str] | None) -> "Found[SoldRefund]":
        """List refunds, newest first, each with the part that is in the scope. It shows no names."""
        rows, next_key = self._cut(_REFUNDS, self._rows(_REFUNDS, wanted, limit + 1, after), limit)
        return [_refund(row) for row in rows], next_key

    def _page(
        self, of: _List, wanted: Filter, limit: int, after: Sequence[str] | None
    ) -> "tuple[list[Row], list[SoldTo | None], list[str] | None]":
        """Return a page with its buyers. One that searches for words ends after SEARCHED rows, found or not."""
        words = [] if _order_id(wanted.q) else words_of(wanted.q or "")
        if not words:
            rows, next_key = self._cut(of, self._rows(of, wanted, limit + 1, after), limit)
            return rows, buyers_of(rows, self._open_all), next_key
        rows, next_key = self._cut(of, self._rows(of, wanted, SEARCHED + 1, after), SEARCHED)
        buyers = buyers_of(rows, self._open_all)
        places = [place for place, buyer in enumerate(buyers) if is_found(buyer, words)]
        if len(places) > limit or (len(places) == limit and places[-1] < len(rows) - 1):
            places = places[:limit]
            next_key = _key(of, rows[places[-1]])
        return [rows[place] for place in places], [buyers[place] for place in places], next_key

    def _rows(self, of: _List, wanted: Filter, count: int, after: Sequence[str] | None) -> list[Row]:
        names = ("after_at", "after_id", "after_key")
        key = of.first if after is None else _parsed(of, after)
        parameters: dict[str, Any] = {
            "status": wanted.status,
            "checked_in": wanted.checked_in,
            "order_id": _order_id(wanted.q),
        }
        parameters |= {"rows": count, "now": self._now, **dict(zip(names, key, strict=False))}
        return list(self._sales.fetch_all(statements.SCOPE + of.statement, {**self._scope.parameters(), **parameters}))

    def _cut(self, of: _List, rows: list[Row], limit: int) -> tuple[list[Row], list[str] | None]:
        page = rows[:limit]
        return page, _key(of, page[-1]) if len(rows) > limit else None

    def _lines(self, order_ids: list[UUID]) -> dict[UUID, list[Row]]:
        lines: dict[UUID, list[Row]] = {}
        if order_ids:
            parameters = {**self._scope.parameters(), "ids": order_ids}
            for row in self._sales.fetch_all(statements.SCOPE + statements.LINES, parameters):
                lines.setdefault(row["order_id"], []).append(row)
        return lines


def _order_id(q: str | None) -> UUID | None:
    try:
        return UUID(q) if q else None
    except ValueError:
        return None


def _key(of: _List, row: Row) -> list[str]:
    first, *others = of.key
    return [row[first].isoformat(), *(str(row[name]) for name in others)]


def _parsed(of: _List, after: Sequence[str]) -> tuple[Any, ...]:
    """Read the key of the last row seen.

    Raises InvalidInput for a key that did not come from this list.
    """
    types: list[Callable[[str], Any]] = [datetime.fromisoformat, *(type(value) for value in of.first[1:])]
    try:
        key = tuple(read(part) for read, part in zip(types, after, strict=True))
        key[0].astimezone()
    except (ValueError, OverflowError):
        raise bad_cursor() from None
    return key


def money(amount: Decimal, currency: str) -> "Amount":
    """Return an amount as the API shows it, with the digits of its currency."""
    return {"amount": str(Money.of(amount, currency).amount), "currency": currency}


def instant(value: datetime | None) -> str | None:
    return None if value is None else format_instant(value)


def _order(row: Row, buyer: "SoldTo | None", lines: Sequence[Row]) -> "SoldOrder":
    currency = row["currency"]
    return {
        "id": str(row["order_id"]),
        "status": row["status"],
        "placed_at": instant(row["placed_at"]),
        "confirmed_at": instant(row["confirmed_at"]),
        "buyer": buyer,
        "quantity": int(row["quantity"]),
        "sold": int(row["sold"]),
        "total": money(row["total"], currency),
        "taken": money(row["taken"], currency),
        "refunded": money(row["refunded"], currency),
        "refunding": money(row["refunding"], currency),
        "charged_back": money(row["charged_back"], currency),
        "kept": money(row["kept"], currency),
        "lines": [_line(line) for line in lines],
        "version": row["version"],
    }


def _line(row: Row) -> "SoldLine":
    return {
        "concert_id": str(row["concert_id"]),
        "concert_name": row["concert_name"],
        "ticket_type_id": str(row["id"]),
        "ticket_type_name": row["name"],
        "quantity": row["quantity"],
        "sold": row["sold"],
        "total": money(row["amount"], row["currency"]),
    }


def _attendee(row: Row, buyer: "SoldTo | None") -> "Attendee":
    return {
        "ticket_id": str(row["id"]),
        "order_id": str(row["order_id"]),
        "concert_id": str(row["concert_id"]),
        "concert_name": row["concert_name"],
        "ticket_type_id": str(row["ticket_type_id"]),
        "ticket_type_name": row["name"],
        "status": row["status"],
        "issued_at": format_instant(row["issued_at"]),
        "checked_in_at": instant(row["checked_in_at"]),
        "buyer": buyer,
    }


def _refund(row: Row) -> "SoldRefund":
    return {
        "id": str(row["refund_id"]),
        "order_id": str(row["order_id"]),
        "concert_id": str(row["concert_id"]),
        "concert_name": row["concert_name"],
        "amount": money(row["amount"], row["currency"]),
        "reason": row["reason"],
        "status": row["status"],
        "started_at": instant(row["started_at"]),
        "completed_at": instant(row["completed_at"]),
    }
