"""Counts what happened at the doors of a concert, and lists what its organiser should look at."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.paging import bad_cursor
from chalicelib.shop.orders.doors import statements
from chalicelib.shop.orders.doors.movements import Verdict

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.orders.doors.answers import DoorMinute, DoorTotals, OtherScan, ReportedScan

_NOBODY = UUID(int=0)


def read_totals(sales: "Reader", concert_id: UUID) -> "DoorTotals":
    """Return how many tickets are valid, were checked in, and are inside now. Raises Unavailable."""
    [totals] = sales.fetch_all(statements.TOTALS, {"concert_id": concert_id})
    return {"checked_in": totals["checked_in"], "inside": totals["inside"], "valid": totals["valid"]}


def list_minutes(
    sales: "Reader", concert_id: UUID, since: datetime | None, limit: int, after: Sequence[str] | None
) -> "tuple[list[DoorMinute], list[str] | None]":
    """List the scans by minute and gate, oldest first.

    Raises InvalidInput for a foreign key, or Unavailable.
    """
    after_at, after_gate = ("-infinity", "") if after is None else _minute_key(after)
    parameters = {
        "concert_id": concert_id,
        "since": since or "-infinity",
        "after_at": after_at,
        "after_gate": after_gate,
        "rows": limit + 1,
    }
    rows = sales.fetch_all(statements.MINUTES, parameters)
    items = [cast("DoorMinute", {**row, "minute": format_instant(row["minute"])}) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return items, None if last is None else [last["minute"].isoformat(), last["gate"] or ""]


def list_report(
    sales: "Reader", concert_id: UUID, limit: int, after: Sequence[str] | None
) -> "tuple[list[ReportedScan], list[str] | None]":
    """List the scans that let somebody in whom the rules refuse, and those that were undone, oldest first.

    Raises InvalidInput for a foreign key, or Unavailable.
    """
    at, ticket, scan = ("-infinity", _NOBODY, _NOBODY) if after is None else _report_key(after)
    parameters = {
        "concert_id": concert_id,
        "after_at": at,
        "after_ticket": ticket,
        "after_id": scan,
        "rows": limit + 1,
    }
    rows = sales.fetch_all(statements.REPORT, parameters)
    last = rows[limit - 1] if len(rows) > limit else None
    next_key = None if last is None else [last["at"].isoformat(), str(last["ticket_id"]), str(last["id"])]
    return [_reported(row) for row in rows[:limit]], next_key


def _reported(row: Any) -> "ReportedScan":
    is_override = row["override"] is not None and row["verdict"] == Verdict.ADMITTED
    return {
        "kind": "override" if is_override else cast("Any", row["verdict"]),
        "ticket_id": str(row["ticket_id"]),
        "order_id": None if row["order_id"] is None else str(row["order_id"]),
        **_scan(row["id"], row["at"], row["gate"], row["device_id"]),
        "direction": row["direction"],
        "flaw": row["flaw"],
        "reason": row["override"],
        "offline": row["is_offline"],
        "counts": None
        if row["counts_id"] is None
        else _scan(row["counts_id"], row["counts_at"], row["counts_gate"], row["counts_device_id"]),
    }


def _scan(nonce: UUID, at: datetime, gate: str | None, device_id: UUID) -> "OtherScan":
    return {"nonce": str(nonce), "at": format_instant(at), "gate": gate, "device_id": str(device_id)}


def _minute_key(after: Sequence[str]) -> tuple[datetime, str]:
    try:
        at, gate = after
        return datetime.fromisoformat(at), gate
    except ValueError:
        raise bad_cursor() from None


def _report_key(after: Sequence[str]) -> tuple[datetime, UUID, UUID]:
    try:
        at, ticket, scan = after
        return datetime.fromisoformat(at), UUID(ticket), UUID(scan)
    except ValueError:
        raise bad_cursor() from None
