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
    capacity: int = 0
    sold: int = 0
    holds: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        return self.sold + sum(quantity for quantity, _ in self.holds.values())


def recount(pool: Iterable[StoredEvent]) -> Iterator[Count]:
    """Yield the same count after each event, in order.

    Raises:
        UnknownEvent: the count does not know an event.
        ValueError, KeyError, TypeError: the data is malformed.
    """
    count = Count()
    for event in pool:
        _drop_ended(count, datetime.fromisoformat(json.loads(event.data)["At"]))
        count_in(count, event)
        yield count


def count_in(count: Count, event: StoredEvent) -> None:
    """Count the event, without dropping holds that have ended by its time. Raises as `recount` does."""
    _apply(count, event.event_type.rsplit(".", 1)[-1].removesuffix("Event"), json.loads(event.data))


def _drop_ended(count: Count, at: datetime) -> None:
    count.holds = {key: hold for key, hold in count.holds.items() if at < hold[1]}


def _apply(count: Count, name: str, data: dict[str, Any]) -> None:
    match name:
        case "TicketPoolOpened":
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
        case "TicketPoolClosed" | "TicketPoolCleared" | "HoldsLapsed" | "TicketPoolTermsChanged":
            pass
        case _:
            raise UnknownEvent(name)
