"""Adds, removes and resizes the areas of concerts, for organisers."""

from collections.abc import Collection
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.ownership import change_owned, owned
from chalicelib.shop.concerts import areas
from chalicelib.shop.concerts.capacity_changes import AreaCapacityChange
from chalicelib.shop.concerts.commands import change_stock
from chalicelib.shop.concerts.concert import CONCERT, Concert
from chalicelib.shop.concerts.events import Area, ConcertAreaAdded
from chalicelib.shop.concerts.on_sale import Confirmation


def add_area(repository: Repository, caller: Caller, concert_id: UUID, name: str, capacity: int) -> tuple[UUID, int]:
    """Add an area to a draft; return its id and the concert's version.

    Raises NotFound, Forbidden, PreconditionFailed, IdempotencyKeyReused, ConcertNotDraft or TooManyAreas.
    """
    area = Area(id=caller.request.id, name=name, capacity=capacity)

    def command(session: Session) -> int:
        concert = owned(session, caller, CONCERT, concert_id)
        events = areas.add_area(concert, area, caller.request.request_hash)
        if not events:
            return _version_added(session, concert_id, area.id)
        session.ensure_version(concert_id, caller.expected_version)
        session.append(CONCERT, concert_id, *events)
        return session.version(concert_id)

    return area.id, repository.execute(command, caller.origin)


def remove_area(repository: Repository, caller: Caller, concert_id: UUID, area_id: UUID) -> int:
    """Remove an area of a draft, and return the version.

    Raises NotFound, Forbidden, PreconditionFailed, ConcertNotDraft or AreaInUse.
    """

    def decide(concert: Concert) -> list[Event]:
        return areas.remove_area(concert, area_id)

    return change_owned(repository, caller, CONCERT, concert_id, decide)


def change_area_capacity(
    repository: Repository,
    caller: Caller,
    concert_id: UUID,
    area_id: UUID,
    capacity: int,
    confirmed: Collection[Confirmation] = (),
) -> int:
    """Give an area more or less capacity, as `change_quantity` does for a ticket type, and return the version."""
    change = AreaCapacityChange(caller.request.id, area_id, capacity, caller.request.request_hash)
    return change_stock(repository, caller, concert_id, change, confirmed)


def _version_added(session: Session, concert_id: UUID, area_id: UUID) -> int:
    recorded = session.find_recorded(concert_id, lambda e: isinstance(e, ConcertAreaAdded) and e.area.id == area_id)
    if recorded is None:
        raise NotFound("There is no such area.")
    return recorded.version
