"""Defines the concert: draft, then published, then perhaps cancelling and cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.money import ensure_chargeable
from chalicelib.shop.concerts.areas import AreaOnSale, ensure_area, evolve_areas, types_of
from chalicelib.shop.concerts.capacity_changes import (
    AreaCapacityChange,
    CapacityChange,
    StockChange,
    changed,
    refused,
    started,
)
from chalicelib.shop.concerts.events import (
    Area,
    ConcertAreaCapacityChangeRefused,
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCapacityChanged,
    ConcertCapacityChangeRefused,
    ConcertCapacityChangeStarted,
    ConcertCreated,
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertMoved,
    ConcertPoolsClosed,
    ConcertPublished,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeChanged,
    ConcertTicketTypeRemoved,
    PoolsOfArea,
    PoolsOfTicketType,
    ShownVenue,
    TicketType,
)
from chalicelib.shop.concerts.publication import Publication, evolve_publication
from chalicelib.shop.concerts.windows import ConcertDates, checked_schedule, ensure_all_open, ensure_opens

MAX_TICKET_TYPES = 50


class ConcertStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    DELETED = "deleted"


_CANCELLED = {ConcertStatus.CANCELLING, ConcertStatus.CANCELLED}


class ConcertNotDraft(RuleViolated):
    """The concert is not a draft any more, so this cannot be changed."""

    code = "concert_not_draft"
    fact_types = facts(concert_status="str")


class ConcertNotPublished(RuleViolated):
    """The concert is not published, or cancelled, so this does not apply to it."""

    code = "concert_not_published"
    fact_types = facts(concert_status="str")


class ConcertIncomplete(RuleViolated):
    """The concert lacks what it needs to be published."""

    code = "concert_incomplete"
    fact_types = facts(missing="list[str]")


class ConcertIsOver(RuleViolated):
    """The concert has ended."""

    code = "concert_over"
    fact_types = facts(ends_at="NotRequired[Instant]")


class VenueGone(RuleViolated):
    """The venue of the concert was deleted, or is not shared any more."""

    code = "venue_gone"


class TooManyTicketTypes(RuleViolated):
    """A concert has no room for another ticket type."""

    code = "too_many_ticket_types"
    fact_types = facts(limit="int")


class ConcertHasTakenPlace(RuleViolated):
    """The concert has taken place, and its cancellation is not confirmed."""

    code = "has_taken_place"


class CapacityBelowCommitted(RuleViolated):
    """More tickets are held and sold than the quantity would allow."""

    code = "capacity_below_committed"
    fact_types = facts(held="int", sold="int", committed="int")

    def __init__(self, held: int, sold: int) -> None:
        super().__init__(
            f"{held} tickets are held and {sold} are sold; the quantity cannot be lower than {held + sold}.",
            held=held,
            sold=sold,
            committed=held + sold,
        )


class CapacityAbovePools(RuleViolated):
    """The quantity is above what the pools of the ticket type can have."""

    code = "capacity_above_pools"
    fact_types = facts(limit="int")


class CapacityChangeInProgress(RuleViolated):
    """Another change of the quantity is under way."""

    code = "capacity_change_in_progress"


@dataclass(frozen=True, slots=True)
class ConcertDetails:
    name: str
    venue_id: UUID
    description: str = ""
    genre: str | None = None
    image_url: str | None = None
    max_per_customer: int | None = None


@dataclass(frozen=True, slots=True)
class Concert:
    """A concert as its events leave it.

    `requests` has the request hash of every ticket type that was ever added, for requests that are repeated, and
    `area_requests` that of every area.
    `uncleared` are the pools whose orders decide, once all pools of a cancelled concert are closed; None before that.
    """

    status: ConcertStatus | None = None
    details: ConcertDetails | None = None
    organiser_id: UUID | None = None
    request_hash: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    ticket_types: Mapping[UUID, TicketType] = field(default_factory=dict)
    requests: Mapping[UUID, str] = field(default_factory=dict)
    pools: tuple[PoolsOfTicketType, ...] = ()
    capacity_change: StockChange | None = None
    areas: Mapping[UUID, Area] = field(default_factory=dict)
    area_requests: Mapping[UUID, str] = field(default_factory=dict)
    area_pools: tuple[PoolsOfArea, ...] = ()
    uncleared: tuple[UUID, ...] | None = None
    publication: Publication = field(default_factory=Publication)

    @property
    def dates(self) -> ConcertDates | None:
        """Return the schedule, which while the concert is postponed is the former one."""
        return None if self.starts_at is None or self.ends_at is None else ConcertDates(self.starts_at, self.ends_at)

    @property
    def pool_ids(self) -> list[UUID]:
        """Return the pools of all its ticket types and areas."""
        stocks = [one.pool_ids for one in self.pools] + [one.pool_ids for one in self.area_pools]
        return [key for pool_ids in stocks for key in pool_ids]

    def pools_of(self, stock_id: UUID) -> tuple[UUID, ...]:
        """Return the pools of one of its ticket types or areas; none before it is published."""
        stocks = {one.ticket_type_id: one.pool_ids for one in self.pools}
        stocks |= {one.area_id: one.pool_ids for one in self.area_pools}
        return stocks.get(stock_id, ())

    def stock_of(self, ticket_type_id: UUID) -> UUID:
        """Return the id of the stock from which the type draws: that of its area, or its own."""
        return self.ticket_types[ticket_type_id].area_id or ticket_type_id

    def create(self, organiser_id: UUID, details: ConcertDetails, request_hash: str) -> list[Event]:
        """Create the concert; the same request again changes nothing.

        Raises IdempotencyKeyReused if another request made this concert.
        """
        if self.details is not None:
            if self.request_hash != request_hash:
                raise IdempotencyKeyReused
            return []
        return [ConcertCreated(organiser_id=organiser_id, request_hash=request_hash, **_values(details))]

    def change_details(self, details: ConcertDetails) -> list[Event]:
        """Change the details; a concert that is published is moved to another venue in another way.

        Raises NotFound or ConcertNotDraft.
        """
        current = self.ensure_exists()
        if self.status in _CANCELLED:
            raise ConcertNotDraft("A cancelled concert cannot be changed.", concert_status=self.status)
        if details.venue_id != current.venue_id:
            self.ensure_draft()
        return [] if details == current else [ConcertDetailsChanged(**_values(details))]

    def schedule(self, starts_at: datetime, ends_at: datetime, now: datetime) -> list[Event]:
        """Set the start and the end of a draft.

        Raises NotFound, ConcertNotDraft, InvalidInput or SaleNeverOpens.
        """
        self.ensure_draft()
        dates = checked_schedule(starts_at, ends_at, now)
        ensure_all_open(self.ticket_types.values(), dates)
        return [] if dates == self.dates else [ConcertScheduled(start_date=dates.starts_at, end_date=dates.ends_at)]

    def add_ticket_type(
        self, ticket_type: TicketType, request_hash: str, now: datetime, pool_ids: tuple[UUID, ...] | None = None
    ) -> list[Event]:
        """Add a ticket type; the same request again changes nothing. Only a published concert takes the `pool_ids`.

        Raises NotFound, ConcertNotPublished, IdempotencyKeyReused, InvalidInput, TooManyTicketTypes or AreaOnSale.
        """
        self.ensure_exists()
        if ticket_type.id in self.requests:
            if self.requests[ticket_type.id] != request_hash:
                raise IdempotencyKeyReused
            return []
        self.ensure_changeable()
        ensure_area(self, ticket_type)
        ensure_chargeable(ticket_type.price, "#/price/amount", "A price")
        ensure_opens(ticket_type, None if self.publication.is_postponed else self.dates, now)
        if len(self.ticket_types) >= MAX_TICKET_TYPES:
            detail = f"The concert has {MAX_TICKET_TYPES} ticket types, the most it can have."
            raise TooManyTicketTypes(detail, limit=MAX_TICKET_TYPES)
        is_published = self.status is ConcertStatus.PUBLISHED
        if is_published and ticket_type.area_id is not None:
            raise AreaOnSale
        return [
            ConcertTicketTypeAdded(
                type=ticket_type, request_hash=request_hash, pool_ids=pool_ids if is_published else None
            )
        ]

    def remove_ticket_type(self, ticket_type_id: UUID) -> list[Event]:
        """Remove a ticket type from a draft; removing it again changes nothing.

        Raises NotFound or ConcertNotDraft.
        """
        self.ensure_exists()
        if ticket_type_id not in self.requests:
            raise NotFound("There is no such ticket type.")
        if ticket_type_id not in self.ticket_types:
            return []
        self.ensure_draft()
        return [ConcertTicketTypeRemoved(ticket_type_id=ticket_type_id)]

    def change_capacity(self, change: StockChange, limit: int) -> list[Event]:
        """Change the quantity of a type or an area in a draft, or start such a change of a published concert.

        Only one change can be under way. `limit` is the most tickets that the pools can have.
        Raises NotFound, InvalidInput, ConcertNotPublished, CapacityAbovePools or CapacityChangeInProgress.
        """
        self.ensure_exists()
        before = self.offered_before(change)
        self.ensure_changeable()
        if self.capacity_change is not None:
            raise CapacityChangeInProgress("Another change of the quantity is under way. Please try again.")
        if before == change.quantity:
            return []
        if self.status is ConcertStatus.DRAFT:
            return [changed(change)]
        if change.quantity > limit:
            raise CapacityAbovePools(f"The quantity is above {limit}, the most that its pools can have.", limit=limit)
        return [started(change)]

    def complete_capacity_change(self, change_id: UUID) -> list[Event]:
        """Record that the pools have the new quantity; completing the change again changes nothing."""
        change = self.capacity_change
        if change is None or change.id != change_id:
            return []
        return [changed(change)]

    def refuse_capacity_change(self, change_id: UUID, held: int, sold: int) -> list[Event]:
        """Record that the pools are as they were before; refusing the change again changes nothing."""
        change = self.capacity_change
        if change is None or change.id != change_id:
            return []
        return [refused(change, held, sold)]

    def publish(
        self,
        pools: tuple[PoolsOfTicketType, ...],
        now: datetime,
        venue: ShownVenue | None = None,
        areas: tuple[PoolsOfArea, ...] = (),
    ) -> list[Event]:
        """Publish a draft over these pools; publishing it again changes nothing.

        Raises NotFound, ConcertNotDraft, ConcertIncomplete, ConcertIsOver or SaleNeverOpens.
        """
        self.ensure_exists()
        if self.status is ConcertStatus.PUBLISHED:
            return []
        self.ensure_draft()
        missing = [] if self.starts_at else ["schedule"]
        missing += [] if self.ticket_types else ["ticket_types"]
        empty = [area.name for area in self.areas.values() if not types_of(area.id, self.ticket_types)]
        missing += [f"ticket_types of {name}" for name in empty]
        if missing:
            raise ConcertIncomplete(f"The concert cannot be published without: {', '.join(missing)}.", missing=missing)
        if self.is_over(now):
            ends_at = format_instant(self.ends_at) if self.ends_at else None
            raise ConcertIsOver("The concert has ended; schedule it anew to publish it.", ends_at=ends_at)
        ensure_all_open(self.ticket_types.values(), self.dates, now)
        return [ConcertPublished(pools=pools, areas=areas or None, venue=venue)]

    def cancel(self, now: datetime, *, although_over: bool = False) -> list[Event]:
        """Cancel a published concert; cancelling it again changes nothing.

        Raises NotFound, ConcertNotPublished, or ConcertHasTakenPlace unless that is known.
        """
        self.ensure_exists()
        if self.status in _CANCELLED:
            return []
        if self.status is not ConcertStatus.PUBLISHED:
            raise ConcertNotPublished(
                f"The concert is {self.status}; only a published one can be cancelled.", concert_status=self.status
            )
        if self.is_over(now) and not although_over:
            raise ConcertHasTakenPlace(
                "The concert has taken place. Cancelling it refunds everybody who was there: say so in `confirm`.",
                confirm=ConcertHasTakenPlace.code,
                ends_at=format_instant(self.ends_at) if self.ends_at else None,
            )
        return [ConcertCancelled()]

    def close_pools(self, uncleared: Sequence[UUID]) -> list[Event]:
        """Record, once, that all pools of a cancelled concert are closed."""
        if self.status is not ConcertStatus.CANCELLING or self.uncleared is not None:
            return []
        return [ConcertPoolsClosed(uncleared=tuple(uncleared))]

    def is_over(self, now: datetime) -> bool:
        """Tell whether the concert has ended; one without a date, or that is postponed, has not."""
        return self.ends_at is not None and self.ends_at <= now and not self.publication.is_postponed

    def complete_cancellation(self) -> list[Event]:
        """Complete the cancellation; completing it again changes nothing."""
        return [ConcertCancellationCompleted()] if self.status is ConcertStatus.CANCELLING else []

    def delete(self) -> list[Event]:
        """Delete a draft; deleting it again changes nothing.

        Raises NotFound or ConcertNotDraft.
        """
        if self.status is ConcertStatus.DELETED:
            return []
        self.ensure_draft()
        return [ConcertDeleted()]

    def offered_before(self, change: StockChange) -> int:
        """Return how many tickets there are before the change.

        Raises NotFound or InvalidInput.
        """
        if isinstance(change, AreaCapacityChange):
            if change.area_id not in self.areas:
                raise NotFound("There is no such area.")
            return self.areas[change.area_id].capacity
        ticket_type = self.ticket_types.get(change.ticket_type_id)
        if ticket_type is None:
            raise NotFound("There is no such ticket type.")
        if ticket_type.area_id is not None:
            detail = "The ticket type draws from an area: change the area's capacity."
            raise InvalidInput(detail, (("#/quantity", "is that of the area"),))
        return ticket_type.quantity

    def ensure_exists(self) -> ConcertDetails:
        """Return the details.

        Raises NotFound.
        """
        if self.details is None or self.status is ConcertStatus.DELETED:
            raise NotFound("There is no such concert.")
        return self.details

    def ensure_changeable(self) -> None:
        """Check that the concert is a draft or published.

        Raises NotFound or ConcertNotPublished.
        """
        self.ensure_exists()
        if self.status in _CANCELLED:
            raise ConcertNotPublished("A cancelled concert cannot be changed.", concert_status=self.status)

    def ensure_published(self) -> None:
        """Check that the concert is published and not cancelled.

        Raises NotFound or ConcertNotPublished.
        """
        self.ensure_exists()
        if self.status is not ConcertStatus.PUBLISHED:
            raise ConcertNotPublished(
                f"The concert is {self.status}; this is possible for a published one only.", concert_status=self.status
            )

    def ensure_draft(self) -> None:
        """Check that the concert is a draft.

        Raises NotFound or ConcertNotDraft.
        """
        self.ensure_exists()
        if self.status is not ConcertStatus.DRAFT:
            raise ConcertNotDraft(
                f"The concert is {self.status}; this is possible in a draft only.", concert_status=self.status
            )


def evolve(concert: Concert, event: Event) -> Concert:
    publication = evolve_publication(concert.publication, event)
    if publication is not concert.publication:
        concert = replace(concert, publication=publication)
    match event:
        case ConcertCreated():
            return Concert(ConcertStatus.DRAFT, _details(event), event.organiser_id, event.request_hash)
        case ConcertDetailsChanged():
            return replace(concert, details=_details(event))
        case ConcertScheduled():
            return replace(concert, starts_at=event.start_date, ends_at=event.end_date)
        case ConcertTicketTypeAdded():
            types = {**concert.ticket_types, event.type.id: event.type}
            requests = {**concert.requests, event.type.id: event.request_hash}
            return replace(concert, ticket_types=types, requests=requests, pools=_with_pools(concert, event))
        case ConcertTicketTypeChanged():
            return _with_ticket_type(concert, event.ticket_type_id, **_terms(event))
        case ConcertTicketTypeRemoved():
            types = {key: known for key, known in concert.ticket_types.items() if key != event.ticket_type_id}
            return replace(concert, ticket_types=types)
        case ConcertDeleted():
            return replace(concert, status=ConcertStatus.DELETED)
    return _evolve_sale(concert, event)


def _evolve_sale(concert: Concert, event: Event) -> Concert:
    match event:
        case ConcertCapacityChangeStarted():
            change = CapacityChange(event.change_id, event.ticket_type_id, event.quantity, event.request_hash)
            return replace(concert, capacity_change=change)
        case ConcertCapacityChanged():
            resized = _with_ticket_type(concert, event.ticket_type_id, quantity=event.quantity)
            return replace(resized, capacity_change=None)
        case ConcertCapacityChangeRefused() | ConcertAreaCapacityChangeRefused():
            return replace(concert, capacity_change=None)
        case ConcertPublished():
            status, areas = ConcertStatus.PUBLISHED, event.areas or ()
            return replace(concert, status=status, pools=event.pools, area_pools=areas)
        case ConcertMoved():
            details = replace(concert.details, venue_id=event.venue_id) if concert.details else None
            return replace(concert, details=details, starts_at=event.start_date, ends_at=event.end_date)
        case ConcertCancelled():
            return replace(concert, status=ConcertStatus.CANCELLING, capacity_change=None)
        case ConcertPoolsClosed():
            return replace(concert, uncleared=event.uncleared)
        case ConcertCancellationCompleted():
            return replace(concert, status=ConcertStatus.CANCELLED)
    return evolve_areas(concert, event)


def _with_pools(concert: Concert, event: ConcertTicketTypeAdded) -> tuple[PoolsOfTicketType, ...]:
    if event.pool_ids is None:
        return concert.pools
    return (*concert.pools, PoolsOfTicketType(ticket_type_id=event.type.id, pool_ids=event.pool_ids))


def _with_ticket_type(concert: Concert, ticket_type_id: UUID, **changes: Any) -> Concert:
    types = {
        key: known.model_copy(update=changes) if key == ticket_type_id else known
        for key, known in concert.ticket_types.items()
    }
    return replace(concert, ticket_types=types)


def _terms(event: ConcertTicketTypeChanged) -> dict[str, Any]:
    return {
        "name": event.name,
        "price": event.price,
        "max_per_order": event.max_per_order,
        "sales_start": event.sales_start,
        "sales_end": event.sales_end,
    }


def _details(event: ConcertCreated | ConcertDetailsChanged) -> ConcertDetails:
    return ConcertDetails(**{item.name: getattr(event, item.name) for item in fields(ConcertDetails)})


def _values(details: ConcertDetails) -> dict[str, Any]:
    return {item.name: getattr(details, item.name) for item in fields(details)}


CONCERT = Aggregate("Concert", Concert(), evolve, owner=lambda concert: concert.organiser_id)
