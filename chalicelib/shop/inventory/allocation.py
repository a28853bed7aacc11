"""Chooses the pools from which a hold takes its tickets, and refuses without trying where that is certain.

"Sold out" is cached exactly (ADR 8). A recount reads every pool of a stock as of one instant. A stock is a ticket
type's own, or that of an area, from which several types draw (ADR 45). The result of a recount holds until somebody
frees stock early or closes a pool (that raises the result's epoch, in its own transaction), until a hold reaches its
deadline, or until a sale begins or ends. So each buyer who comes after the last ticket costs one read, and the cache
never hides another reason for a refusal.

After a lost race no pool is tried that was not read anew. With many more containers than pools, whatever a container
remembers is old, and every try on it would be one more lost race.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

from chalicelib.platform.errors import Busy, NotFound
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.shop.inventory.events import PoolShare, TicketPoolOpened
from chalicelib.shop.inventory.shared_stock import windows_in
from chalicelib.shop.inventory.spanning import Shares, available_in, span
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool, TicketsSoldOut, pool_id

MAX_RECOUNTS = 5
"""The number of recounts during which tickets are given back, after which the buyer has to ask again."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """Holds what is to be taken from each pool, the pools as this session has read them, and the terms of them all."""

    terms: TicketPoolOpened
    shares: Shares
    pools: Mapping[UUID, TicketPool]


@dataclass(frozen=True, slots=True)
class Stock:
    """Names the stock from which a ticket type draws, and those of its pools that had quota for the type at first."""

    id: UUID
    pool_count: int
    quotas: tuple[int, ...] = ()

    @property
    def pools(self) -> list[UUID]:
        return [pool_id(self.id, index) for index in range(self.pool_count)]

    @property
    def first_pools(self) -> list[UUID]:
        """Return the pools that are worth reading one by one."""
        return [key for index, key in enumerate(self.pools) if not self.quotas or self.quotas[index]]


@dataclass(frozen=True, slots=True)
class Recounted:
    """The result of a recount: at most `free` tickets are available before `until`, when a hold or a sale ends.

    Of an area, `of_types` has the ticket types that are on sale until then, and is the result for each.
    """

    free: int
    until: datetime
    of_types: Mapping[UUID, int] | None = None

    def free_of(self, ticket_type_id: UUID) -> int | None:
        """Return how many tickets of the type are free; None if the recount tells nothing of it."""
        return self.free if self.of_types is None else self.of_types.get(ticket_type_id)


_RECOUNTED = TypeAdapter(Recounted)


def from_last_pool(session: Session, ticket_type_id: UUID, quantity: int) -> Allocation | None:
    """Take from the pool that this container took from last, unless it has just lost a race there.

    Raises NotOnSale.
    """
    last = session.hint_choices.get(ticket_type_id)
    if last is None or last in session.hint_contended:
        return None
    return _first_that_has(session, [last], ticket_type_id, quantity)


def from_likely_pools(session: Session, ticket_type_id: UUID, quantity: int) -> Allocation | None:
    """Take from a pool that this container believes to have enough.

    A container that knows nothing of the type asks the sold-out cache before anything else; if the type turns out to
    draw from an area, it asks the area's.
    Raises TicketsSoldOut, NotOnSale, or NotFound for an unknown ticket type.
    """
    if session.hint_state(TICKET_POOL, pool_id(ticket_type_id, 0)) is None:
        ensure_not_sold_out(session, ticket_type_id, quantity)
        if stock_of(session, ticket_type_id).id != ticket_type_id:
            ensure_not_sold_out(session, ticket_type_id, quantity)
    return _first_that_has(session, likely_pools(session, ticket_type_id, quantity), ticket_type_id, quantity)


def from_unread_pools(session: Session, ticket_type_id: UUID, quantity: int) -> Allocation | None:
    """Take from a pool that this container has never read.

    Raises NotOnSale.
    """
    return _first_that_has(session, unread_pools(session, ticket_type_id), ticket_type_id, quantity)


def from_all_pools(session: Session, ticket_type_id: UUID, quantity: int) -> Allocation:
    """Recount the stock, and take the quantity from as many pools as it needs.

    Raises NotOnSale, Busy or TicketsSoldOut.
    """
    pools = recount(session, ticket_type_id, quantity)
    shares = span(pools, quantity, ticket_type_id)
    return Allocation(pools[shares[0].pool_id].ensure_open(ticket_type_id), shares, pools)


def likely_pools(session: Session, ticket_type_id: UUID, quantity: int) -> Iterator[UUID]:
    """Name the pools that this container believes to have enough.

    A container that knows nothing starts with pool 0, whose terms say how many pools there are: so its first hold costs
    one read of stock. After a lost race it first tries a pool that it has never read, and only then goes back to where
    it lost: so containers spread, each to a pool of its own if there are enough.
    """
    stock = stock_of(session, ticket_type_id)
    known = [key for key in _known(session, stock.pools) if _seems_to_have(session, key, ticket_type_id, quantity)]
    random.shuffle(known)
    yield from (key for key in known if key not in session.hint_contended)
    if session.hint_contended:
        yield from unread_pools(session, ticket_type_id)[:1]
    yield from (key for key in known if key in session.hint_contended)


def unread_pools(session: Session, ticket_type_id: UUID) -> list[UUID]:
    """Name the pools that this container has never read, in random order."""
    pools = stock_of(session, ticket_type_id).first_pools
    known = set(_known(session, pools))
    keys = [key for key in pools if key not in known]
    random.shuffle(keys)
    return keys


def ensure_not_sold_out(session: Session, ticket_type_id: UUID, quantity: int) -> None:
    """Ask the sold-out cache.

    Raises TicketsSoldOut if fewer tickets than `quantity` are free for certain.
    """
    cached = session.cached_result(_known_stock_id(session, ticket_type_id))
    if cached.value is None:
        return
    result = _RECOUNTED.validate_json(cached.value)
    free = result.free_of(ticket_type_id)
    if free is not None and quantity > free and session.now < result.until:
        session.rely_on_cached_result()
        raise TicketsSoldOut(free)


def recount(session: Session, ticket_type_id: UUID, quantity: int) -> dict[UUID, TicketPool]:
    """Read every pool as it is in the log now, and cache what is free over all of them.

    The result is stored under the epoch that this command saw first. If fewer than `quantity` are free, that was true
    at one instant: if tickets were given back between two reads, all pools are read again.
    Raises Busy if that happens `MAX_RECOUNTS` times, or NotOnSale, and then no result is stored.
    """
    # The epoch is older than every pool that is read below. Without that, tickets that are given back after their pool
    # was read, and before the epoch was, would stay "sold out" until the next deadline.
    stock = stock_of(session, ticket_type_id)
    epoch = session.cached_result(stock.id).epoch
    for _ in range(MAX_RECOUNTS):
        pools = {key: session.load(TICKET_POOL, key, Load.FRESH).at(session.now) for key in stock.pools}
        for pool in pools.values():
            pool.ensure_on_sale(ticket_type_id)
        # Holds that nobody ends raise no epoch when they lapse: the result itself ends with the first of them.
        result = _RECOUNTED.dump_json(_result_of(list(pools.values())), exclude_none=True).decode()
        is_stored = session.epoch_cache.store_result(stock.id, epoch, result)
        if is_stored or quantity <= available_in(pools.values(), ticket_type_id):
            return pools
        epoch = session.epoch_cache.find_result(stock.id).epoch
    raise Busy("Tickets are being given back at this moment. Please try again.")


def stock_of(session: Session, ticket_type_id: UUID) -> Stock:
    """Return the stock from which the type draws.

    Raises NotFound for a type that is not on sale.
    """
    first = session.load(TICKET_POOL, pool_id(ticket_type_id, 0), Load.ALLOW_STALE)
    if first.assigned is not None:
        return Stock(first.assigned.area_id, first.assigned.pool_count, first.assigned.quotas)
    if first.terms is None:
        raise NotFound("There is no such ticket type on sale.")
    return Stock(ticket_type_id, first.terms.pool_count)


def _first_that_has(session: Session, keys: Iterable[UUID], ticket_type_id: UUID, quantity: int) -> Allocation | None:
    """Choose the first pool that has enough, and remember it for the next hold.

    Raises NotOnSale.
    """
    how = Load.FRESH if session.hint_contended else Load.ALLOW_STALE
    for key in keys:
        pool = session.load(TICKET_POOL, key, how).at(session.now)
        terms = pool.ensure_on_sale(ticket_type_id)
        if quantity <= pool.available(ticket_type_id):
            session.hint_choices[ticket_type_id] = key
            return Allocation(terms, (PoolShare(pool_id=key, quantity=quantity),), {key: pool})
    return None


def _result_of(pools: list[TicketPool]) -> Recounted:
    """Sum up the pools of a stock, as of one instant; the result ends with the first hold, and with the first sale.

    In an area it also ends when the sale of another type begins, because that type has no result before.
    """
    now, area = max(pool.last_at for pool in pools), pools[0].area
    deadlines = [pool.next_expiry for pool in pools if pool.next_expiry is not None]
    free = sum(pool.free for pool in pools)
    if area is None:
        return Recounted(free, min([pool.ensure_on_sale().sales_end for pool in pools] + deadlines))
    windows = [window for pool in pools if pool.area for window in windows_in(pool.area, pool.changed_terms)]
    edges = [edge for _, one in windows for edge in (one.sales_start, one.sales_end) if edge and now < edge]
    closed = {key for key, one in windows if one.sales_paused or not (one.sales_start or now) <= now < one.sales_end}
    of_types = {one.id: available_in(pools, one.id) for one in area.ticket_types if one.id not in closed}
    return Recounted(free, min(edges + deadlines), of_types)


def _known(session: Session, pools: list[UUID]) -> list[UUID]:
    return [key for key in pools if session.hint_state(TICKET_POOL, key) is not None]


def _known_stock_id(session: Session, ticket_type_id: UUID) -> UUID:
    """Return the id of the type's stock as far as this container knows it: a type's stock never changes its id."""
    first = session.hint_state(TICKET_POOL, pool_id(ticket_type_id, 0))
    return first.assigned.area_id if first is not None and first.assigned is not None else ticket_type_id


def _seems_to_have(session: Session, key: UUID, ticket_type_id: UUID, quantity: int) -> bool:
    pool = session.hint_state(TICKET_POOL, key)
    return pool is not None and quantity <= pool.at(session.now).available(ticket_type_id)
