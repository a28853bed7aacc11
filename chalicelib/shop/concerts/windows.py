"""Checks sales windows against a concert's schedule, so that no sale is announced that never opens."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from chalicelib.platform.errors import InvalidInput, RuleViolated, facts
from chalicelib.platform.eventsourcing.instants import as_utc
from chalicelib.shop.concerts.events import TicketType


class SaleNeverOpens(RuleViolated):
    """Some ticket types could not be sold on this schedule; `ticket_types` says which, and why."""

    code = "sale_never_opens"
    fact_types = facts(ticket_types="list[UnsoldTicketType]")


class ConcertDates(NamedTuple):
    starts_at: datetime
    ends_at: datetime


class WindowFault(NamedTuple):
    """Names what is wrong with a window: a member of the ticket type, and the reason."""

    member: str
    reason: str


def fault_of(ticket_type: TicketType, schedule: ConcertDates | None, now: datetime | None = None) -> WindowFault | None:
    """Return why the ticket type would never be sold; `now` is given where a sale must not be over already."""
    start, end = ticket_type.sales_start, ticket_type.sales_end
    if start is not None and end is not None and end <= start:
        return WindowFault("sales_end", "must be after sales_start")
    if schedule is not None:
        if end is not None and end > schedule.ends_at:
            return WindowFault("sales_end", "must not be after the concert's end")
        if start is not None and end is None and start >= schedule.starts_at:
            return WindowFault("sales_start", "must be before the concert's start, when the sale ends")
        end = end or schedule.starts_at
    if now is not None and end is not None and end <= now:
        is_given = ticket_type.sales_end is not None
        return WindowFault(
            "sales_end", "must be in the future" if is_given else "must be given once the concert has started"
        )
    return None


def checked_schedule(starts_at: datetime, ends_at: datetime, now: datetime) -> ConcertDates:
    """Return the schedule, in UTC.

    Raises InvalidInput if it ends before it starts, or starts in the past.
    """
    starts_at, ends_at = as_utc(starts_at), as_utc(ends_at)
    if ends_at <= starts_at:
        raise InvalidInput("`ends_at` is not after `starts_at`.", (("#/ends_at", "must be after starts_at"),))
    if starts_at <= now:
        raise InvalidInput("`starts_at` is not in the future.", (("#/starts_at", "must be in the future"),))
    return ConcertDates(starts_at, ends_at)


def ensure_opens(ticket_type: TicketType, schedule: ConcertDates | None, now: datetime | None) -> None:
    """Refuse a ticket type that a request describes, and that would never be sold.

    Raises InvalidInput.
    """
    fault = fault_of(ticket_type, schedule, now)
    if fault is not None:
        raise InvalidInput(f"`{fault.member}` {fault.reason}.", ((f"#/{fault.member}", fault.reason),))


def ensure_all_open(
    ticket_types: Iterable[TicketType], schedule: ConcertDates | None, now: datetime | None = None
) -> None:
    """Refuse a schedule, or a publication, with which some ticket types would never be sold.

    Raises SaleNeverOpens.
    """
    faults = [(one, fault) for one in ticket_types if (fault := fault_of(one, schedule, now)) is not None]
    if faults:
        named = ", ".join(f"{one.name}: `{fault.member}` {fault.reason}" for one, fault in faults)
        facts = [{"id": str(one.id), "field": fault.member, "reason": fault.reason} for one, fault in faults]
        raise SaleNeverOpens(f"Some tickets would never be sold ({named}).", ticket_types=facts)
