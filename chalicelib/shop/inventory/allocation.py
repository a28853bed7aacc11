"""Chooses the pools from which a hold takes its tickets, and refuses without trying where that is certain.

"Sold out" is cached exactly (ADR 8). A recount reads every pool of a ticket type as of one instant. Its result holds
until somebody frees stock early or closes a pool (that raises the result's epoch, in its own transaction), until a hold
reaches its deadline, or until the sale ends. So each buyer who comes after the last ticket costs one read, and the
cache never hides another reason for a refusal.

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
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool, TicketsSoldOut, pool_id

MAX_RECOUNTS = 5
"""The number of recounts during which tickets are given back, after which the buyer has to ask again."""

Shares = tuple[PoolShare, ...]
"""The number of tickets to take from each pool."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """Holds what is to be taken from each pool, the pools as this session has read them, and the terms of them all."""

    terms: TicketPoolOpened
    shares: Shares
    pools: Mapping[UUID, TicketPool]


@dataclass(frozen=True, slots=True)
class Recounted:
    """The result of a recount: at most `free` tickets are available before `until`, when a hold or the sale ends."""

    free: int
    until: datetime


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

    A container that knows nothing of the type asks the sold-out cache before anything else.
    Raises TicketsSoldOut, NotOnSale, or NotFound for an unknown ticket type.
    """
    if session.hint_state(TICKET_POOL, pool_id(ticket_type_id, 0)) is None:
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
    shares = span(pools, quantity)
    return Allocation(pools[shares[0].pool_id].ensure_open(), shares, pools)


def likely_pools(session: Session, ticket_type_id: UUID, quantity: int) -> Iterator[UUID]:
    """Name the pools that this container believes to have enough.

    A container that knows nothing starts with pool 0, whose terms say how many pools there are: so its first hold costs
    one read of stock. After a lost race it first tries a pool that it has never read, and only then goes back to where
    it lost: so containers spread, each to a pool of its own if there are enough.
    """
    known = [key for key in _known_pools(session, ticket_type_id) if _seems_to_have(session, key, quantity)]
    random.shuffle(known)
    yield from (key for key in known if key not in session.hint_contended)
    if session.hint_contended:
        yield from unread_pools(session, ticket_type_id)[:1]
    yield from (key for key in known if key in session.hint_contended)


def unread_pools(session: Session, ticket_type_id: UUID) -> list[UUID]:
    """Name the pools that this container has never read, in random order."""
    known = set(_known_pools(session, ticket_type_id))
    keys = [key for key in pools_of_type(session, ticket_type_id) if key not in known]
    random.shuffle(keys)
    return keys


def ensure_not_sold_out(session: Session, ticket_type_id: UUID, quantity: int) -> None:
    """Ask the sold-out cache.

    Raises TicketsSoldOut if fewer tickets than `quantity` are free for certain.
    """
    cached = session.cached_result(ticket_type_id)
    if cached.value is None:
        return
    result = _RECOUNTED.validate_json(cached.value)
    if quantity > result.free and session.now < result.until:
        session.rely_on_cached_result()
        raise TicketsSoldOut(result.free)


def recount(session: Session, ticket_type_id: UUID, quantity: int) -> dict[UUID, TicketPool]:
    """Read every pool as it is in the log now, and cache what is free over all of them.

    The result is stored under the epoch that this command saw first. If fewer than `quantity` are free, that was true
    at one instant: if tickets were given back between two reads, all pools are read again.
    Raises Busy if that happens `MAX_RECOUNTS` times, or NotOnSale, and then no result is stored.
    """
    # The epoch is older than every pool that is read below. Without that, tickets that are given back after their pool
    # was read, and before the epoch was, would stay "sold out" until the next deadline.
    keys, epoch = pools_of_type(session, ticket_type_id), session.cached_result(ticket_type_id).epoch
    for _ in range(MAX_RECOUNTS):
        pools = {key: session.load(TICKET_POOL, key, Load.FRESH).at(session.now) for key in keys}
        ends = [pool.ensure_on_sale().sales_end for pool in pools.values()]
        deadlines = [pool.next_expiry for pool in pools.values() if pool.next_expiry is not None]
        result = Recounted(sum(pool.free for pool in pools.values()), min(ends + deadlines))
        # Holds that nobody ends raise no epoch when they lapse: the result itself ends with the first of them.
        is_stored = session.epoch_cache.store_result(ticket_type_id, epoch, _RECOUNTED.dump_json(result).decode())
        if is_stored or quantity <= result.free:
            return pools
        epoch = session.epoch_cache.find_result(ticket_type_id).epoch
    raise Busy("Tickets are being given back at this moment. Please try again.")


def span(pools: Mapping[UUID, TicketPool], quantity: int) -> Shares:
    """Choose the fewest pools that have the quantity together: those with the most free tickets first.

    Ties are broken at random, or all buyers would want the same pools.
    Raises TicketsSoldOut.
    """
    available = sum(pool.free for pool in pools.values())
    if available < quantity:
        raise TicketsSoldOut(available)
    shares, missing = [], quantity
    fullest = list(pools.items())
    random.shuffle(fullest)
    fullest.sort(key=lambda item: -item[1].free)
    for key, pool in fullest:
        shares.append(PoolShare(pool_id=key, quantity=min(pool.free, missing)))
        missing -= shares[-1].quantity
        if not missing:
            break
    return tuple(shares)


def pools_of_type(session: Session, ticket_type_id: UUID) -> list[UUID]:
    """Return the ids of all pools of the type.

    Raises NotFound for a type that is not on sale.
    """
    terms = session.load(TICKET_POOL, pool_id(ticket_type_id, 0), Load.ALLOW_STALE).terms
    if terms is None:
        raise NotFound("There is no such ticket type on sale.")
    return [pool_id(ticket_type_id, index) for index in range(terms.pool_count)]


def _first_that_has(session: Session, keys: Iterable[UUID], ticket_type_id: UUID, quantity: int) -> Allocation | None:
    """Choose the first pool that has enough, and remember it for the next hold.

    Raises NotOnSale.
    """
    how = Load.FRESH if session.hint_contended else Load.ALLOW_STALE
    for key in keys:
        pool = session.load(TICKET_POOL, key, how).at(session.now)
        terms = pool.ensure_on_sale()
        if quantity <= pool.free:
            session.hint_choices[ticket_type_id] = key
            return Allocation(terms, (PoolShare(pool_id=key, quantity=quantity),), {key: pool})
    return None


def _known_pools(session: Session, ticket_type_id: UUID) -> list[UUID]:
    keys = pools_of_type(session, ticket_type_id)
    return [key for key in keys if session.hint_state(TICKET_POOL, key) is not None]


def _seems_to_have(session: Session, key: UUID, quantity: int) -> bool:
    pool = session.hint_state(TICKET_POOL, key)
    return pool is not None and quantity <= pool.at(session.now).free
