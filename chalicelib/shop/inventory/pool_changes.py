"""Changes a pool in place by events that are no hold's: its stock, its terms, and what its ticket types may have."""

from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.inventory.events import (
    AreaPoolOpened,
    TicketPoolCapacityChanged,
    TicketPoolCleared,
    TicketPoolClosed,
    TicketPoolOpened,
    TicketPoolTermsChanged,
    TicketsHeld,
    TicketsReturned,
    TicketsSold,
    TicketTypeAssignedToArea,
    TicketTypeQuotaChanged,
)
from chalicelib.shop.inventory.pool_parts import PoolCapacityChange
from chalicelib.shop.inventory.terms import with_terms

if TYPE_CHECKING:
    from chalicelib.shop.inventory.ticket_pool import TicketPool


def evolve_stock(pool: "TicketPool", event: Event) -> None:
    match event:
        case TicketsReturned():
            pool.sold -= event.quantity
            if event.ticket_type_id in pool.sold_of:
                count_sold(pool, event.ticket_type_id, -event.quantity)
        case TicketPoolOpened():
            pool.terms = event
            pool.capacity = event.capacity
        case TicketPoolTermsChanged():
            _change_terms(pool, event)
        case TicketPoolCapacityChanged():
            pool.last_change = PoolCapacityChange(event.change_id, pool.changed_by(event.change_id) + event.by)
            pool.capacity += event.by
        case TicketPoolClosed():
            pool.closed = True
        case TicketPoolCleared():
            pool.cleared = True
        case _:
            _evolve_area(pool, event)


def move_in(pool: "TicketPool", ticket_type_id: UUID, event: TicketsHeld | TicketsSold) -> None:
    if event.quota_moved_in is not None:
        _change_quota(pool, ticket_type_id, event.quota_moved_in)


def count_sold(pool: "TicketPool", ticket_type_id: UUID, by: int) -> None:
    """Count what the pool of an area has sold of a type.

    The mapping is a new one: the old one may be another copy's as well.
    """
    pool.sold_of = {**pool.sold_of, ticket_type_id: pool.sold_of.get(ticket_type_id, 0) + by}


def _evolve_area(pool: "TicketPool", event: Event) -> None:
    match event:
        case AreaPoolOpened():
            pool.area = event
            pool.capacity = event.capacity
            dealt = {offered.id: offered.quota for offered in event.ticket_types if offered.quota is not None}
            pool.quotas = {**pool.quotas, **dealt}
        case TicketTypeAssignedToArea():
            pool.assigned = event
        case TicketTypeQuotaChanged():
            _change_quota(pool, event.ticket_type_id, event.by)


def _change_terms(pool: "TicketPool", event: TicketPoolTermsChanged) -> None:
    if pool.terms is not None:
        pool.terms = with_terms(pool.terms, event)
    elif pool.area is not None:
        pool.changed_terms = {**pool.changed_terms, event.ticket_type_id: event}


def _change_quota(pool: "TicketPool", ticket_type_id: UUID, by: int) -> None:
    if ticket_type_id in pool.quotas:
        pool.quotas = {**pool.quotas, ticket_type_id: pool.quotas[ticket_type_id] + by}
