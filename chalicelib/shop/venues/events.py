"""What can happen to a venue."""

from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event, JsonObject


class VenueEvent(Event, aggregate="Venue"):
    """A fact about one venue."""


class VenueCreated(VenueEvent, stored_as="Cloudbash.Domain.Venues.Events.VenueCreatedEvent"):
    """`organiser_id` is None in venues of the original, which had no owners."""

    organiser_id: UUID | None = None
    name: str
    description: str
    capacity: int
    address: str
    city: str
    country: str
    time_zone: str
    web_url: str | None = None
    request_hash: str = ""


class VenueDetailsChanged(VenueEvent, stored_as="Cloudbash.Domain.Venues.Events.VenueDetailsChangedEvent"):
    """All details as they are from now on."""

    name: str
    description: str
    capacity: int
    address: str
    city: str
    country: str
    time_zone: str
    web_url: str | None = None


class VenueDeleted(VenueEvent, stored_as="Cloudbash.Domain.Venues.Events.VenueDeletedEvent"):
    """The venue is no longer offered for new concerts; those that name it keep it."""


@VenueCreated.upcaster(from_version=0)
def _from_the_original(data: JsonObject) -> JsonObject:
    """The original knew an address in one line, and no time zone."""
    unknown = {"City": "", "Country": "", "TimeZone": "UTC"}
    return unknown | {name: "" if value is None else value for name, value in data.items()}
