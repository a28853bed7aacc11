"""Defines the concert: draft, then published, then perhaps cancelling and cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, NotFound, RuleViolated
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.money import ensure_chargeable
from chalicelib.shop.concerts.events import (
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCapacityChanged,
    ConcertCapacityChangeRefused,
    ConcertCapacityChangeStarted,
    ConcertCreated,
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertPoolsClosed,
    ConcertPublished,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeRemoved,
    PoolsOfTicketType,
    TicketType,
)

MAX_TICKET_TYPES = 50


class ConcertStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    DELETED = "deleted"


_CANCELLED = {ConcertStatus.CANCELLING, ConcertStatus.CANCELLED}


class ConcertNotDraft(RuleViolated):
    code = "concert_not_draft"


class ConcertNotPublished(RuleViolated):
    code = "concert_not_published"


class ConcertIncomplete(RuleViolated):
    code = "concert_incomplete"


class ConcertIsOver(RuleViolated):
    code = "concert_over"


class TooManyTicketTypes(RuleViolated):
    code = "too_many_ticket_types"


class ConcertHasTakenPlace(RuleViolated):
    code = "has_taken_place"


class CapacityBelowCommitted(RuleViolated):
    code = "capacity_below_committed"

    def __init__(self, held: int, sold: int) -> None:
        super().__init__(
            f"{held} tickets are held and {sold} are sold; the quantity cannot be lower than {held + sold}.",
            held=held,
            sold=sold,
            committed=held + sold,
        )


class CapacityAbovePools(RuleViolated):
    code = "capacity_above_pools"


class CapacityChangeInProgress(RuleViolated):
    code = "capacity_change_in_progress"


@dataclass(frozen=True, slots=True)
class CapacityChange:
    """A change of a published ticket type's quantity that is under way."""

    id: UUID
    ticket_type_id: UUID
    quantity: int
    request_hash: str


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

    `requests` has the request hash of every ticket type that was ever added, for requests that are repeated.
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
    capacity_change: CapacityChange | None = None
    uncleared: tuple[UUID, ...] | None = None

    @property
    def pool_ids(self) -> list[UUID]:
        """Return the pools of all its ticket types."""
        return [key for of_type in self.pools for key in of_type.pool_ids]

    def pools_of(self, ticket_type_id: UUID) -> tuple[UUID, ...]:
        """Return the pools of one of its ticket types; none before it is published."""
        return next((one.pool_ids for one in self.pools if one.ticket_type_id == ticket_type_id), ())

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
        """Change the details; the venue and the limit per customer can change in a draft only.

        Raises NotFound or ConcertNotDraft.
        """
        current = self.ensure_exists()
        if self.status in _CANCELLED:
            raise ConcertNotDraft("A cancelled concert cannot be changed.", concert_status=self.status)
        fixed = details.venue_id, details.max_per_customer
        if fixed != (current.venue_id, current.max_per_customer):
            self.ensure_draft()
        return [] if details == current else [ConcertDetailsChanged(**_values(details))]

    def schedule(self, starts_at: datetime, ends_at: datetime, now: datetime) -> list[Event]:
        """Set the start and the end of a draft.

        Raises NotFound, ConcertNotDraft or InvalidInput.
        """
        self.ensure_draft()
        starts_at, ends_at = as_utc(starts_at), as_utc(ends_at)
        if ends_at <= starts_at:
            raise InvalidInput("`ends_at` is not after `starts_at`.", (("#/ends_at", "must be after starts_at"),))
        if starts_at <= now:
            raise InvalidInput("`starts_at` is not in the future.", (("#/starts_at", "must be in the future"),))
        if (starts_at, ends_at) == (self.starts_at, self.ends_at):
            return []
        return [ConcertScheduled(start_date=starts_at, end_date=ends_at)]

    def add_ticket_type(self, ticket_type: TicketType, request_hash: str) -> list[Event]:
        """Add a ticket type to a draft; the same request again changes nothing.

        Raises NotFound, ConcertNotDraft, IdempotencyKeyReused, InvalidInput or TooManyTicketTypes.
        """
        self.ensure_exists()
        if ticket_type.id in self.requests:
            if self.requests[ticket_type.id] != request_hash:
                raise IdempotencyKeyReused
            return []
        self.ensure_draft()
        ensure_chargeable(ticket_type.price, "#/price/amount", "A price")
        start, end = ticket_type.sales_start, ticket_type.sales_end
        if start is not None and end is not None and end <= start:
            fields = (("#/sales_end", "must be after sales_start"),)
            raise InvalidInput("`sales_end` is not after `sales_start`.", fields)
        if len(self.ticket_types) >= MAX_TICKET_TYPES:
            detail = f"The concert has {MAX_TICKET_TYPES} ticket types, the most it can have."
            raise TooManyTicketTypes(detail, limit=MAX_TICKET_TYPES)
        return [ConcertTicketTypeAdded(type=ticket_type, request_hash=request_hash)]

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

    def change_capacity(self, change: CapacityChange, limit: int) -> list[Event]:
        """Change a ticket type's quantity in a draft, or start such a change of a published concert.

        Only one change can be under way. `limit` is the most tickets that the pools can have.
        Raises NotFound, ConcertNotPublished, CapacityAbovePools or CapacityChangeInProgress.
        """
        self.ensure_exists()
        ticket_type = self.ticket_types.get(change.ticket_type_id)
        if ticket_type is None:
            raise NotFound("There is no such ticket type.")
        if self.status not in {ConcertStatus.DRAFT, ConcertStatus.PUBLISHED}:
            raise ConcertNotPublished("A cancelled concert cannot be changed.", concert_status=self.status)
        if self.capacity_change is not None:
            raise CapacityChangeInProgress("Another change of the quantity is under way. Please try again.")
        if ticket_type.quantity == change.quantity:
            return []
        facts = {
            "change_id": change.id,
            "ticket_type_id": change.ticket_type_id,
            "quantity": change.quantity,
            "request_hash": change.request_hash,
        }
        if self.status is ConcertStatus.DRAFT:
            return [ConcertCapacityChanged(**facts)]
        if change.quantity > limit:
            raise CapacityAbovePools(f"The quantity is above {limit}, the most that its pools can have.", limit=limit)
        return [ConcertCapacityChangeStarted(**facts)]

    def complete_capacity_change(self, change_id: UUID) -> list[Event]:
        """Record that the pools have the new quantity; completing the change again changes nothing."""
        change = self.capacity_change
        if change is None or change.id != change_id:
            return []
        return [
            ConcertCapacityChanged(
                change_id=change.id,
                ticket_type_id=change.ticket_type_id,
                quantity=change.quantity,
                request_hash=change.request_hash,
            )
        ]

    def refuse_capacity_change(self, change_id: UUID, held: int, sold: int) -> list[Event]:
        """Record that the pools are as they were before; refusing the change again changes nothing."""
        change = self.capacity_change
        if change is None or change.id != change_id:
            return []
        refused = ConcertCapacityChangeRefused(
            change_id=change.id, ticket_type_id=change.ticket_type_id, held=held, sold=sold
        )
        return [refused]

    def publish(self, pools: tuple[PoolsOfTicketType, ...], now: datetime) -> list[Event]:
        """Publish a draft; publishing it again changes nothing.

        Raises NotFound, ConcertNotDraft, ConcertIncomplete or ConcertIsOver.
        """
        self.ensure_exists()
        if self.status is ConcertStatus.PUBLISHED:
            return []
        self.ensure_draft()
        missing = [] if self.starts_at else ["schedule"]
        missing += [] if self.ticket_types else ["ticket_types"]
        if missing:
            raise ConcertIncomplete(f"The concert cannot be published without: {', '.join(missing)}.", missing=missing)
        if self.is_over(now):
            ends_at = format_instant(self.ends_at) if self.ends_at else None
            raise ConcertIsOver("The concert has ended; schedule it anew to publish it.", ends_at=ends_at)
        return [ConcertPublished(pools=pools)]

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
        """Tell whether the concert has ended; one without a date has not."""
        return self.ends_at is not None and self.ends_at <= now

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

    def ensure_exists(self) -> ConcertDetails:
        """Return the details.

        Raises NotFound.
        """
        if self.details is None or self.status is ConcertStatus.DELETED:
            raise NotFound("There is no such concert.")
        return self.details

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
            return replace(concert, ticket_types=types, requests=requests)
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
            return _with_quantity(concert, event)
        case ConcertCapacityChangeRefused():
            return replace(concert, capacity_change=None)
        case ConcertPublished():
            return replace(concert, status=ConcertStatus.PUBLISHED, pools=event.pools)
        case ConcertCancelled():
            return replace(concert, status=ConcertStatus.CANCELLING, capacity_change=None)
        case ConcertPoolsClosed():
            return replace(concert, uncleared=event.uncleared)
        case ConcertCancellationCompleted():
            return replace(concert, status=ConcertStatus.CANCELLED)
    return concert


def _with_quantity(concert: Concert, event: ConcertCapacityChanged) -> Concert:
    types = {
        key: known.model_copy(update={"quantity": event.quantity}) if key == event.ticket_type_id else known
        for key, known in concert.ticket_types.items()
    }
    return replace(concert, ticket_types=types, capacity_change=None)


def _details(event: ConcertCreated | ConcertDetailsChanged) -> ConcertDetails:
    return ConcertDetails(**{item.name: getattr(event, item.name) for item in fields(ConcertDetails)})


def _values(details: ConcertDetails) -> dict[str, Any]:
    return {item.name: getattr(details, item.name) for item in fields(details)}


CONCERT = Aggregate("Concert", Concert(), evolve, owner=lambda concert: concert.organiser_id)
