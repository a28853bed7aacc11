"""Defines a pool of tickets, in which `0 <= held + sold <= capacity` is true at every instant.

Containers' clocks differ, so a pool has a time of its own, which never goes back: it is the clock's, or that of the
pool's last event if the clock is behind. Expiry is a rule and not an event. A hold has ended once the pool's time
reaches its deadline. Then nothing can bring it back: a container whose clock is behind would otherwise sell tickets
that another one has already given to somebody else.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID, uuid5

from chalicelib.platform.errors import Expired, InvalidInput, RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.inventory.events import (
    HoldExtended,
    HoldPlacedOnOrder,
    HoldReleased,
    HoldsLapsed,
    TicketPoolCapacityChanged,
    TicketPoolCleared,
    TicketPoolClosed,
    TicketPoolEvent,
    TicketPoolOpened,
    TicketPoolTermsChanged,
    TicketsHeld,
    TicketsReturned,
    TicketsSold,
)

CHANGEABLE_TERMS = (
    "terms_version",
    "concert_name",
    "ticket_type_name",
    "price",
    "max_per_order",
    "max_per_customer",
    "sales_start",
    "sales_end",
    "sales_paused",
)

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class TicketsSoldOut(RuleViolated):
    """There are not so many tickets left."""

    code = "sold_out"
    fact_types = facts(available="int")

    def __init__(self, available: int) -> None:
        detail = f"Only {available} of these tickets are left." if available else "These tickets are sold out."
        super().__init__(detail, available=available)


class NotOnSale(RuleViolated):
    """The tickets are not sold now."""

    code = "not_on_sale"
    fact_types = facts(sales_start="NotRequired[Instant]", sales_end="NotRequired[Instant]")


class HoldExpired(Expired):
    """The hold of these tickets has ended."""

    code = "hold_expired"

    def __init__(self) -> None:
        super().__init__("The hold of these tickets has ended.")


class Hold(NamedTuple):
    quantity: int
    expires_at: datetime
    cart_id: UUID
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PoolCapacityChange:
    """The pool's part of the last change of its type's quantity; `by` is 0 if it gave its part back."""

    id: UUID
    by: int


@dataclass(slots=True)
class TicketPool:
    """A part of a ticket type's stock. Only `evolve` changes a pool, and only the copy that a fold has made for it.

    `capacity` is that of the terms, with all changes since. `next_expiry` is no later than the first deadline of
    `holds`, so no hold has to be dropped before it. `has_orders` tells whether any order ever had tickets of it.
    """

    terms: TicketPoolOpened | None = None
    capacity: int = 0
    last_change: PoolCapacityChange | None = None
    sold: int = 0
    held: int = 0
    holds: dict[UUID, Hold] = field(default_factory=dict)
    next_expiry: datetime | None = None
    has_orders: bool = False
    closed: bool = False
    cleared: bool = False
    last_at: datetime = _LONG_AGO

    @property
    def free(self) -> int:
        """Return how many tickets nobody held or had bought at the time of the last event."""
        return self.capacity - self.held - self.sold

    def at(self, now: datetime) -> "TicketPool":
        """Return the pool without the holds that have ended by `now`, or by its last event if that is later."""
        pool = self.copy()
        _advance(pool, now)
        return pool

    def copy(self) -> "TicketPool":
        """Return a pool with the same mapping of holds."""
        return TicketPool(*_facts(self))

    def open(self, terms: TicketPoolOpened) -> list[Event]:
        """Open the pool once; opening it again does not change its terms."""
        return [terms] if self.terms is None else []

    def take_terms(self, terms: TicketPoolOpened, now: datetime) -> list[Event]:
        """Sell on these terms from now on; older ones than the pool has change nothing.

        A pool that is not open yet is opened with them. A closed one keeps what it has.
        """
        if self.terms is None:
            return self.open(terms)
        if self.closed or terms.terms_version <= self.terms.terms_version:
            return []
        facts = {name: getattr(terms, name) for name in CHANGEABLE_TERMS}
        changed = TicketPoolTermsChanged(ticket_type_id=terms.ticket_type_id, at=self.at(now).last_at, **facts)
        return [changed]

    def hold(self, hold_id: UUID, cart_id: UUID, quantity: int, now: datetime, expires_at: datetime) -> list[Event]:
        """Hold free tickets for a cart.

        Raises:
            InvalidInput
            NotOnSale
            TicketsSoldOut
        """
        if quantity < 1:
            raise InvalidInput("`quantity` is below 1.", (("#/quantity", "must be at least 1"),))
        pool = self.at(now)
        pool.ensure_on_sale()
        if quantity > pool.free:
            raise TicketsSoldOut(pool.free)
        return [
            TicketsHeld(hold_id=hold_id, cart_id=cart_id, quantity=quantity, expires_at=expires_at, at=pool.last_at)
        ]

    def extend(self, hold_id: UUID, now: datetime, expires_at: datetime) -> list[Event]:
        """Give the hold a later deadline; an earlier one changes nothing.

        Raises:
            NotOnSale
            HoldExpired: also for a hold that an order has.
        """
        pool = self.at(now)
        pool.ensure_open()
        if pool.ensure_held(hold_id, order_id=None).expires_at >= expires_at:
            return []
        return [HoldExtended(hold_id=hold_id, expires_at=expires_at, at=pool.last_at)]

    def place_on_order(self, hold_id: UUID, order_id: UUID, now: datetime, expires_at: datetime) -> list[Event]:
        """Give the hold the order's deadline, once.

        Raises:
            NotOnSale
            HoldExpired
        """
        pool = self.at(now)
        pool.ensure_open()
        if pool.ensure_held(hold_id, order_id).order_id is not None:
            return []
        return [HoldPlacedOnOrder(hold_id=hold_id, order_id=order_id, expires_at=expires_at, at=pool.last_at)]

    def release(self, hold_id: UUID, now: datetime) -> list[Event]:
        """Release the hold; one that has ended is released already."""
        pool = self.at(now)
        hold = pool.holds.get(hold_id)
        return [HoldReleased(hold_id=hold_id, quantity=hold.quantity, at=pool.last_at)] if hold else []

    def sell(self, hold_id: UUID, order_id: UUID, now: datetime) -> list[Event]:
        """Sell what is held to the order.

        Raises:
            NotOnSale
            HoldExpired
        """
        pool = self.at(now)
        pool.ensure_open()
        hold = pool.ensure_held(hold_id, order_id)
        return [TicketsSold(hold_id=hold_id, order_id=order_id, quantity=hold.quantity, at=pool.last_at)]

    def sell_unheld(self, hold_id: UUID, order_id: UUID, quantity: int, now: datetime) -> list[Event]:
        """Sell free tickets to an order whose hold has ended; the sales window was checked when they were held.

        Raises:
            NotOnSale
            TicketsSoldOut
        """
        pool = self.at(now)
        pool.ensure_open()
        if quantity > pool.free:
            raise TicketsSoldOut(pool.free)
        return [TicketsSold(hold_id=hold_id, order_id=order_id, quantity=quantity, at=pool.last_at)]

    def take_back(
        self, hold_id: UUID, order_id: UUID, ticket_type_id: UUID, quantity: int, now: datetime
    ) -> list[Event]:
        """Put sold tickets on sale again, at most as many as are sold; a closed pool takes none back."""
        quantity = min(quantity, self.sold)
        if self.closed or quantity < 1:
            return []
        returned = TicketsReturned(
            hold_id=hold_id,
            order_id=order_id,
            ticket_type_id=ticket_type_id,
            quantity=quantity,
            at=self.at(now).last_at,
        )
        return [returned]

    def record_lapsed(self, now: datetime) -> list[Event]:
        """Record that the ended holds have ended; nothing is recorded if there are none."""
        pool = self.at(now)
        lapsed = tuple(key for key in self.holds if key not in pool.holds)
        return [HoldsLapsed(hold_ids=lapsed, quantity=self.held - pool.held, at=pool.last_at)] if lapsed else []

    def changed_by(self, change_id: UUID) -> int:
        """Return by how much this change has raised, or lowered, the capacity."""
        return self.last_change.by if self.last_change is not None and self.last_change.id == change_id else 0

    def change_capacity(self, change_id: UUID, by: int, now: datetime) -> list[Event]:
        """Raise the capacity by `by` tickets, or lower it as far as tickets are free.

        A pool has one part in a change, so the same change again does nothing. A closed pool has no part.
        """
        pool = self.at(now)
        by = max(by, -pool.free)
        if self.closed or self.terms is None or by == 0 or (self.last_change and self.last_change.id == change_id):
            return []
        return [TicketPoolCapacityChanged(change_id=change_id, by=by, at=pool.last_at)]

    def give_back_change(self, change_id: UUID, now: datetime) -> list[Event]:
        """Give back what this pool lost in a change that could not be completed; what it gained it keeps."""
        by = self.changed_by(change_id)
        # Tickets that were gained may be held or sold by now: without them the pool would have more than its capacity.
        return [TicketPoolCapacityChanged(change_id=change_id, by=-by, at=self.at(now).last_at)] if by < 0 else []

    def close(self, now: datetime) -> list[Event]:
        """Close the pool, and clear it at once if no order ever had tickets of it; closing again changes nothing."""
        at = self.at(now).last_at
        closed: list[Event] = [] if self.closed else [TicketPoolClosed(at=at)]
        return closed if self.has_orders or self.cleared else [*closed, TicketPoolCleared(at=at)]

    def clear(self, now: datetime) -> list[Event]:
        """Clear a closed pool; clearing again changes nothing."""
        return [TicketPoolCleared(at=self.at(now).last_at)] if self.closed and not self.cleared else []

    def ensure_open(self) -> TicketPoolOpened:
        """Return the terms of an open pool.

        Raises:
            NotOnSale
        """
        if self.terms is None:
            raise NotOnSale("These tickets are not on sale.")
        if self.closed:
            raise NotOnSale("The concert is cancelled.")
        return self.terms

    def ensure_on_sale(self) -> TicketPoolOpened:
        """Return the terms of a pool whose sales window is open at the pool's own time.

        Raises:
            NotOnSale: with the window's edge.
        """
        terms = self.ensure_open()
        if terms.sales_paused:
            raise NotOnSale("The organiser has closed the sale for the time being.")
        if terms.sales_start is not None and self.last_at < terms.sales_start:
            start = format_instant(terms.sales_start)
            raise NotOnSale(f"The sale starts at {start}.", sales_start=start)
        if self.last_at >= terms.sales_end:
            end = format_instant(terms.sales_end)
            raise NotOnSale(f"The sale ended at {end}.", sales_end=end)
        return terms

    def ensure_held(self, hold_id: UUID, order_id: UUID | None) -> Hold:
        """Return the hold, if it is still a cart's or this order's.

        Raises:
            HoldExpired
        """
        hold = self.holds.get(hold_id)
        if hold is None or hold.order_id not in {None, order_id}:
            raise HoldExpired
        return hold


_facts = attrgetter(*TicketPool.__slots__)


def evolve(pool: TicketPool, event: Event) -> TicketPool:
    if not isinstance(event, TicketPoolEvent):
        return pool
    _advance(pool, event.at)
    match event:
        case TicketsHeld():
            _set_hold(pool, event.hold_id, Hold(event.quantity, event.expires_at, event.cart_id))
        case HoldReleased():
            _forget(pool, event.hold_id)
        case HoldExtended() if event.hold_id in pool.holds:
            _set_hold(pool, event.hold_id, pool.holds[event.hold_id]._replace(expires_at=event.expires_at))
        case HoldPlacedOnOrder() if event.hold_id in pool.holds:
            hold = pool.holds[event.hold_id]._replace(order_id=event.order_id, expires_at=event.expires_at)
            _set_hold(pool, event.hold_id, hold)
            pool.has_orders = True
        case TicketsSold():
            _forget(pool, event.hold_id)
            pool.sold += event.quantity
            pool.has_orders = True
        case _:
            _evolve_stock(pool, event)
    return pool


def _evolve_stock(pool: TicketPool, event: Event) -> None:
    match event:
        case TicketsReturned():
            pool.sold -= event.quantity
        case TicketPoolOpened():
            pool.terms = event
            pool.capacity = event.capacity
        case TicketPoolTermsChanged() if pool.terms is not None:
            pool.terms = pool.terms.model_copy(update={name: getattr(event, name) for name in CHANGEABLE_TERMS})
        case TicketPoolCapacityChanged():
            pool.last_change = PoolCapacityChange(event.change_id, pool.changed_by(event.change_id) + event.by)
            pool.capacity += event.by
        case HoldPlacedOnOrder():
            pool.has_orders = True
        case TicketPoolClosed():
            pool.closed = True
        case TicketPoolCleared():
            pool.cleared = True


def _advance(pool: TicketPool, now: datetime) -> None:
    """Move the pool's time to `now`, and drop the holds that have ended by then.

    They are dropped into a new mapping: the old one may be another copy's as well.
    """
    if now > pool.last_at:  # noqa: PLR1730 - max() would take a tenth of the time of folding an event
        pool.last_at = now
    if pool.next_expiry is not None and pool.last_at >= pool.next_expiry:
        pool.holds = {key: hold for key, hold in pool.holds.items() if pool.last_at < hold.expires_at}
        pool.held = sum(hold.quantity for hold in pool.holds.values())
        pool.next_expiry = min((hold.expires_at for hold in pool.holds.values()), default=None)


def _set_hold(pool: TicketPool, hold_id: UUID, hold: Hold) -> None:
    before = pool.holds.get(hold_id)
    pool.holds[hold_id] = hold
    pool.held += hold.quantity - (before.quantity if before else 0)
    if pool.next_expiry is None or hold.expires_at < pool.next_expiry:
        pool.next_expiry = hold.expires_at


def _with_own_holds(pool: TicketPool) -> TicketPool:
    pool = pool.copy()
    pool.holds = dict(pool.holds)
    return pool


def _forget(pool: TicketPool, hold_id: UUID) -> None:
    hold = pool.holds.pop(hold_id, None)
    if hold is not None:
        pool.held -= hold.quantity


@lru_cache(maxsize=10_000)
def pool_id(ticket_type_id: UUID, index: int) -> UUID:
    """Return the id of a ticket type's pool, which follows from its index."""
    return uuid5(ticket_type_id, f"pool/{index}")


SNAPSHOT_EVERY = 50

TICKET_POOL = Aggregate(
    "TicketPool",
    TicketPool(),
    evolve,
    copy=_with_own_holds,
    owner=lambda pool: pool.terms.organiser_id if pool.terms else None,
    snapshot_every=SNAPSHOT_EVERY,
)
