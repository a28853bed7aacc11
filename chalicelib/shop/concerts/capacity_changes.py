"""Describes changes of how many tickets a ticket type or an area has, and names their events."""

from dataclasses import dataclass
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.concerts.events import (
    ConcertAreaCapacityChanged,
    ConcertAreaCapacityChangeRefused,
    ConcertAreaCapacityChangeStarted,
    ConcertCapacityChanged,
    ConcertCapacityChangeRefused,
    ConcertCapacityChangeStarted,
)


@dataclass(frozen=True, slots=True)
class CapacityChange:
    """A change of a published ticket type's quantity that is under way."""

    id: UUID
    ticket_type_id: UUID
    quantity: int
    request_hash: str

    @property
    def stock_id(self) -> UUID:
        return self.ticket_type_id


@dataclass(frozen=True, slots=True)
class AreaCapacityChange:
    """A change of an area's capacity, to `quantity` tickets, that is under way."""

    id: UUID
    area_id: UUID
    quantity: int
    request_hash: str

    @property
    def stock_id(self) -> UUID:
        return self.area_id


StockChange = CapacityChange | AreaCapacityChange


def started(change: StockChange) -> Event:
    """Return the event that begins the change of a published concert."""
    if isinstance(change, AreaCapacityChange):
        return ConcertAreaCapacityChangeStarted(
            change_id=change.id, area_id=change.area_id, capacity=change.quantity, request_hash=change.request_hash
        )
    return ConcertCapacityChangeStarted(
        change_id=change.id,
        ticket_type_id=change.ticket_type_id,
        quantity=change.quantity,
        request_hash=change.request_hash,
    )


def changed(change: StockChange) -> Event:
    """Return the event that completes the change."""
    if isinstance(change, AreaCapacityChange):
        return ConcertAreaCapacityChanged(
            change_id=change.id, area_id=change.area_id, capacity=change.quantity, request_hash=change.request_hash
        )
    return ConcertCapacityChanged(
        change_id=change.id,
        ticket_type_id=change.ticket_type_id,
        quantity=change.quantity,
        request_hash=change.request_hash,
    )


def refused(change: StockChange, held: int, sold: int) -> Event:
    """Return the event that ends the change without effect."""
    if isinstance(change, AreaCapacityChange):
        return ConcertAreaCapacityChangeRefused(change_id=change.id, area_id=change.area_id, held=held, sold=sold)
    return ConcertCapacityChangeRefused(change_id=change.id, ticket_type_id=change.ticket_type_id, held=held, sold=sold)
