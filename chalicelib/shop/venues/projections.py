"""Projects venues into the programme."""

from typing import Any

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.postgres.tables import Change, put
from chalicelib.platform.search.letters import plain
from chalicelib.platform.search.names import indexed
from chalicelib.shop.venues.events import VenueCreated, VenueDeleted, VenueDetailsChanged, VenueEvent


def project_venue(recorded: RecordedEvent) -> list[Change]:
    """Write the row of a venue; a deleted venue keeps its row, because concerts still name it."""
    return [put("venues", recorded, _columns(recorded), {"deleted": False, "shared": False})]


def _columns(recorded: RecordedEvent) -> dict[str, Any]:
    match recorded.event:
        case VenueCreated() as event:
            return {"organiser_id": event.organiser_id, **_details(event)}
        case VenueDetailsChanged() as event:
            return _details(event)
        case VenueDeleted():
            return {"deleted": True}
    return {}


def _details(event: VenueCreated | VenueDetailsChanged) -> dict[str, Any]:
    coordinates = event.coordinates
    return {
        "name": event.name,
        "description": event.description,
        "capacity": event.capacity,
        "address": event.address,
        "city": event.city,
        "country": event.country,
        "time_zone": event.time_zone,
        "web_url": event.web_url,
        "place_terms": indexed(f"{event.city} {event.name} {event.country}").terms,
        "city_key": plain(event.city),
        "latitude": coordinates and coordinates.latitude,
        "longitude": coordinates and coordinates.longitude,
        "shared": event.shared,
    }


PROJECTORS = {VenueEvent.aggregate_type: project_venue}
