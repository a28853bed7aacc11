"""Defines the events of a concert."""

from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event, Instant, JsonObject, StoredModel
from chalicelib.platform.money import Money
from chalicelib.shop.venues.events import Coordinates


class TicketType(StoredModel):
    """Describes tickets of one kind.

    `max_per_order` limits the tickets of this type in one order. Without `sales_start` the sale opens at once; without
    `sales_end` it closes when the concert starts. A type with an `area_id` draws from that area's stock, at most
    `ceiling` tickets if that is set; its own `quantity` is 0.
    """

    id: UUID
    name: str
    price: Money
    quantity: int
    max_per_order: int
    sales_start: Instant | None = None
    sales_end: Instant | None = None
    area_id: UUID | None = None
    ceiling: int | None = None


class Area(StoredModel):
    """Describes a part of the house whose stock several ticket types share."""

    id: UUID
    name: str
    capacity: int


class PoolsOfArea(StoredModel):
    """Names the pools over which an area's stock is split, for good."""

    area_id: UUID
    pool_ids: tuple[UUID, ...]


class PoolsOfTicketType(StoredModel):
    """Names the pools over which a ticket type's stock is split, for good."""

    ticket_type_id: UUID
    pool_ids: tuple[UUID, ...]


class ShownVenue(StoredModel):
    """Copies what a published concert shows of its venue; whoever owns the venue cannot change it."""

    name: str
    address: str
    city: str
    country: str
    time_zone: str
    web_url: str | None = None
    coordinates: Coordinates | None = None


class ConcertEvent(Event, aggregate="Concert"):
    """Base of the events of one concert."""


