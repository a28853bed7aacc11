"""Moves and postpones published concerts, opens and closes their sales, changes their terms, for organisers."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.concerts import living
from chalicelib.shop.concerts.commands import shown_venue, usable_venue
from chalicelib.shop.concerts.concert import Concert
from chalicelib.shop.concerts.living import ConcertPlace, place_of
from chalicelib.shop.concerts.on_sale import Confirmation, ensure_within_capacity
from chalicelib.shop.concerts.terms import Changed, change_with_terms
from chalicelib.shop.concerts.windows import ConcertDates


def move_concert(
    repository: Repository,
    caller: Caller,
    concert_id: UUID,
    schedule: ConcertDates | None,
    venue_id: UUID | None,
    refundable_until: datetime | None,
    confirmed: Collection[Confirmation] = (),
) -> Changed:
    """Move a published concert to another date, to a venue as that is now, or both; what is None stays.

    Raises NotFound, Forbidden, PreconditionFailed, OverCapacity for another venue, or what `living.move` raises.
    """

    def decide(session: Session, concert: Concert) -> list[Event]:
        concert.ensure_published()
        place = place_of(concert)
        if venue_id is not None:
            venue = usable_venue(session, concert.organiser_id, venue_id)
            if venue_id != place.venue_id:
                ensure_within_capacity(concert, venue.capacity, confirmed)
            place = ConcertPlace(venue_id, shown_venue(venue))
        return living.move(concert, schedule, place, refundable_until, session.now)

    return change_with_terms(repository, caller, concert_id, decide)


def postpone_concert(
    repository: Repository, caller: Caller, concert_id: UUID, refundable_until: datetime | None
) -> Changed:
    """Take the date of a published concert away, and pause its sales until it is moved to another one.

    Raises NotFound, Forbidden, PreconditionFailed, or what `living.postpone` raises.
    """

    def decide(session: Session, concert: Concert) -> list[Event]:
        return living.postpone(concert, refundable_until, session.now)

    return change_with_terms(repository, caller, concert_id, decide)


def close_sales(repository: Repository, caller: Caller, concert_id: UUID) -> Changed:
    """Stop selling until the sales are opened again; what is held can still be bought.

    Raises NotFound, Forbidden, PreconditionFailed or ConcertNotPublished.
    """
    return change_with_terms(repository, caller, concert_id, lambda _, concert: living.close_sales(concert))


def open_sales(repository: Repository, caller: Caller, concert_id: UUID) -> Changed:
    """Sell again after the sales were closed.

    Raises NotFound, Forbidden, PreconditionFailed or ConcertNotPublished.
    """
    return change_with_terms(repository, caller, concert_id, lambda _, concert: living.open_sales(concert))


def describe_venue(repository: Repository, caller: Caller, concert_id: UUID, changes: dict[str, Any]) -> Changed:
    """Change what a published concert shows of its venue.

    Raises NotFound, Forbidden, PreconditionFailed or ConcertNotPublished.
    """
    return change_with_terms(repository, caller, concert_id, lambda _, concert: living.describe_venue(concert, changes))


def change_ticket_type(
    repository: Repository, caller: Caller, concert_id: UUID, ticket_type_id: UUID, changes: dict[str, Any]
) -> Changed:
    """Change a ticket type's name, price, limit or sales window, for what nobody holds or has bought yet.

    Raises NotFound, Forbidden, PreconditionFailed, or what `living.change_ticket_type` raises.
    """

    def decide(session: Session, concert: Concert) -> list[Event]:
        return living.change_ticket_type(concert, ticket_type_id, changes, session.now)

    return change_with_terms(repository, caller, concert_id, decide)
