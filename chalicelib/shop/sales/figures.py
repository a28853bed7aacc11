"""Adds up sales: money, tickets and check-ins, by concert, by day, and by the first minutes."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.http.paging import bad_cursor
from chalicelib.shop.sales import statements
from chalicelib.shop.sales.lists import instant, money
from chalicelib.shop.sales.scope import Scope
from chalicelib.shop.sales.statements import SCOPE

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import SignedAmount
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.sales.answers import (
        ConcertSales,
        CurrencyTotals,
        DaySales,
        MinuteSales,
        Opening,
        SoldConcert,
        TicketCounts,
        TicketTypeSales,
        Totals,
    )

Row = Mapping[str, Any]


def totals(sales: "Reader", scope: Scope) -> "Totals":
    """Return the money by currency, and how many tickets are valid, revoked and checked in.

    Raises Unavailable.
    """
    rows = sales.fetch_all(SCOPE + statements.MONEY, scope.parameters())
    (counts,) = sales.fetch_all(SCOPE + statements.COUNTS, scope.parameters())
    tickets: TicketCounts = {
        "valid": counts["valid"],
        "revoked": counts["revoked"],
        "checked_in": counts["checked_in"],
    }
    return {"tickets": tickets, "money": [_money(row) for row in rows]}


def concert_totals(sales: "Reader", concert: Row) -> "ConcertSales":
    """Return the concert with its totals and its ticket types.

    Raises Unavailable.
    """
    scope = Scope(concert_id=concert["id"])
    types = sales.fetch_all(SCOPE + statements.TICKET_TYPES, scope.parameters())
    return {
        "concert_id": str(concert["id"]),
        "name": concert["name"],
        "status": concert["status"],
        "starts_at": instant(concert["starts_at"]),
        "time_zone": concert["zone"],
        "venue": concert["venue"],
        **totals(sales, scope),
        "ticket_types": [_ticket_type(row) for row in types],
    }


def list_concerts(
    sales: "Reader", scope: Scope, limit: int, after: Sequence[str] | None
) -> tuple[list["SoldConcert"], list[str] | None]:
    """List the concerts with the money of each, the latest first.

    Raises InvalidInput or Unavailable.
    """
    key = dict(zip(("after_at", "after_id"), (None, None) if after is None else _concert_key(after), strict=True))
    rows = sales.fetch_all(SCOPE + statements.CONCERTS, {**scope.parameters(), **key, "rows": limit + 1})
    page = rows[:limit]
    parameters = {**scope.parameters(), "ids": [row["id"] for row in page]}
    found: dict[UUID, list[CurrencyTotals]] = {}
    for row in sales.fetch_all(SCOPE + statements.MONEY_BY_CONCERT, parameters) if page else []:
        found.setdefault(row["id"], []).append(_money(row))
    items = [_concert(row, found.get(row["id"], [])) for row in page]
    more = [instant(page[-1]["starts_at"]) or "infinity", str(page[-1]["id"])] if len(rows) > limit else None
    return items, more


def list_days(
    sales: "Reader",
    scope: Scope,
    date_from: date | None,
    date_to: date | None,
    limit: int,
    after: Sequence[str] | None,
) -> tuple[list["DaySales"], list[str] | None]:
    """List the days with sales or refunds, the earliest first, each by the clock of the concert's venue.

    Raises InvalidInput or Unavailable.
    """
    day, currency = (None, None) if after is None else _day_key(after)
    parameters = {"date_from": date_from, "date_to": date_to, "after_day": day, "after_currency": currency}
    rows = sales.fetch_all(SCOPE + statements.DAYS, {**scope.parameters(), **parameters, "rows": limit + 1})
    page = rows[:limit]
    more = [page[-1]["day"].isoformat(), page[-1]["currency"]] if len(rows) > limit else None
    return [_day(row) for row in page], more


def opening(sales: "Reader", scope: Scope, minutes: int) -> "Opening":
    """Return what was ordered in each of the first minutes of the sale, and what of it was paid in the end.

    Raises Unavailable.
    """
    rows = sales.fetch_all(SCOPE + statements.OPENING, {**scope.parameters(), "minutes": minutes})
    by_minute = {row["minute"]: row for row in rows}
    begins = rows[0]["at"] if rows else None
    items = [_minute(begins, minute, by_minute.get(minute)) for minute in range(minutes if begins else 0)]
    return {"begins_at": instant(begins), "items": items}


def _concert(row: Row, money: "list[CurrencyTotals]") -> "SoldConcert":
    return {
        "concert_id": str(row["id"]),
        "name": row["name"],
        "status": row["status"],
        "starts_at": instant(row["starts_at"]),
        "time_zone": row["zone"],
        "money": money,
    }


def _money(row: Row) -> "CurrencyTotals":
    currency = row["currency"]
    return {
        "currency": currency,
        "orders": row["orders"],
        "sold": int(row["sold"]),
        "taken": money(row["taken"], currency),
        "refunded": money(row["refunded"], currency),
        "refunding": money(row["refunding"], currency),
        "charged_back": money(row["charged_back"], currency),
        "kept": money(row["kept"], currency),
    }


def _ticket_type(row: Row) -> "TicketTypeSales":
    """Return what was sold of the type; one that draws from an area has no quantity of its own."""
    currency = row["price_currency"]
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "price": money(row["price_amount"], currency),
        "quantity": row["quantity"],
        "sold": int(row["sold"]),
        "value": money(row["value"], currency),
    }


def _day(row: Row) -> "DaySales":
    """Return a day; where all venues have one clock, also how long it was: 23 or 25 hours when that is changed."""
    hours = (row["ends_at"] - row["starts_at"]) / timedelta(hours=1) if row["zones"] == 1 else None
    return {
        "date": row["day"].isoformat(),
        "currency": row["currency"],
        "orders": row["orders"],
        "tickets": int(row["tickets"]),
        "sales": _signed(row["sales"], row["currency"]),
        "refunded": money(row["refunded"], row["currency"]),
        "time_zone": row["zone"] if row["zones"] == 1 else None,
        "hours": hours,
    }


def _signed(amount: Decimal, currency: str) -> "SignedAmount":
    """Return an amount that is below zero on a day on which more was moved away than was sold."""
    shown = money(abs(amount), currency)
    return {"amount": f"-{shown['amount']}", "currency": currency} if amount < 0 else shown


def _minute(begins: datetime | None, minute: int, row: Row | None) -> "MinuteSales":
    return {
        "minute": minute,
        "at": instant(begins + timedelta(minutes=minute)) if begins else None,
        "orders": row["orders"] if row else 0,
        "ordered": int(row["ordered"]) if row else 0,
        "paid": int(row["paid"]) if row else 0,
    }


def _concert_key(after: Sequence[str]) -> tuple[str, UUID]:
    try:
        at, concert_id = after
        return at if at == "infinity" else format_instant(as_utc(datetime.fromisoformat(at))), UUID(concert_id)
    except ValueError:
        raise bad_cursor() from None


def _day_key(after: Sequence[str]) -> tuple[date, str]:
    try:
        day, currency = after
        return date.fromisoformat(day), currency
    except ValueError:
        raise bad_cursor() from None
