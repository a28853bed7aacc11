"""What an organiser can do with a venue."""

from collections.abc import Callable
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.ownership import change_owned
from chalicelib.shop.venues.venue import VENUE, Venue, VenueDetails


def create_venue(repository: Repository, caller: Caller, details: VenueDetails) -> UUID:
    """The new venue's id; its version is 0. Raises IdempotencyKeyReused."""
    venue_id = caller.request.id

    def command(session: Session) -> None:
        venue = session.load(VENUE, venue_id, Load.ASSUME_EMPTY)
        events = venue.create(caller.actor.id, details, caller.request.request_hash)
        session.append(VENUE, venue_id, *events)

    repository.execute(command, caller.origin)
    return venue_id


def change_venue(
    repository: Repository, caller: Caller, venue_id: UUID, amend: Callable[[VenueDetails], VenueDetails]
) -> int:
    """`amend` gives the new details from the current ones. Returns the version.

    Raises NotFound, Forbidden or PreconditionFailed.
    """

    def decide(venue: Venue) -> list[Event]:
        return venue.change_details(amend(venue.ensure_exists()))

    return change_owned(repository, caller, VENUE, venue_id, decide)


def delete_venue(repository: Repository, caller: Caller, venue_id: UUID) -> int:
    """Returns the version. Raises NotFound, Forbidden or PreconditionFailed."""
    return change_owned(repository, caller, VENUE, venue_id, Venue.delete)


def ensure_venue_exists(session: Session, venue_id: UUID) -> VenueDetails:
    """The venue as it is now, for commands of other contexts. Raises NotFound."""
    return session.load(VENUE, venue_id, Load.FRESH).ensure_exists()
