"""Creates, changes and deletes venues, for organisers."""

from collections.abc import Callable
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.ownership import change_owned
from chalicelib.shop.venues.venue import VENUE, Venue, VenueDetails, VenueNotShared, VenueWasDeleted

__all__ = [
    "VenueDetails",
    "VenueNotShared",
    "VenueWasDeleted",
    "change_venue",
    "create_venue",
    "delete_venue",
    "ensure_venue_usable",
    "find_venue",
]


def create_venue(
    repository: Repository, caller: Caller, details: VenueDetails, organiser_id: UUID | None = None
) -> UUID:
    """Create a venue of the organiser, or else of whom the caller acts for; return its id. Its version is 0.

    Raises:
        Forbidden: the caller does not work for the organiser.
        InvalidInput: the caller works for several and names none.
        IdempotencyKeyReused: another request has used the key.
    """
    venue_id, owner_id = caller.request.id, caller.actor.organiser(organiser_id)

    def command(session: Session) -> None:
        venue = session.load(VENUE, venue_id, Load.ASSUME_EMPTY)
        events = venue.create(owner_id, details, caller.request.request_hash)
        session.append(VENUE, venue_id, *events)

    repository.execute(command, caller.origin)
    return venue_id


def change_venue(
    repository: Repository, caller: Caller, venue_id: UUID, amend: Callable[[VenueDetails], VenueDetails]
) -> int:
    """Change the details by `amend`, which gets the current ones, and return the version.

    Raises:
        NotFound: there is no such venue.
        Forbidden: it belongs to another organiser.
        PreconditionFailed: the expected version is not the current one.
    """

    def decide(venue: Venue) -> list[Event]:
        return venue.change_details(amend(venue.ensure_exists()))

    return change_owned(repository, caller, VENUE, venue_id, decide)


def delete_venue(repository: Repository, caller: Caller, venue_id: UUID) -> int:
    """Delete the venue and return the version.

    Raises:
        NotFound: there is no such venue.
        Forbidden: it belongs to another organiser.
        PreconditionFailed: the expected version is not the current one.
    """
    return change_owned(repository, caller, VENUE, venue_id, Venue.delete)


def ensure_venue_usable(session: Session, venue_id: UUID, organiser_id: UUID | None) -> VenueDetails:
    """Read the venue as it is now, for a concert of the organiser.

    Raises:
        NotFound: there is no such venue.
        VenueWasDeleted: there is none any more.
        VenueNotShared: it belongs to another organiser.
    """
    return session.load(VENUE, venue_id, Load.FRESH).ensure_usable(organiser_id)


def find_venue(repository: Repository, venue_id: UUID) -> VenueDetails | None:
    """Return the venue as the log has it now, also a deleted one; None if there never was one. Raises Unavailable."""
    venue, _ = repository.load(VENUE, venue_id)
    return venue.details
