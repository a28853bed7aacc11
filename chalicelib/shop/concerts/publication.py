"""Says what a publication puts on sale: the pools of ticket types and areas, with their terms."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.store import MAX_COMMIT_ITEMS
from chalicelib.shop.concerts.areas import OverCapacity, offered_by, types_of
from chalicelib.shop.concerts.concert import Concert, ConcertDetails, ConcertStatus
from chalicelib.shop.concerts.events import Area, PoolsOfArea, PoolsOfTicketType, TicketType
from chalicelib.shop.inventory.commands import (
    AreaOffer,
    Offer,
    Opening,
    TicketTypeOfArea,
    area_openings,
    is_entrance,
    openings,
    pools_of,
)
from chalicelib.shop.venues.commands import capacity_of_venue

AREA_POOLS_A_COMMIT = MAX_COMMIT_ITEMS // 2
"""A pool of an area knows up to 50 ticket types, 60 KB with the longest names, and a transaction takes 4 MB."""


class Confirmation(StrEnum):
    """Names what an organiser may have to confirm in order to publish."""

    OVER_CAPACITY = "over_capacity"


def ensure_within_capacity(session: Session, concert: Concert, confirmed: Collection[Confirmation]) -> None:
    """Check that a draft offers no more tickets than its venue takes people, unless that is confirmed.

    Raises OverCapacity.
    """
    if concert.status is not ConcertStatus.DRAFT or Confirmation.OVER_CAPACITY in confirmed:
        return
    capacity = capacity_of_venue(session, concert.ensure_exists().venue_id)
    offered = offered_by(concert)
    if capacity is not None and offered > capacity:
        raise OverCapacity(offered, capacity)


def pools_of_types(concert: Concert) -> tuple[PoolsOfTicketType, ...]:
    """Return the pools of the ticket types that have a stock of their own."""
    return tuple(
        PoolsOfTicketType(ticket_type_id=key, pool_ids=pools_of(key, ticket_type.quantity))
        for key, ticket_type in concert.ticket_types.items()
        if ticket_type.area_id is None
    )


def pools_of_areas(concert: Concert) -> tuple[PoolsOfArea, ...]:
    return tuple(PoolsOfArea(area_id=key, pool_ids=pools_of(key, one.capacity)) for key, one in concert.areas.items())


def openings_of(concert_id: UUID, concert: Concert, now: datetime) -> list[Opening]:
    """Return the openings of all pools of a published concert, those through which buyers find the others last."""
    details, starts_at = concert.ensure_exists(), concert.starts_at
    if starts_at is None:
        return []
    all_pools: list[Opening] = []
    for ticket_type in concert.ticket_types.values():
        if ticket_type.area_id is None:
            all_pools += openings(_offer(concert_id, concert, details, ticket_type, starts_at), now)
    for area in concert.areas.values():
        all_pools += area_openings(_area_offer(concert_id, concert, details, area, starts_at), now)
    return sorted(all_pools, key=is_entrance)


def openings_a_commit(concert: Concert) -> int:
    """Return how many pools are opened in one commit."""
    return AREA_POOLS_A_COMMIT if concert.areas else MAX_COMMIT_ITEMS


def _offer(
    concert_id: UUID, concert: Concert, details: ConcertDetails, ticket_type: TicketType, starts_at: datetime
) -> Offer:
    return Offer(
        concert_id=concert_id,
        concert_name=details.name,
        organiser_id=concert.organiser_id,
        ticket_type_id=ticket_type.id,
        ticket_type_name=ticket_type.name,
        quantity=ticket_type.quantity,
        price=ticket_type.price,
        max_per_order=ticket_type.max_per_order,
        max_per_customer=details.max_per_customer,
        sales_start=ticket_type.sales_start,
        sales_end=ticket_type.sales_end or starts_at,
    )


def _area_offer(
    concert_id: UUID, concert: Concert, details: ConcertDetails, area: Area, starts_at: datetime
) -> AreaOffer:
    ticket_types = [
        TicketTypeOfArea(
            id=one.id,
            name=one.name,
            price=one.price,
            max_per_order=one.max_per_order,
            ceiling=one.ceiling,
            sales_start=one.sales_start,
            sales_end=one.sales_end or starts_at,
        )
        for one in types_of(area.id, concert.ticket_types)
    ]
    return AreaOffer(
        concert_id=concert_id,
        concert_name=details.name,
        organiser_id=concert.organiser_id,
        area_id=area.id,
        area_name=area.name,
        capacity=area.capacity,
        max_per_customer=details.max_per_customer,
        ticket_types=ticket_types,
    )
