"""Counts a pool's tickets a second time, from the stored JSON alone. It shares no code with the aggregate."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.platform.eventsourcing.stored import StoredEvent


class UnknownEvent(Exception):
    """The count does not know what this event does to the stock, so it cannot check the pool."""


@dataclass(slots=True)
class Count:
    """Holds a pool's counts; in the pool of an area, also those of its ticket types, by their ids."""

    capacity: int = 0
    sold: int = 0
    holds: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    quotas: dict[str, int] = field(default_factory=dict)
    sold_of: dict[str, int] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        return self.sold + sum(quantity for quantity, _ in self.holds.values())

    def taken_of(self, ticket_type: str) -> int:
        held = sum(quantity for hold, (quantity, _) in self.holds.items() if self.types.get(hold) == ticket_type)
        return held + self.sold_of.get(ticket_type, 0)


def recount(pool: Iterable[StoredEvent]) -> Iterator[Count]:
    """Yield the same count after each event, in order.

    Raises:
        UnknownEvent: the count does not know an event.
        ValueError, KeyError, TypeError: the data is malformed.
    """
    count = Count()
    for event in pool:
        count_next(count, event)
        yield count


def count_next(count: Count, event: StoredEvent) -> None:
    """Count the event, after the holds that have ended by its time. Raises as `recount` does."""
    _drop_ended(count, datetime.fromisoformat(json.loads(event.data)["At"]))
    count_in(count, event)


def count_in(count: Count, event: StoredEvent) -> None:
    """Count the event, without dropping holds that have ended by its time. Raises as `recount` does."""
    name, data = event.event_type.rsplit(".", 1)[-1].removesuffix("Event"), json.loads(event.data)
    _apply(count, name, data)
    _apply_to_types(count, name, data)


def _drop_ended(count: Count, at: datetime) -> None:
    count.holds = {key: hold for key, hold in count.holds.items() if at < hold[1]}


def _apply(count: Count, name: str, data: dict[str, Any]) -> None:
    match name:
        case "TicketPoolOpened" | "AreaPoolOpened":
            count.capacity = data["Capacity"]
        case "TicketsHeld":
            count.holds[data["HoldId"]] = data["Quantity"], datetime.fromisoformat(data["ExpiresAt"])
        case "HoldPlacedOnOrder" | "HoldExtended":
            if data["HoldId"] in count.holds:
                count.holds[data["HoldId"]] = (
                    count.holds[data["HoldId"]][0],
                    datetime.fromisoformat(data["ExpiresAt"]),
                )
        case "HoldReleased":
            count.holds.pop(data["HoldId"], None)
        case "TicketsSold":
            count.holds.pop(data["HoldId"], None)
            count.sold += data["Quantity"]
        case "TicketsReturned":
            count.sold -= data["Quantity"]
        case "TicketPoolCapacityChanged":
            count.capacity += data["By"]
        case (
            "TicketPoolClosed"
            | "TicketPoolCleared"
            | "HoldsLapsed"
            | "TicketPoolTermsChanged"
            | "TicketTypeAssignedToArea"
            | "TicketTypeQuotaChanged"
        ):
            pass
        case _:
            raise UnknownEvent(name)


def _apply_to_types(count: Count, name: str, data: dict[str, Any]) -> None:
    """Count what the event means to the ticket types of an area."""
    ticket_type: str | None = data.get("TicketTypeId")
    match name:
        case "AreaPoolOpened":
            count.quotas = {one["Id"]: one["Quota"] for one in data["TicketTypes"] if "Quota" in one}
        case "TicketTypeQuotaChanged":
            count.quotas[data["TicketTypeId"]] += data["By"]
        case "TicketsHeld" | "TicketsSold" if ticket_type is not None:
            count.types[data["HoldId"]] = ticket_type
            if "QuotaMovedIn" in data:
                count.quotas[ticket_type] += data["QuotaMovedIn"]
            if name == "TicketsSold":
                count.sold_of[ticket_type] = count.sold_of.get(ticket_type, 0) + data["Quantity"]
        case "TicketsReturned" if ticket_type in count.sold_of:
            count.sold_of[ticket_type] -= data["Quantity"]
