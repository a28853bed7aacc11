"""Puts a ticket type on sale: its stock is split over pools, and each pool is opened with its terms."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.money import Money
from chalicelib.shop.inventory.events import AreaPoolOpened, TicketPoolOpened, TicketTypeAssignedToArea
from chalicelib.shop.inventory.pool_sizing import MAX_QUANTITY, split_over, split_stock
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id

LARGEST_OFFER = MAX_QUANTITY
"""The most tickets of one type, or of one area, that can be offered."""

Opening = TicketPoolOpened | AreaPoolOpened | TicketTypeAssignedToArea
"""The first event of a pool, or of what leads from a ticket type to the pools of its area."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A ticket type that goes on sale, with everything that its pools must know."""

    concert_id: UUID
    concert_name: str
    organiser_id: UUID | None
    ticket_type_id: UUID
    ticket_type_name: str
    quantity: int
    price: Money
    max_per_order: int
    max_per_customer: int | None
    sales_start: datetime | None
    sales_end: datetime
    sales_paused: bool = False
    terms_version: int = 1


def pools_of(stock_id: UUID, quantity: int) -> tuple[UUID, ...]:
    """Return the ids of the pools over which the stock of a ticket type or an area is split."""
    return tuple(pool_id(stock_id, index) for index in range(len(split_stock(quantity))))


def openings(offer: Offer, pool_count: int, now: datetime) -> list[TicketPoolOpened]:
    """Return the opening of each of the offer's pools, of which there are as many as when it was first put on sale."""
    capacities = split_over(offer.quantity, pool_count) if pool_count else []
    return [
        TicketPoolOpened(
            concert_id=offer.concert_id,
            concert_name=offer.concert_name,
            organiser_id=offer.organiser_id,
            ticket_type_id=offer.ticket_type_id,
            ticket_type_name=offer.ticket_type_name,
            pool_index=index,
            pool_count=len(capacities),
            capacity=capacity,
            price=offer.price,
            max_per_order=offer.max_per_order,
            max_per_customer=offer.max_per_customer,
            sales_start=offer.sales_start,
            sales_end=offer.sales_end,
            sales_paused=offer.sales_paused,
            terms_version=offer.terms_version,
            at=now,
        )
        for index, capacity in enumerate(capacities)
    ]


def open_pools(session: Session, openings: Iterable[Opening]) -> None:
    """Open the pools that are not open yet."""
    for opening in openings:
        key = stream_of(opening)
        pool = session.load(TICKET_POOL, key, Load.ASSUME_EMPTY)
        session.append(TICKET_POOL, key, *pool.open(opening))


def is_entrance(opening: Opening) -> bool:
    """Tell whether buyers find the stock of a ticket type through this stream, which must therefore come last."""
    match opening:
        case TicketPoolOpened():
            return opening.pool_index == 0
        case AreaPoolOpened():
            return False
        case TicketTypeAssignedToArea():
            return True


def stream_of(opening: Opening) -> UUID:
    """Return the id of the pool that is opened."""
    match opening:
        case TicketPoolOpened():
            return pool_id(opening.ticket_type_id, opening.pool_index)
        case AreaPoolOpened():
            return pool_id(opening.area_id, opening.pool_index)
        case TicketTypeAssignedToArea():
            return pool_id(opening.ticket_type_id, 0)
