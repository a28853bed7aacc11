"""Decides about the areas of a concert, each with a stock that its ticket types share."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.concerts.capacity_changes import AreaCapacityChange
from chalicelib.shop.concerts.events import (
    Area,
    ConcertAreaAdded,
    ConcertAreaCapacityChanged,
    ConcertAreaCapacityChangeStarted,
    ConcertAreaRemoved,
    TicketType,
)

if TYPE_CHECKING:
    from chalicelib.shop.concerts.concert import Concert

MAX_AREAS = 50


class TooManyAreas(RuleViolated):
    """The concert has as many areas as it may have."""

    code = "too_many_areas"
    fact_types = facts(limit="int")


class AreaInUse(RuleViolated):
    """Ticket types draw from the area; remove these first."""

    code = "area_in_use"
    fact_types = facts(ticket_types="list[str]")


class AreaOnSale(RuleViolated):
    """The area is on sale already, and takes no further ticket types."""

    code = "area_on_sale"

    def __init__(self) -> None:
        super().__init__("The area is on sale with the ticket types it has, and takes no other.")


class OverCapacity(RuleViolated):
    """More tickets would be offered than the venue takes people, and `confirm` does not say so."""

    code = "over_capacity"
    fact_types = facts(offered="int", venue_capacity="int")

    def __init__(self, offered: int, capacity: int) -> None:
        super().__init__(
            f"{offered} tickets would be offered, and the venue has a capacity of {capacity}; "
            "ask with `confirm`: `over_capacity` to offer them all the same.",
            offered=offered,
            venue_capacity=capacity,
        )


def add_area(concert: "Concert", area: Area, request_hash: str) -> list[Event]:
    """Add an area to a draft; the same request again changes nothing.

    Raises NotFound, ConcertNotDraft, IdempotencyKeyReused or TooManyAreas.
    """
    concert.ensure_exists()
    if area.id in concert.area_requests:
        if concert.area_requests[area.id] != request_hash:
            raise IdempotencyKeyReused
        return []
    concert.ensure_draft()
    if len(concert.areas) >= MAX_AREAS:
        raise TooManyAreas(f"The concert has {MAX_AREAS} areas, the most it can have.", limit=MAX_AREAS)
    return [ConcertAreaAdded(area=area, request_hash=request_hash)]


def remove_area(concert: "Concert", area_id: UUID) -> list[Event]:
    """Remove an area from a draft; removing it again changes nothing.

    Raises NotFound, ConcertNotDraft, or AreaInUse with the ticket types that draw from it.
    """
    concert.ensure_exists()
    if area_id not in concert.area_requests:
        raise NotFound("There is no such area.")
    if area_id not in concert.areas:
        return []
    concert.ensure_draft()
    if types := types_of(area_id, concert.ticket_types):
        names = [str(ticket_type.id) for ticket_type in types]
        raise AreaInUse("Ticket types draw from this area. Remove them first.", ticket_types=names)
    return [ConcertAreaRemoved(area_id=area_id)]


def ensure_area(concert: "Concert", ticket_type: TicketType) -> None:
    """Check that the area from which the ticket type is to draw, if any, is one of the concert's.

    Raises InvalidInput.
    """
    if ticket_type.area_id is not None and ticket_type.area_id not in concert.areas:
        raise InvalidInput("`area_id` names no area of this concert.", (("#/area_id", "names no area"),))


def types_of(area_id: UUID, ticket_types: Mapping[UUID, TicketType]) -> list[TicketType]:
    """Return the ticket types that draw from the area, in the order in which they were added."""
    return [ticket_type for ticket_type in ticket_types.values() if ticket_type.area_id == area_id]


def offered_by(concert: "Concert") -> int:
    """Return how many tickets the concert offers: the capacity of its areas, and of types with a stock of their own."""
    areas = sum(area.capacity for area in concert.areas.values())
    return areas + sum(one.quantity for one in concert.ticket_types.values() if one.area_id is None)


def evolve_areas(concert: "Concert", event: Event) -> "Concert":
    match event:
        case ConcertAreaAdded():
            requests = {**concert.area_requests, event.area.id: event.request_hash}
            return replace(concert, areas={**concert.areas, event.area.id: event.area}, area_requests=requests)
        case ConcertAreaRemoved():
            areas = {key: area for key, area in concert.areas.items() if key != event.area_id}
            return replace(concert, areas=areas)
        case ConcertAreaCapacityChangeStarted():
            change = AreaCapacityChange(event.change_id, event.area_id, event.capacity, event.request_hash)
            return replace(concert, capacity_change=change)
        case ConcertAreaCapacityChanged():
            return _with_capacity(concert, event)
    return concert


def _with_capacity(concert: "Concert", event: ConcertAreaCapacityChanged) -> "Concert":
    areas = {
        key: area.model_copy(update={"capacity": event.capacity}) if key == event.area_id else area
        for key, area in concert.areas.items()
    }
    return replace(concert, areas=areas, capacity_change=None)
