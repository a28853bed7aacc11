"""Measures what a sale came to, from the events of its pools: the same for the log and for a replay."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from uuid import UUID

from chalicelib.shop.inventory.events import (
    HoldExtended,
    HoldPlacedOnOrder,
    HoldReleased,
    TicketPoolCapacityChanged,
    TicketPoolEvent,
    TicketPoolOpened,
    TicketsHeld,
    TicketsReturned,
    TicketsSold,
)

MINUTE = timedelta(minutes=1)

HoldKey = tuple[UUID, UUID]
"""The pool and the hold."""


@dataclass(slots=True)
class Outcome:
    """What became of the tickets, and of the time.

    `lapsed` counts tickets of holds that ended by their deadline in a cart, and `unpaid` those of unpaid orders.
    `wasted_minutes` adds up, ticket by ticket, for how long holds that ended without a sale kept them from others.
    `nothing_free_at` is when for the first time nothing could be had, and `sold_out_at` when all was sold for good.
    """

    capacity: int = 0
    sold: int = 0
    tickets: Counter[UUID] = field(default_factory=Counter)
    lapsed: int = 0
    unpaid: int = 0
    wasted_minutes: float = 0.0
    opened_at: datetime | None = None
    nothing_free_at: datetime | None = None
    sold_out_at: datetime | None = None

    @property
    def served(self) -> int:
        """Return how many customers got tickets."""
        return len(self.tickets)

    @property
    def most(self) -> int:
        """Return the most tickets that one customer got."""
        return max(self.tickets.values(), default=0)

    @property
    def largest_share(self) -> float:
        """Return the largest share that one customer got of what was sold, in percent."""
        return 100 * self.most / self.sold if self.sold else 0.0

    def minutes_until(self, instant: datetime | None) -> float | None:
        """Return how many minutes the sale had been open at that instant."""
        return None if instant is None or self.opened_at is None else (instant - self.opened_at) / MINUTE


@dataclass(slots=True)
class _Held:
    quantity: int
    since: datetime
    until: datetime
    has_order: bool = False


def measure(
    pools: Mapping[UUID, Sequence[TicketPoolEvent]], customers: Mapping[UUID, UUID], until: datetime
) -> Outcome:
    """Measure the sale until that instant; `customers` says whose each order is."""
    meter = _Meter(customers)
    events = ((event.at, key, event) for key, events in pools.items() for event in events)
    for at, key, event in sorted(events, key=lambda item: item[0]):
        meter.lapse(at)
        meter.take(key, event)
    meter.lapse(until)
    meter.stop(until)
    return meter.outcome


class _Meter:
    def __init__(self, customers: Mapping[UUID, UUID]) -> None:
        self.outcome = Outcome()
        self._customers = customers
        self._holds: dict[HoldKey, _Held] = {}
        self._held = 0
        self._deadlines: list[tuple[datetime, HoldKey]] = []

    def lapse(self, now: datetime) -> None:
        """End the holds whose deadline has come."""
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline, key = heappop(self._deadlines)
            held = self._holds.get(key)
            if held is None or held.until != deadline:  # it was extended since, or has ended
                continue
            self._waste(key, deadline)
            if not held.has_order:
                self.outcome.lapsed += held.quantity

    def take(self, pool_id: UUID, event: TicketPoolEvent) -> None:
        match event:
            case TicketsHeld():
                self._hold((pool_id, event.hold_id), _Held(event.quantity, event.at, event.expires_at))
            case HoldExtended() | HoldPlacedOnOrder() if (pool_id, event.hold_id) in self._holds:
                held = self._holds[pool_id, event.hold_id]
                held.until, held.has_order = event.expires_at, isinstance(event, HoldPlacedOnOrder)
                heappush(self._deadlines, (held.until, (pool_id, event.hold_id)))
            case HoldReleased() if (pool_id, event.hold_id) in self._holds:
                self._waste((pool_id, event.hold_id), event.at)
            case TicketsSold():
                self._sell(pool_id, event)
            case TicketsReturned():
                self._return(event)
            case TicketPoolOpened():
                opens = event.at if event.sales_start is None else max(event.at, event.sales_start)
                known = self.outcome.opened_at
                self.outcome.opened_at = opens if known is None else min(known, opens)
                self._change_capacity(event.capacity, event.at)
            case TicketPoolCapacityChanged():
                self._change_capacity(event.by, event.at)

    def stop(self, now: datetime) -> None:
        """Count the time of holds that nobody has ended yet."""
        for held in self._holds.values():
            self.outcome.wasted_minutes += held.quantity * ((now - held.since) / MINUTE)

    def _hold(self, key: HoldKey, held: _Held) -> None:
        self._holds[key] = held
        self._held += held.quantity
        heappush(self._deadlines, (held.until, key))
        self._note(held.since)

    def _sell(self, pool_id: UUID, event: TicketsSold) -> None:
        held = self._holds.pop((pool_id, event.hold_id), None)
        self._held -= held.quantity if held else 0
        self.outcome.sold += event.quantity
        customer_id = self._customers.get(event.order_id)
        if customer_id is not None:
            self.outcome.tickets[customer_id] += event.quantity
        self._note(event.at)

    def _return(self, event: TicketsReturned) -> None:
        self.outcome.sold -= event.quantity
        customer_id = self._customers.get(event.order_id)
        if customer_id is not None:
            self.outcome.tickets[customer_id] -= event.quantity
            self.outcome.tickets = +self.outcome.tickets
        self._note(event.at)

    def _waste(self, key: HoldKey, now: datetime) -> None:
        held = self._holds.pop(key)
        self._held -= held.quantity
        self.outcome.wasted_minutes += held.quantity * ((now - held.since) / MINUTE)
        if held.has_order:
            self.outcome.unpaid += held.quantity

    def _change_capacity(self, by: int, now: datetime) -> None:
        self.outcome.capacity += by
        self._note(now)

    def _note(self, now: datetime) -> None:
        """Remember when nothing was free for the first time, and since when all is sold."""
        outcome = self.outcome
        is_open = outcome.opened_at is not None and outcome.capacity > 0
        if is_open and outcome.nothing_free_at is None and outcome.sold + self._held >= outcome.capacity:
            outcome.nothing_free_at = now
        if not is_open or outcome.sold < outcome.capacity:
            outcome.sold_out_at = None
        elif outcome.sold_out_at is None:
            outcome.sold_out_at = now
