"""Defines the events of a venue."""

from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event, JsonObject, StoredModel


class Coordinates(StoredModel):
    """Says where on earth a venue is, in degrees (WGS 84): north and east are positive."""

    latitude: float
    longitude: float


class VenueEvent(Event, aggregate="Venue"):
    """Base of the events of one venue."""


class VenueCreated(VenueEvent, stored_as="Cloudbash.Domain.Venues.Events.VenueCreatedEvent"):
    """Records that an organiser created a venue.

    `organiser_id` is None in venues of the original, which had no owners. A `shared` venue takes concerts of all
    organisers, any other only those of its own.
    """

    organiser_id: UUID | None = None
    name: str
    description: str
    capacity: int
    address: str
    city: str
    country: str
    time_zone: str
    web_url: str | None = None
    coordinates: Coordinates | None = None
    shared: bool = False
    request_hash: str = ""


class VenueDetailsChanged(VenueEvent, stored_as="Cloudbash.Domain.Venues.Events.VenueDetailsChangedEvent"):
    """Records that the venue's details were changed, and has all of them as they are now."""

    name: str
    description: str
    capacity: int
    address: str
    city: str
    country: str
    time_zone: str
    web_url: str | None = None
    coordinates: Coordinates | None = None
    shared: bool = False


class VenueDeleted(VenueEvent, stored_as="Cloudbash.Domain.Venues.Events.VenueDeletedEvent"):
    """Records that the venue was deleted and is no longer offered for new concerts.

    Published concerts keep what they show of it.
    """


@VenueCreated.upcaster(from_version=0)
def _from_the_original(data: JsonObject) -> JsonObject:
    """Fill the fields that the original lacked: it had an address in one line, and no time zone."""
    unknown = {"City": "", "Country": "", "TimeZone": "UTC"}
    return unknown | {name: "" if value is None else value for name, value in data.items()}
