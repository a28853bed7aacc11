"""Says over which pools a concert goes on sale, and what its organiser may have to confirm."""

from collections.abc import Collection
from contextlib import suppress
from enum import StrEnum

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.store import MAX_COMMIT_ITEMS
from chalicelib.shop.concerts.areas import OverCapacity, offered_by
from chalicelib.shop.concerts.concert import Concert, ConcertStatus
from chalicelib.shop.concerts.events import PoolsOfArea, PoolsOfTicketType
from chalicelib.shop.inventory.commands import pools_of
from chalicelib.shop.venues.commands import VenueNotShared, VenueWasDeleted, ensure_venue_usable

AREA_POOLS_A_COMMIT = MAX_COMMIT_ITEMS // 2
"""A pool of an area knows up to 50 ticket types, 60 KB with the longest names, and a transaction takes 4 MB."""


class Confirmation(StrEnum):
    """Names what an organiser may have to confirm in order to offer so many tickets."""

    OVER_CAPACITY = "over_capacity"


def confirmed_by(confirm: Confirmation | None) -> tuple[Confirmation, ...]:
    """Return what a request confirms with its `confirm`."""
    return (confirm,) if confirm else ()


def ensure_within_capacity(concert: Concert, capacity: int, confirmed: Collection[Confirmation], more: int = 0) -> None:
    """Check that areas and what is sold beside them are not more than the venue takes people, unless it is confirmed.

    A concert without areas says nothing of the house, and nothing is known of a venue whose capacity is 0.
    Raises OverCapacity.
    """
    offered = offered_by(concert) + more
    if concert.areas and 0 < capacity < offered and Confirmation.OVER_CAPACITY not in confirmed:
        raise OverCapacity(offered, capacity)


def ensure_more_fit(session: Session, concert: Concert, more: int, confirmed: Collection[Confirmation]) -> None:
    """Check that a published concert can offer so many more tickets; a draft is checked when it is published.

    A venue that was deleted, or is shared no more, says nothing of the concerts that it has already.
    Raises OverCapacity.
    """
    if concert.status is not ConcertStatus.PUBLISHED or more <= 0:
        return
    with suppress(NotFound, VenueWasDeleted, VenueNotShared):
        venue = ensure_venue_usable(session, concert.ensure_exists().venue_id, concert.organiser_id)
        ensure_within_capacity(concert, venue.capacity, confirmed, more)


def pools_of_types(concert: Concert) -> tuple[PoolsOfTicketType, ...]:
    """Return the pools of the ticket types that have a stock of their own."""
    return tuple(
        PoolsOfTicketType(ticket_type_id=key, pool_ids=pools_of(key, ticket_type.quantity))
        for key, ticket_type in concert.ticket_types.items()
        if ticket_type.area_id is None
    )


def pools_of_areas(concert: Concert) -> tuple[PoolsOfArea, ...]:
    return tuple(PoolsOfArea(area_id=key, pool_ids=pools_of(key, one.capacity)) for key, one in concert.areas.items())


def openings_a_commit(concert: Concert) -> int:
    """Return how many pools are opened in one commit."""
    return AREA_POOLS_A_COMMIT if concert.areas else MAX_COMMIT_ITEMS
