"""Defines the venue: its details and its owner."""

from dataclasses import dataclass, replace
from uuid import UUID

from chalicelib.platform.errors import IdempotencyKeyReused, NotFound, RuleViolated
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.venues.events import Coordinates, VenueCreated, VenueDeleted, VenueDetailsChanged


class VenueWasDeleted(NotFound):
    """The venue is there no more, other than one that never was."""


class VenueNotShared(RuleViolated):
    """The venue belongs to another organiser, who does not share it."""

    code = "venue_not_shared"


@dataclass(frozen=True, slots=True)
class VenueDetails:
    """Describes a venue. `time_zone` is an IANA name, `capacity` in persons; a `shared` one takes all concerts."""

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


@dataclass(frozen=True, slots=True)
class Venue:
    details: VenueDetails | None = None
    organiser_id: UUID | None = None
    request_hash: str = ""
    deleted: bool = False

    def create(self, organiser_id: UUID, details: VenueDetails, request_hash: str) -> list[Event]:
        """Create the venue; the same request again changes nothing.

        Raises:
            IdempotencyKeyReused: another request made this venue.
        """
        if self.details is not None:
            if self.request_hash != request_hash:
                raise IdempotencyKeyReused
            return []
        return [VenueCreated(organiser_id=organiser_id, request_hash=request_hash, **_fields(details))]

    def change_details(self, details: VenueDetails) -> list[Event]:
        """Replace the details.

        Raises:
            NotFound: there is no such venue, or it was deleted.
        """
        self.ensure_exists()
        return [] if details == self.details else [VenueDetailsChanged(**_fields(details))]

    def delete(self) -> list[Event]:
        """Delete the venue; deleting it again changes nothing.

        Raises:
            NotFound: there never was such a venue.
        """
        if self.details is None:
            raise NotFound("There is no such venue.")
        return [] if self.deleted else [VenueDeleted()]

    def ensure_usable(self, organiser_id: UUID | None) -> VenueDetails:
        """Return the details, if the organiser's concerts may be held here; a venue without owner takes all.

        Raises:
            NotFound: there is no such venue, or it was deleted.
            VenueNotShared: it belongs to another organiser.
        """
        details = self.ensure_exists()
        if not details.shared and self.organiser_id not in {None, organiser_id}:
            raise VenueNotShared("The venue belongs to another organiser, who does not share it.")
        return details

    def ensure_exists(self) -> VenueDetails:
        """Return the details.

        Raises:
            NotFound: there is no such venue, or it was deleted.
        """
        if self.details is None:
            raise NotFound("There is no such venue.")
        if self.deleted:
            raise VenueWasDeleted("There is no such venue.")
        return self.details


def evolve(venue: Venue, event: Event) -> Venue:
    match event:
        case VenueCreated():
            return Venue(_details(event), event.organiser_id, event.request_hash)
        case VenueDetailsChanged():
            return replace(venue, details=_details(event))
        case VenueDeleted():
            return replace(venue, deleted=True)
    return venue


def _details(event: VenueCreated | VenueDetailsChanged) -> VenueDetails:
    return VenueDetails(**{name: getattr(event, name) for name in VenueDetails.__slots__})


def _fields(details: VenueDetails) -> dict[str, object]:
    return {name: getattr(details, name) for name in VenueDetails.__slots__}


VENUE = Aggregate("Venue", Venue(), evolve, owner=lambda venue: venue.organiser_id)
