"""Defines a pool of tickets, in which `0 <= held + sold <= capacity` is true at every instant.

Containers' clocks differ, so a pool has a time of its own, which never goes back: it is the clock's, or that of the
pool's last event if the clock is behind. Expiry is a rule and not an event. A hold has ended once the pool's time
reaches its deadline. Then nothing can bring it back: a container whose clock is behind would otherwise sell tickets
that another one has already given to somebody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from uuid import UUID, uuid5

from chalicelib.platform.errors import Expired, InvalidInput, RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.inventory.events import (
    AreaPoolOpened,
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
    TicketTypeAssignedToArea,
    TicketTypeQuotaChanged,
)
from chalicelib.shop.inventory.pool_changes import count_sold, evolve_stock, move_in
from chalicelib.shop.inventory.pool_parts import Hold, PoolCapacityChange
from chalicelib.shop.inventory.shared_stock import terms_in
from chalicelib.shop.inventory.terms import terms_at, terms_changed

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


@dataclass(slots=True)
class TicketPool:
    """A part of the stock of a ticket type, or of an area. Only `evolve` changes it, and only the copy of a fold.

    `capacity` is that of the terms, with all changes since. `next_expiry` is no later than the first deadline of
    `holds`, so no hold has to be dropped before it. `has_orders` tells whether any order ever had tickets of it.
    `area`, `quotas` and `sold_of` are for the pool of an area, whose holds have ticket types; a type with a ceiling has
    a quota, and one with newer terms than at first `changed_terms`. `assigned` stands where a type has no pool of its
    own.
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
    area: AreaPoolOpened | None = None
    quotas: Mapping[UUID, int] = field(default_factory=dict)
    sold_of: Mapping[UUID, int] = field(default_factory=dict)
    assigned: TicketTypeAssignedToArea | None = None
    changed_terms: Mapping[UUID, TicketPoolTermsChanged] = field(default_factory=dict)

    @property
    def is_opened(self) -> bool:
        return self.terms is not None or self.area is not None

    @property
    def stock_id(self) -> UUID | None:
        """Return whose stock this is a part of: an area's or a ticket type's; None before it is opened."""
        if self.area is not None:
            return self.area.area_id
        return self.terms.ticket_type_id if self.terms else None

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

    def terms_of(self, ticket_type_id: UUID | None) -> TicketPoolOpened | None:
        """Return the terms at which tickets of this type are sold; a pool that is no area's has one type."""
        return self.terms if self.area is None else terms_in(self.area, ticket_type_id, self.changed_terms)

    def taken_of(self, ticket_type_id: UUID) -> int:
        """Return how many tickets of this type were held or sold at the time of the last event."""
        held = sum(hold.quantity for hold in self.holds.values() if hold.ticket_type_id == ticket_type_id)
        return held + self.sold_of.get(ticket_type_id, 0)

    def quota_left(self, ticket_type_id: UUID | None) -> int | None:
        """Return how much of the type's ceiling is left in this pool; None if it has no ceiling."""
        if ticket_type_id is None or ticket_type_id not in self.quotas:
            return None
        return self.quotas[ticket_type_id] - self.taken_of(ticket_type_id)

    def available(self, ticket_type_id: UUID | None, quota_moved_in: int = 0) -> int:
        """Return how many tickets of this type the pool could give at the time of the last event."""
        left = self.quota_left(ticket_type_id)
        return self.free if left is None else min(self.free, left + quota_moved_in)

    def open(self, opening: TicketPoolOpened | AreaPoolOpened | TicketTypeAssignedToArea) -> list[Event]:
        """Open the pool once; opening it again does not change its terms."""
        return [opening] if not self.is_opened and self.assigned is None else []

    def take_terms(self, opening: TicketPoolOpened | AreaPoolOpened, now: datetime) -> list[Event]:
        """Sell on these terms from now on; older ones than the pool has change nothing.

        A pool that is not open yet is opened with them. A closed one keeps what it has.
        """
        if not self.is_opened:
            return self.open(opening)
        newer = [] if self.closed else [terms for terms in terms_at(opening) if self._is_newer(terms)]
        return [terms_changed(terms, self.at(now).last_at) for terms in newer]

    def _is_newer(self, terms: TicketPoolOpened) -> bool:
        known = self.terms_of(terms.ticket_type_id)
        return known is not None and terms.terms_version > known.terms_version

    def hold(
        self,
        hold_id: UUID,
        cart_id: UUID,
        quantity: int,
        now: datetime,
        expires_at: datetime,
        ticket_type_id: UUID | None = None,
        quota_moved_in: int = 0,
    ) -> list[Event]:
        """Hold free tickets for a cart; the type matters to the pool of an area, which may get quota with the hold.

        Raises:
            InvalidInput
            NotOnSale
            TicketsSoldOut
        """
        if quantity < 1:
            raise InvalidInput("`quantity` is below 1.", (("#/quantity", "must be at least 1"),))
        pool = self.at(now)
        pool.ensure_on_sale(ticket_type_id)
        pool.ensure_available(quantity, ticket_type_id, quota_moved_in)
        return [
            TicketsHeld(
                hold_id=hold_id,
                cart_id=cart_id,
                quantity=quantity,
                expires_at=expires_at,
                ticket_type_id=ticket_type_id if self.area else None,
                quota_moved_in=quota_moved_in or None,
                at=pool.last_at,
            )
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
        return [
            TicketsSold(
                hold_id=hold_id,
                order_id=order_id,
                quantity=hold.quantity,
                ticket_type_id=hold.ticket_type_id,
                at=pool.last_at,
            )
        ]

    def sell_unheld(
        self,
        hold_id: UUID,
        order_id: UUID,
        quantity: int,
        now: datetime,
        ticket_type_id: UUID | None = None,
        quota_moved_in: int = 0,
    ) -> list[Event]:
        """Sell free tickets to an order whose hold has ended; the sales window was checked when they were held.

        Raises:
            NotOnSale
            TicketsSoldOut
        """
        pool = self.at(now)
        pool.ensure_open(ticket_type_id)
        pool.ensure_available(quantity, ticket_type_id, quota_moved_in)
        return [
            TicketsSold(
                hold_id=hold_id,
                order_id=order_id,
                quantity=quantity,
                ticket_type_id=ticket_type_id if self.area else None,
                quota_moved_in=quota_moved_in or None,
                at=pool.last_at,
            )
        ]

    def change_quota(self, ticket_type_id: UUID, by: int, now: datetime) -> list[Event]:
        """Raise the pool's part of a type's ceiling by `by`, or lower it as far as it is not taken.

        A closed pool keeps what it has, and a type without a ceiling has no part.
        """
        pool = self.at(now)
        left = pool.quota_left(ticket_type_id)
        if self.closed or left is None or max(by, -left) == 0:
            return []
        return [TicketTypeQuotaChanged(ticket_type_id=ticket_type_id, by=max(by, -left), at=pool.last_at)]

    def take_back(
        self, hold_id: UUID, order_id: UUID, ticket_type_id: UUID, quantity: int, now: datetime
    ) -> list[Event]:
        """Put sold tickets on sale again, at most as many as are sold of the type; a closed pool takes none back."""
        quantity = min(quantity, self.sold if self.area is None else self.sold_of.get(ticket_type_id, 0))
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
        if self.closed or not self.is_opened or by == 0 or (self.last_change and self.last_change.id == change_id):
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

    def ensure_available(self, quantity: int, ticket_type_id: UUID | None, quota_moved_in: int) -> None:
        """Check that there are so many free tickets, and, for a type with a ceiling, so much quota.

        Raises:
            TicketsSoldOut
        """
        available = self.available(ticket_type_id, quota_moved_in)
        if quantity > available:
            raise TicketsSoldOut(available)

    def ensure_open(self, ticket_type_id: UUID | None = None) -> TicketPoolOpened:
        """Return the terms of an open pool.

        Raises:
            NotOnSale
        """
        terms = self.terms_of(ticket_type_id)
        if terms is None:
            raise NotOnSale("These tickets are not on sale.")
        if self.closed:
            raise NotOnSale("The concert is cancelled.")
        return terms

    def ensure_on_sale(self, ticket_type_id: UUID | None = None) -> TicketPoolOpened:
        """Return the terms of a pool whose sales window is open at the pool's own time.

        Raises:
            NotOnSale: with the window's edge.
        """
        terms = self.ensure_open(ticket_type_id)
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
            hold = Hold(event.quantity, event.expires_at, event.cart_id, None, event.ticket_type_id)
            _set_hold(pool, event.hold_id, hold)
            if event.ticket_type_id is not None:
                move_in(pool, event.ticket_type_id, event)
        case HoldReleased():
            _forget(pool, event.hold_id)
        case HoldExtended() if event.hold_id in pool.holds:
            _set_hold(pool, event.hold_id, pool.holds[event.hold_id]._replace(expires_at=event.expires_at))
        case HoldPlacedOnOrder():
            pool.has_orders = True
            if event.hold_id in pool.holds:
                hold = pool.holds[event.hold_id]._replace(order_id=event.order_id, expires_at=event.expires_at)
                _set_hold(pool, event.hold_id, hold)
        case TicketsSold():
            _forget(pool, event.hold_id)
            pool.sold += event.quantity
            pool.has_orders = True
            if event.ticket_type_id is not None:
                move_in(pool, event.ticket_type_id, event)
                count_sold(pool, event.ticket_type_id, event.quantity)
        case _:
            evolve_stock(pool, event)
    return pool


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


def _forget(pool: TicketPool, hold_id: UUID) -> None:
    hold = pool.holds.pop(hold_id, None)
    if hold is not None:
        pool.held -= hold.quantity


def _organiser_of(pool: TicketPool) -> UUID | None:
    opened = pool.area or pool.terms
    return opened.organiser_id if opened else None


def _with_own_holds(pool: TicketPool) -> TicketPool:
    pool = pool.copy()
    pool.holds = dict(pool.holds)
    return pool


@lru_cache(maxsize=10_000)
def pool_id(stock_id: UUID, index: int) -> UUID:
    """Return the id of a pool of a ticket type or of an area, which follows from its index."""
    return uuid5(stock_id, f"pool/{index}")


SNAPSHOT_EVERY = 50

TICKET_POOL = Aggregate(
    "TicketPool",
    TicketPool(),
    evolve,
    copy=_with_own_holds,
    owner=_organiser_of,
    snapshot_every=SNAPSHOT_EVERY,
)
