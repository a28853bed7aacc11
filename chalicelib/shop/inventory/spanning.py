"""Plans from which pools tickets are taken, when no single pool is known to have enough.

A ticket type with a ceiling needs free tickets and quota. Where the free tickets lie in one pool and the quota in
another, the quota moves with the hold. So a type is sold out only if its area or its ceiling is.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from chalicelib.shop.inventory.events import PoolShare
from chalicelib.shop.inventory.ticket_pool import TicketPool, TicketsSoldOut

Shares = tuple[PoolShare, ...]
"""The number of tickets to take from each pool; empty if none was found."""


@dataclass(frozen=True, slots=True)
class QuotaMoves:
    """Says how much quota of a ticket type leaves some pools, and arrives in others; both add up to the same."""

    out: Mapping[UUID, int] = field(default_factory=dict)
    into: Mapping[UUID, int] = field(default_factory=dict)


def available_in(pools: Iterable[TicketPool], ticket_type_id: UUID) -> int:
    """Return how many tickets of the type all pools together can give: the free ones, within the type's ceiling."""
    pools = list(pools)
    free = sum(pool.free for pool in pools)
    left = [quota for pool in pools if (quota := pool.quota_left(ticket_type_id)) is not None]
    return min(free, sum(left)) if left else free


def span(pools: Mapping[UUID, TicketPool], quantity: int, ticket_type_id: UUID) -> Shares:
    """Choose the fewest pools that have the quantity together: those with the most free tickets first.

    Pools that have quota as well come before those to which it would have to move. Ties are broken at random, or all
    buyers would want the same pools.
    Raises TicketsSoldOut.
    """
    available = available_in(pools.values(), ticket_type_id)
    if available < quantity:
        raise TicketsSoldOut(available)
    keys, parts = list(pools), dict.fromkeys(pools, 0)
    random.shuffle(keys)
    _fill(parts, {key: pools[key].available(ticket_type_id) for key in keys}, quantity)
    _fill(parts, {key: pools[key].free for key in keys}, quantity)
    return tuple(PoolShare(pool_id=key, quantity=part) for key, part in parts.items() if part)


def quota_moves(pools: Mapping[UUID, TicketPool], shares: Shares, ticket_type_id: UUID) -> QuotaMoves:
    """Plan which quota moves, so that every share has enough of it: from the pools that have the most left over."""
    parts = {share.pool_id: share.quantity for share in shares}
    over = {key: (pool.quota_left(ticket_type_id) or 0) - parts.get(key, 0) for key, pool in pools.items()}
    into = {key: -left for key, left in over.items() if left < 0}
    out: dict[UUID, int] = {}
    for key in sorted(over, key=lambda key: -over[key]):
        part = min(over[key], sum(into.values()) - sum(out.values()))
        if part > 0:
            out[key] = part
    return QuotaMoves(out, into)


def _fill(parts: dict[UUID, int], most: Mapping[UUID, int], quantity: int) -> None:
    """Raise the parts to at most `most`, those that can grow most first, until they are `quantity` together."""
    for key in sorted(most, key=lambda key: parts[key] - most[key]):
        parts[key] += max(0, min(most[key] - parts[key], quantity - sum(parts.values())))
