"""Decides how a concert lives on once it is announced: it moves, waits for a date, changes what it sells."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chalicelib.platform.errors import InvalidInput, NotFound
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.money import CurrencyMismatch, Money, ensure_chargeable
from chalicelib.shop.concerts.concert import Concert, ConcertIsOver, ConcertStatus
from chalicelib.shop.concerts.events import (
    ConcertMoved,
    ConcertPostponed,
    ConcertSalesClosed,
    ConcertSalesOpened,
    ConcertTermsApplied,
    ConcertTicketTypeChanged,
    ConcertVenueDescribed,
    ShownVenue,
    TicketType,
)
from chalicelib.shop.concerts.windows import ConcertDates, checked_schedule, ensure_all_open, ensure_opens

_WINDOW = {"sales_start", "sales_end"}


@dataclass(frozen=True, slots=True)
class ConcertPlace:
    """A venue, and what a concert shows of it."""

    venue_id: UUID
    shown: ShownVenue | None


def place_of(concert: Concert) -> ConcertPlace:
    """Return where a published concert is held."""
    return ConcertPlace(concert.ensure_exists().venue_id, concert.publication.venue)


def move(
    concert: Concert,
    schedule: ConcertDates | None,
    place: ConcertPlace,
    refundable_until: datetime | None,
    now: datetime,
) -> list[Event]:
    """Move a published concert; to where and when it is already changes nothing, unless it promises another refund.

    A concert that only changes its venue keeps its schedule, which may have begun; a postponed one needs a new one.
    Raises NotFound, ConcertNotPublished, ConcertIsOver, InvalidInput or SaleNeverOpens.
    """
    concert.ensure_published()
    _ensure_not_over(concert, now)
    dates = _dates(concert, schedule, now)
    refundable_until = _promise(concert, refundable_until, now)
    ensure_all_open(concert.ticket_types.values(), dates)
    is_there = (dates, place) == (concert.dates, place_of(concert)) and not concert.publication.is_postponed
    if is_there and not _is_new_promise(concert, refundable_until):
        return []
    return [
        ConcertMoved(
            start_date=dates.starts_at,
            end_date=dates.ends_at,
            venue_id=place.venue_id,
            venue=place.shown,
            refundable_until=refundable_until,
            at=now,
        )
    ]


def postpone(concert: Concert, refundable_until: datetime | None, now: datetime) -> list[Event]:
    """Take the date of a published concert away; doing it again changes nothing, unless it promises another refund.

    Raises NotFound, ConcertNotPublished, ConcertIsOver or InvalidInput.
    """
    concert.ensure_published()
    _ensure_not_over(concert, now)
    refundable_until = _promise(concert, refundable_until, now)
    if concert.publication.is_postponed and not _is_new_promise(concert, refundable_until):
        return []
    return [ConcertPostponed(refundable_until=refundable_until, at=now)]


def describe_venue(concert: Concert, changes: dict[str, Any]) -> list[Event]:
    """Change what a published concert shows of its venue.

    Raises NotFound, ConcertNotPublished, or NotFound if it shows no copy.
    """
    concert.ensure_published()
    known = concert.publication.venue
    if known is None:
        raise NotFound("The concert shows its venue as it is. Move it to the venue, then it has a copy.")
    venue = known.model_copy(update=changes)
    return [] if venue == known else [ConcertVenueDescribed(venue=venue)]


def close_sales(concert: Concert) -> list[Event]:
    """Close the sales; closing them again changes nothing.

    Raises NotFound or ConcertNotPublished.
    """
    concert.ensure_published()
    return [] if concert.publication.sales_closed else [ConcertSalesClosed()]


def open_sales(concert: Concert) -> list[Event]:
    """Open sales that were closed; opening them again changes nothing.

    Raises NotFound or ConcertNotPublished.
    """
    concert.ensure_published()
    return [ConcertSalesOpened()] if concert.publication.sales_closed else []


def change_ticket_type(concert: Concert, ticket_type_id: UUID, changes: dict[str, Any], now: datetime) -> list[Event]:
    """Change a ticket type's name, price, limit or window, for tickets that nobody holds or has bought yet.

    Raises NotFound, ConcertNotPublished, CurrencyMismatch or InvalidInput.
    """
    concert.ensure_changeable()
    known = concert.ticket_types.get(ticket_type_id)
    if known is None:
        raise NotFound("There is no such ticket type.")
    changed = known.model_copy(update=changes)
    if changed == known:
        return []
    _ensure_price(concert, known, changed.price)
    # A sale that is over may be renamed, and must not be given another window that is over.
    is_new_window = any(getattr(known, name) != getattr(changed, name) for name in _WINDOW)
    dates = None if concert.publication.is_postponed else concert.dates
    ensure_opens(changed, dates, now if is_new_window else None)
    return [
        ConcertTicketTypeChanged(
            ticket_type_id=ticket_type_id,
            name=changed.name,
            price=changed.price,
            max_per_order=changed.max_per_order,
            sales_start=changed.sales_start,
            sales_end=changed.sales_end,
        )
    ]


def complete_terms_change(concert: Concert, terms_version: int) -> list[Event]:
    """Record that every pool has the terms of this version; recording it again changes nothing."""
    is_due = concert.publication.applied_version < terms_version
    is_published = concert.status is ConcertStatus.PUBLISHED
    return [ConcertTermsApplied(terms_version=terms_version)] if is_published and is_due else []


def _ensure_not_over(concert: Concert, now: datetime) -> None:
    if concert.is_over(now):
        raise ConcertIsOver("The concert has ended.")


def _dates(concert: Concert, schedule: ConcertDates | None, now: datetime) -> ConcertDates:
    if schedule is not None:
        return checked_schedule(*schedule, now)
    if concert.dates is None or concert.publication.is_postponed:
        reason = "is needed, because the concert has no date"
        raise InvalidInput(f"`starts_at` {reason}.", (("#/starts_at", reason),))
    return concert.dates


def _ensure_price(concert: Concert, known: TicketType, price: Money) -> None:
    if price == known.price:
        return
    ensure_chargeable(price, "#/price/amount", "A price")
    if concert.status is ConcertStatus.PUBLISHED and price.currency != known.price.currency:
        raise CurrencyMismatch(f"Tickets are sold in {known.price.currency} already.")


def _is_new_promise(concert: Concert, until: datetime | None) -> bool:
    return until is not None and until not in {one.until for one in concert.publication.promises}


def _promise(concert: Concert, until: datetime | None, now: datetime) -> datetime | None:
    """Check a promise of the money back. None shortens what was promised before, so that the newest is the one to show.

    Raises InvalidInput.
    """
    if until is None:
        return None
    promised = max((one.until for one in concert.publication.promises), default=as_utc(until))
    if as_utc(until) < promised:
        reason = f"must not be before {format_instant(promised)}, which is promised already"
        raise InvalidInput(f"`refundable_until` {reason}.", (("#/refundable_until", reason),))
    if as_utc(until) <= now:
        reason = "must be in the future"
        raise InvalidInput(f"`refundable_until` {reason}.", (("#/refundable_until", reason),))
    return as_utc(until)
