"""Projects concerts and their ticket types into the programme."""

from typing import Any

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.postgres.tables import Alter, Change, Put, Remove, put, storable
from chalicelib.platform.search.letters import plain
from chalicelib.platform.search.names import indexed
from chalicelib.shop.concerts.concert import ConcertStatus
from chalicelib.shop.concerts.events import (
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCapacityChanged,
    ConcertCreated,
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertEvent,
    ConcertPublished,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeRemoved,
)


def project_concert(recorded: RecordedEvent) -> list[Change]:
    concert: Change = put("concerts", recorded, _columns(recorded), {"status": ConcertStatus.DRAFT.value})
    match recorded.event:
        case ConcertTicketTypeAdded() as event:
            return [concert, _ticket_type(recorded, event)]
        case ConcertCapacityChanged() as event:
            key = {"concert_id": recorded.stream_id, "id": event.ticket_type_id}
            return [concert, Alter("ticket_types", key, {"quantity": event.quantity})]
        case ConcertTicketTypeRemoved() as event:
            key = {"concert_id": recorded.stream_id, "id": event.ticket_type_id}
            return [concert, Remove("ticket_types", key)]
    return [concert]


def _columns(recorded: RecordedEvent) -> dict[str, Any]:
    match recorded.event:
        case ConcertCreated() as event:
            return {"organiser_id": event.organiser_id, **_details(event)}
        case ConcertDetailsChanged() as event:
            return _details(event)
        case ConcertScheduled() as event:
            return {"starts_at": event.start_date, "ends_at": event.end_date}
        case ConcertPublished():
            return {"status": ConcertStatus.PUBLISHED.value}
        case ConcertCancelled():
            return {"status": ConcertStatus.CANCELLING.value}
        case ConcertCancellationCompleted():
            return {"status": ConcertStatus.CANCELLED.value}
        case ConcertDeleted():
            return {"status": ConcertStatus.DELETED.value}
    return {}


def _details(event: ConcertCreated | ConcertDetailsChanged) -> dict[str, Any]:
    found_by = indexed(event.name)
    return {
        "name": event.name,
        "name_terms": found_by.terms,
        "name_words": found_by.words,
        "name_length": found_by.length,
        "venue_id": event.venue_id,
        "description": event.description,
        "genre": event.genre,
        "genre_key": None if event.genre is None else plain(event.genre),
        "image_url": event.image_url,
        "max_per_customer": event.max_per_customer,
    }


def _ticket_type(recorded: RecordedEvent, event: ConcertTicketTypeAdded) -> Put:
    """Return the row of the ticket type; one whose event is applied again keeps its place in the order."""
    ticket_type = event.type
    columns = {
        "name": ticket_type.name,
        "price_amount": ticket_type.price.amount,
        "price_currency": ticket_type.price.currency,
        "quantity": ticket_type.quantity,
        "max_per_order": ticket_type.max_per_order,
        "sales_start": ticket_type.sales_start,
        "sales_end": ticket_type.sales_end,
    }
    key = {"concert_id": recorded.stream_id, "id": ticket_type.id}
    return Put("ticket_types", key, storable(columns), {"added_at_version": recorded.version})


PROJECTORS = {ConcertEvent.aggregate_type: project_concert}
