"""What can happen to a concert."""

from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event, Instant, JsonObject, StoredModel
from chalicelib.platform.money import Money


class TicketType(StoredModel):
    """Tickets of one kind. `max_per_order` counts tickets of this type in one order; a sales window without a start
    opens at once, one without an end closes when the concert starts."""

    id: UUID
    name: str
    price: Money
    quantity: int
    max_per_order: int
    sales_start: Instant | None = None
    sales_end: Instant | None = None


class PoolsOfTicketType(StoredModel):
    """The pools over which a ticket type's stock is dealt, for good."""

    ticket_type_id: UUID
    pool_ids: tuple[UUID, ...]


class ConcertEvent(Event, aggregate="Concert"):
    """A fact about one concert."""


class ConcertCreated(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCreatedEvent"):
    """`organiser_id` is None in concerts of the original, which had no owners. `max_per_customer` counts the tickets of
    all types that one person may have, held or bought; None: any number."""

    organiser_id: UUID | None = None
    name: str
    venue_id: UUID
    description: str = ""
    genre: str | None = None
    image_url: str | None = None
    max_per_customer: int | None = None
    request_hash: str = ""


class ConcertDetailsChanged(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertDetailsChangedEvent"):
    """All details as they are from now on."""

    name: str
    venue_id: UUID
    description: str = ""
    genre: str | None = None
    image_url: str | None = None
    max_per_customer: int | None = None


class ConcertScheduled(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertScheduledEvent"):
    start_date: Instant
    end_date: Instant


class ConcertTicketTypeAdded(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertTicketTypeAddedEvent"):
    """The ticket type stands under `Type`, where the original put it."""

    type: TicketType
    request_hash: str = ""


class ConcertTicketTypeRemoved(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertTicketTypeRemovedEvent"
):
    ticket_type_id: UUID


class ConcertCapacityChangeStarted(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCapacityChangeStartedEvent"
):
    """The pools of the published ticket type are about to be changed, one by one, until they have `quantity`."""

    change_id: UUID
    ticket_type_id: UUID
    quantity: int
    request_hash: str = ""


class ConcertCapacityChanged(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCapacityChangedEvent"):
    """The ticket type has `quantity` tickets from now on, and so have its pools, if it is on sale."""

    change_id: UUID
    ticket_type_id: UUID
    quantity: int
    request_hash: str = ""


class ConcertCapacityChangeRefused(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCapacityChangeRefusedEvent"
):
    """More tickets were held and sold than the new quantity: what had been lowered was given back."""

    change_id: UUID
    ticket_type_id: UUID
    held: int
    sold: int


class ConcertPublished(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertPublishedEvent"):
    """From now on the concert can be found; tickets are for sale once all its pools are open. Concerts of the original
    have no pools."""

    pools: tuple[PoolsOfTicketType, ...] = ()


class ConcertCancelled(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCancelledEvent"):
    """The concert does not take place: its pools are closed from now on, and its orders cancelled and refunded."""


class ConcertCancellationCompleted(
    ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertCancellationCompletedEvent"
):
    """Every pool is closed and cleared: no order waits for the concert's tickets or has a valid one any more."""


class ConcertDeleted(ConcertEvent, stored_as="Cloudbash.Domain.Concerts.Events.ConcertDeletedEvent"):
    """The concert was never sold and is gone."""


@ConcertCreated.upcaster(from_version=0)
def _concert_from_the_original(data: JsonObject) -> JsonObject:
    """The original checked no names."""
    return data | {"Name": data.get("Name") or ""}


@ConcertTicketTypeAdded.upcaster(from_version=0)
def _ticket_type_from_the_original(data: JsonObject) -> JsonObject:
    """The original had a bare price, in euros, and no limits."""
    ticket_type = dict(data["Type"])
    price = {"Amount": f"{ticket_type.get('Price') or 0:.2f}", "Currency": "EUR"}
    name = ticket_type.get("Name") or ""
    return data | {"Type": ticket_type | {"Name": name, "Price": price, "MaxPerOrder": 10}}