class ConcertCreated(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCreatedEvent"):
    """Records that an organiser created a concert, as a draft.

    `max_per_customer` limits the tickets of all types that one person may hold or have bought; None means no limit.
    `organiser_id` is None in concerts of the original, which had no owners.
    """

    organiser_id: UUID | None = None
    name: str
    venue_id: UUID
    description: str = ""
    genre: str | None = None
    image_url: str | None = None
    max_per_customer: int | None = None
    request_hash: str = ""


class ConcertDetailsChanged(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertDetailsChangedEvent"):
    """Records that the concert's details were changed, and has all of them as they are now."""

    name: str
    venue_id: UUID
    description: str = ""
    genre: str | None = None
    image_url: str | None = None
    max_per_customer: int | None = None


class ConcertScheduled(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertScheduledEvent"):
    """Records that the concert was given its start and its end."""

    start_date: Instant
    end_date: Instant


class ConcertTicketTypeAdded(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertTicketTypeAddedEvent"):
    """Records that a ticket type was added to the concert.

    The ticket type is stored under `Type`, where the original put it. `pool_ids` are its pools, if the concert was
    published before; otherwise they are None, and the publication has them.
    """

    type: TicketType
    request_hash: str = ""
    pool_ids: tuple[UUID, ...] | None = None


class ConcertTicketTypeChanged(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertTicketTypeChangedEvent"
):
    """Records that a ticket type's name, price, limit or sales window was changed.

    It has all of them as they are now, for tickets that nobody holds or has bought yet.
    """

    ticket_type_id: UUID
    name: str
    price: Money
    max_per_order: int
    sales_start: Instant | None = None
    sales_end: Instant | None = None


class ConcertTicketTypeRemoved(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertTicketTypeRemovedEvent"
):
    """Records that a ticket type was removed from the concert."""

    ticket_type_id: UUID


class ConcertAreaAdded(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertAreaAddedEvent"):
    """Records that an area was added to the concert."""

    area: Area
    request_hash: str = ""


class ConcertAreaRemoved(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertAreaRemovedEvent"):
    """Records that an area, from which no ticket type drew any more, was removed from the concert."""

    area_id: UUID


class ConcertAreaCapacityChangeStarted(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertAreaCapacityChangeStartedEvent"
):
    """Records that a change of a published area's capacity has begun, which then changes its pools one by one."""

    change_id: UUID
    area_id: UUID
    capacity: int
    request_hash: str = ""


class ConcertAreaCapacityChanged(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertAreaCapacityChangedEvent"
):
    """Records that the area now has this capacity.

    If it is on sale, its pools have that capacity already.
    """

    change_id: UUID
    area_id: UUID
    capacity: int
    request_hash: str = ""


class ConcertAreaCapacityChangeRefused(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertAreaCapacityChangeRefusedEvent"
):
    """Records that a lower capacity was refused, as `ConcertCapacityChangeRefused` does for a ticket type."""

    change_id: UUID
    area_id: UUID
    held: int
    sold: int


class ConcertCapacityChangeStarted(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCapacityChangeStartedEvent"
):
    """Records that a change of a published ticket type's quantity has begun.

    The pools are then changed one by one, until together they have `quantity`.
    """

    change_id: UUID
    ticket_type_id: UUID
    quantity: int
    request_hash: str = ""


class ConcertCapacityChanged(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCapacityChangedEvent"):
    """Records that the ticket type now has `quantity` tickets.

    If it is on sale, its pools have that capacity already.
    """

    change_id: UUID
    ticket_type_id: UUID
    quantity: int
    request_hash: str = ""


class ConcertCapacityChangeRefused(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCapacityChangeRefusedEvent"
):
    """Records that a lower quantity was refused, because too many tickets were held and sold.

    Whatever the pools had given up for the change was given back before.
    """

    change_id: UUID
    ticket_type_id: UUID
    held: int
    sold: int


class ConcertPublished(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertPublishedEvent"):
    """Records that the concert was published and can be found.

    Its tickets are for sale once all its pools are open. Concerts of the original have no pools. `pools` has the ticket
    types with a stock of their own, `areas` the stocks that the others share. `venue` is None in concerts that were
    published before venues were copied; those show their venue as it is now.
    """

    pools: tuple[PoolsOfTicketType, ...] = ()
    areas: tuple[PoolsOfArea, ...] | None = None
    venue: ShownVenue | None = None


class ConcertMoved(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertMovedEvent"):
    """Records that a published concert was given another date, another venue, or both, and has all of them.

    Tickets stay valid. Who bought one before `at` may have the money back until just before `refundable_until`; None
    gives no such right, and takes none away.
    """

    start_date: Instant
    end_date: Instant
    venue_id: UUID
    venue: ShownVenue | None = None
    refundable_until: Instant | None = None
    at: Instant


class ConcertPostponed(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertPostponedEvent"):
    """Records that a published concert was postponed, and has no date until it is moved to one.

    Tickets stay valid, and none is sold meanwhile. `refundable_until` means what it means in `ConcertMoved`.
    """

    refundable_until: Instant | None = None
    at: Instant


class ConcertVenueDescribed(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertVenueDescribedEvent"):
    """Records that the organiser changed what a published concert shows of its venue."""

    venue: ShownVenue


class ConcertSalesClosed(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertSalesClosedEvent"):
    """Records that the organiser closed the sales of a published concert until they are opened again.

    What is held by then can still be bought.
    """


class ConcertSalesOpened(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertSalesOpenedEvent"):
    """Records that the organiser opened sales that had been closed.

    Each ticket type is on sale in its own window.
    """


class ConcertTermsChanged(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertTermsChangedEvent"):
    """Records that these ticket types of a published concert are sold on other terms, those of the events before it.

    Their `pool_count` pools then get the terms one by one, under `terms_version`, which rises with every such change.
    """

    terms_version: int
    ticket_type_ids: tuple[UUID, ...]
    pool_count: int


class ConcertTermsApplied(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertTermsAppliedEvent"):
    """Records that all pools have the terms of this version, so that nothing is held on older ones any more."""

    terms_version: int


class ConcertCancelled(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCancelledEvent"):
    """Records that the concert was cancelled.

    Its pools are then closed, and its orders cancelled or refunded.
    """


class ConcertPoolsClosed(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertPoolsClosedEvent"):
    """Records that all pools of the cancelled concert are closed.

    `uncleared` are those with orders that still have to decide. All others are cleared.
    """

    uncleared: tuple[UUID, ...]


class ConcertCancellationCompleted(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCancellationCompletedEvent"
):
    """Records that every pool of the cancelled concert is closed and cleared.

    No order waits for the concert's tickets any more, and none has a valid one.
    """


class ConcertDeleted(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertDeletedEvent"):
    """Records that a draft of a concert was deleted."""


@ConcertCreated.upcaster(from_version=0)
def _concert_from_the_original(data: JsonObject) -> JsonObject:
    """Give a name to concerts of the original, which checked none."""
    return data | {"Name": data.get("Name") or ""}


@ConcertTicketTypeAdded.upcaster(from_version=0)
def _ticket_type_from_the_original(data: JsonObject) -> JsonObject:
    """Turn the bare price of the original into euros, and set the limit that it lacked."""
    ticket_type = dict(data["Type"])
    price = {"Amount": f"{ticket_type.get('Price') or 0:.2f}", "Currency": "EUR"}
    name = ticket_type.get("Name") or ""
    return data | {"Type": ticket_type | {"Name": name, "Price": price, "MaxPerOrder": 10}}
