"""Puts an area on sale: its stock is split over pools, and the ticket types of the area draw from all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.money import Money
from chalicelib.shop.inventory.events import AreaPoolOpened, OfferedTicketType, TicketTypeAssignedToArea
from chalicelib.shop.inventory.pool_sizing import deal_ceiling, split_over


@dataclass(frozen=True, slots=True)
class TicketTypeOfArea:
    """A ticket type that goes on sale in an area; `ceiling` is the most tickets of the type, if there is one."""

    id: UUID
    name: str
    price: Money
    max_per_order: int
    ceiling: int | None
    sales_start: datetime | None
    sales_end: datetime
    sales_paused: bool = False
    terms_version: int = 1


@dataclass(frozen=True, slots=True)
class AreaOffer:
    """An area that goes on sale, with everything that its pools must know."""

    concert_id: UUID
    concert_name: str
    organiser_id: UUID | None
    area_id: UUID
    area_name: str
    capacity: int
    max_per_customer: int | None
    ticket_types: Sequence[TicketTypeOfArea]


def area_openings(offer: AreaOffer, pool_count: int, now: datetime) -> list[AreaPoolOpened | TicketTypeAssignedToArea]:
    """Return the opening of each of the area's pools, and what leads from each ticket type to them.

    There are as many pools as when the area was first put on sale.
    """
    return openings_over(split_over(offer.capacity, pool_count), offer, now) if pool_count else []


def openings_over(
    capacities: Sequence[int], offer: AreaOffer, now: datetime
) -> list[AreaPoolOpened | TicketTypeAssignedToArea]:
    """Return the openings for pools of these capacities."""
    quotas = {
        one.id: deal_ceiling(one.ceiling, capacities, number)
        for number, one in enumerate(offer.ticket_types)
        if one.ceiling is not None
    }
    pools = [_pool(offer, index, capacities, quotas, now) for index in range(len(capacities))]
    return [*pools, *(_assignment(offer, one.id, len(capacities), quotas, now) for one in offer.ticket_types)]


def _pool(
    offer: AreaOffer, index: int, capacities: Sequence[int], quotas: dict[UUID, list[int]], now: datetime
) -> AreaPoolOpened:
    ticket_types = tuple(
        OfferedTicketType(
            id=one.id,
            name=one.name,
            price=one.price,
            max_per_order=one.max_per_order,
            sales_start=one.sales_start,
            sales_end=one.sales_end,
            sales_paused=one.sales_paused,
            terms_version=one.terms_version,
            quota=quotas[one.id][index] if one.id in quotas else None,
        )
        for one in offer.ticket_types
    )
    return AreaPoolOpened(
        concert_id=offer.concert_id,
        concert_name=offer.concert_name,
        organiser_id=offer.organiser_id,
        area_id=offer.area_id,
        area_name=offer.area_name,
        pool_index=index,
        pool_count=len(capacities),
        capacity=capacities[index],
        max_per_customer=offer.max_per_customer,
        ticket_types=ticket_types,
        at=now,
    )


def _assignment(
    offer: AreaOffer, ticket_type_id: UUID, pool_count: int, quotas: dict[UUID, list[int]], now: datetime
) -> TicketTypeAssignedToArea:
    return TicketTypeAssignedToArea(
        concert_id=offer.concert_id,
        ticket_type_id=ticket_type_id,
        area_id=offer.area_id,
        pool_count=pool_count,
        quotas=tuple(quotas.get(ticket_type_id, ())),
        at=now,
    )
