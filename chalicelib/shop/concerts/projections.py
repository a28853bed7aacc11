"""Projects concerts and their ticket types into the programme."""

from typing import Any

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.postgres.tables import Alter, Change, Put, Remove, put, storable
from chalicelib.platform.search.letters import plain
from chalicelib.platform.search.names import indexed
from chalicelib.shop.concerts.concert import ConcertStatus
from chalicelib.shop.concerts.events import (
    ConcertAreaAdded,
    ConcertAreaCapacityChanged,
    ConcertAreaRemoved,
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCapacityChanged,
    ConcertCreated,
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertEvent,
    ConcertMoved,
    ConcertPostponed,
    ConcertPublished,
    ConcertSalesClosed,
    ConcertSalesOpened,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeChanged,
    ConcertTicketTypeRemoved,
    ConcertVenueDescribed,
    ShownVenue,
    TicketType,
)

_COPIED = sorted(ShownVenue.model_fields.keys() - {"coordinates"})
_SHOWN = [f"venue_{name}" for name in (*_COPIED, "place_terms", "city_key", "latitude", "longitude")]
_INITIAL = {"status": ConcertStatus.DRAFT.value, "postponed": False, "sales_closed": False}


def project_concert(recorded: RecordedEvent) -> list[Change]:
    concert: Change = put("concerts", recorded, _columns(recorded), _INITIAL)
    match recorded.event:
        case ConcertTicketTypeAdded() as event:
            return [concert, _ticket_type(recorded, event)]
        case ConcertCapacityChanged() as event:
            key = {"concert_id": recorded.stream_id, "id": event.ticket_type_id}
            return [concert, Alter("ticket_types", key, {"quantity": event.quantity})]
        case ConcertTicketTypeChanged() as event:
            key = {"concert_id": recorded.stream_id, "id": event.ticket_type_id}
            return [concert, Alter("ticket_types", key, storable(_terms(event)))]
        case ConcertTicketTypeRemoved() as event:
            key = {"concert_id": recorded.stream_id, "id": event.ticket_type_id}
            return [concert, Remove("ticket_types", key)]
        case ConcertAreaAdded() as event:
            key = {"concert_id": recorded.stream_id, "id": event.area.id}
            area = storable({"name": event.area.name, "capacity": event.area.capacity})
            return [concert, Put("areas", key, area, {"added_at_version": recorded.version})]
        case ConcertAreaCapacityChanged() as event:
            key = {"concert_id": recorded.stream_id, "id": event.area_id}
            return [concert, Alter("areas", key, {"capacity": event.capacity})]
        case ConcertAreaRemoved() as event:
            return [concert, Remove("areas", {"concert_id": recorded.stream_id, "id": event.area_id})]
    return [concert]


def _columns(recorded: RecordedEvent) -> dict[str, Any]:
    match recorded.event:
        case ConcertCreated() as event:
            return {"organiser_id": event.organiser_id, **_details(event)}
        case ConcertDetailsChanged() as event:
            return _details(event)
        case ConcertScheduled() as event:
            return {"starts_at": event.start_date, "ends_at": event.end_date}
        case ConcertPublished() as event:
            return {"status": ConcertStatus.PUBLISHED.value, **_shown(event.venue)}
        case ConcertCancelled():
            return {"status": ConcertStatus.CANCELLING.value}
        case ConcertCancellationCompleted():
            return {"status": ConcertStatus.CANCELLED.value}
        case ConcertDeleted():
            return {"status": ConcertStatus.DELETED.value}
    return _columns_of_life(recorded)


def _columns_of_life(recorded: RecordedEvent) -> dict[str, Any]:
    match recorded.event:
        case ConcertMoved() as event:
            dates = {"starts_at": event.start_date, "ends_at": event.end_date, "postponed": False}
            return {**dates, "venue_id": event.venue_id, **_shown(event.venue), **_promise(event)}
        case ConcertPostponed() as event:
            return {"starts_at": None, "ends_at": None, "postponed": True, **_promise(event)}
        case ConcertVenueDescribed() as event:
            return _shown(event.venue)
        case ConcertSalesClosed():
            return {"sales_closed": True}
        case ConcertSalesOpened():
            return {"sales_closed": False}
    return {}


def _shown(venue: ShownVenue | None) -> dict[str, Any]:
    """Return the columns of the copied venue; without a copy, queries look at the venue itself."""
    if venue is None:
        return dict.fromkeys(_SHOWN)
    shown = {name: getattr(venue, name) for name in _COPIED}
    shown |= {
        "place_terms": indexed(f"{venue.city} {venue.name} {venue.country}").terms,
        "city_key": plain(venue.city),
        "latitude": venue.coordinates and venue.coordinates.latitude,
        "longitude": venue.coordinates and venue.coordinates.longitude,
    }
    return {f"venue_{name}": value for name, value in shown.items()}


def _promise(event: ConcertMoved | ConcertPostponed) -> dict[str, Any]:
    return {} if event.refundable_until is None else {"refundable_until": event.refundable_until}


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
    own = {"quantity": ticket_type.quantity, "area_id": ticket_type.area_id, "ceiling": ticket_type.ceiling}
    columns = {**own, **_terms(ticket_type)}
    key = {"concert_id": recorded.stream_id, "id": ticket_type.id}
    return Put("ticket_types", key, storable(columns), {"added_at_version": recorded.version})


def _terms(described: TicketType | ConcertTicketTypeChanged) -> dict[str, Any]:
    return {
        "name": described.name,
        "price_amount": described.price.amount,
        "price_currency": described.price.currency,
        "max_per_order": described.max_per_order,
        "sales_start": described.sales_start,
        "sales_end": described.sales_end,
    }


PROJECTORS = {ConcertEvent.aggregate_type: project_concert}
