"""Shows concerts as they were, folded from the log by the code that projects the programme."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.codec import RecordedEvent, aggregate_type_of, recorded
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.readmodels.port import Contents
from chalicelib.platform.readmodels.postgres.tables import fold_changes, storable
from chalicelib.shop.concerts.concert import ConcertStatus
from chalicelib.shop.concerts.events import ConcertEvent, ShownVenue
from chalicelib.shop.concerts.projections import project_concert
from chalicelib.shop.concerts.queries import concert_of_row
from chalicelib.shop.venues.events import VenueCreated, VenueDetailsChanged, VenueEvent

if TYPE_CHECKING:
    from chalicelib.shop.concerts.answers import Concert

MaySee = Callable[[Mapping[str, Any]], bool]


def find_concert_as_of(store: EventStore, concert_id: UUID, point: PointInTime, may_see: MaySee) -> "Concert":
    """Return the concert as it was, with its venue as it was.

    Only somebody who may see today's concert is told what is wrong with the point in time.
    Raises NotFound or Unavailable.
    """
    stream = store.read(concert_id)
    if not stream or aggregate_type_of(stream[0]) != ConcertEvent.aggregate_type:
        raise _no_such_concert()
    try:
        history = point.of(stream)
    except NotFound:
        today = _shown(_row([recorded(event) for event in stream]), None)
        if today is None or not may_see(today):
            raise _no_such_concert() from None
        raise
    row = _row(history.events)
    concert = _shown(row, _venue_copy(row) or _venue_as_of(store, row["venue_id"], PointInTime(history.at)))
    if concert is None or not may_see(concert):
        raise _no_such_concert()
    return concert


def _row(events: list[RecordedEvent]) -> JsonObject:
    """Fold the events into a row as `queries` reads it, without the venue.

    `ticket_types` and `areas` are by id, in the order in which they were added.
    """
    contents: Contents = {}
    for event in events:
        contents = fold_changes(project_concert, contents, event)
    row: JsonObject
    (row,) = contents["concerts"].values()
    return (
        dict.fromkeys(_NULLABLE)
        | row
        | {"ticket_types": contents.get("ticket_types", {}), "areas": contents.get("areas", {})}
    )


_SHOWN = tuple(name for name in ShownVenue.model_fields if name != "coordinates")  # which only a search asks for
_NULLABLE = (
    "organiser_id",
    "venue_id",
    "name",
    "description",
    "genre",
    "image_url",
    "starts_at",
    "ends_at",
    "max_per_customer",
    "refundable_until",
    "venue_name",
    "venue_web_url",
)


def _shown(row: JsonObject, venue: JsonObject | None) -> "Concert | None":
    """Return the concert as the programme shows it; None if it was deleted, or its beginning was never imported."""
    if row["name"] is None or row["status"] == ConcertStatus.DELETED:
        return None
    types = [_ticket_type(ticket_type) for ticket_type in row["ticket_types"].values()]
    areas = [{"id": str(a["id"]), "name": a["name"], "capacity": a["capacity"]} for a in row["areas"].values()]
    return concert_of_row(row | {"venue": venue, "ticket_types": types, "areas": areas})


def _ticket_type(row: Mapping[str, Any]) -> JsonObject:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "price": {"amount": str(row["price_amount"]), "currency": row["price_currency"]},
        "quantity": row["quantity"],
        "max_per_order": row["max_per_order"],
        "sales_start": row.get("sales_start"),
        "sales_end": row.get("sales_end"),
        "area_id": str(row["area_id"]) if row.get("area_id") else None,
        "ceiling": row.get("ceiling"),
    }


def _venue_copy(row: JsonObject) -> JsonObject | None:
    """Return the copy of a venue that a published concert shows; None if it has none."""
    if row["venue_name"] is None:
        return None
    return {"id": str(row["venue_id"]), **{name: row[f"venue_{name}"] for name in _SHOWN}}


def _venue_as_of(store: EventStore, venue_id: UUID | None, point: PointInTime) -> JsonObject | None:
    """Return what a concert shows of its venue; None if there was none yet.

    A deleted venue still has its address.
    """
    stream = [] if venue_id is None else store.read(venue_id)
    if not stream or aggregate_type_of(stream[0]) != VenueEvent.aggregate_type:
        return None
    try:
        events = [recorded.event for recorded in point.of(stream).events]
    except NotFound:
        return None
    described = [event for event in events if isinstance(event, VenueCreated | VenueDetailsChanged)]
    if not described:
        return None
    return {"id": str(venue_id), **storable({name: getattr(described[-1], name) for name in _SHOWN})}


def _no_such_concert() -> NotFound:
    return NotFound("There is no such concert.")
