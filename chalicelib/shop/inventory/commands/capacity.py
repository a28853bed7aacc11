"""Changes how many tickets of a type that is on sale are offered, pool by pool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory.pool_sizing import MAX_POOL_CAPACITY
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool


@dataclass(frozen=True, slots=True)
class Committed:
    """The tickets that were held and sold when a lower quantity was refused."""

    held: int
    sold: int


def largest_capacity(pool_ids: Sequence[UUID]) -> int:
    """Return the most tickets that these pools can have together."""
    return len(pool_ids) * MAX_POOL_CAPACITY


def change_capacity(
    repository: Repository, pool_ids: Sequence[UUID], change_id: UUID, quantity: int, origin: Origin
) -> Committed | None:
    """Raise or lower the capacity pool by pool until the type has `quantity`; return None if it could be done.

    If the pools cannot be lowered so far, what was lowered is given back. Interrupted, repeated, or run by two workers
    at a time, it has one result: a pool has one part in a change, and the pools are taken in their order.
    """
    # Computed without this change's own parts, so that everybody who runs it, at whatever point it was interrupted,
    # computes the same: `before` is what the pools had when the change began.
    pools = {key: repository.load(TICKET_POOL, key)[0] for key in pool_ids}
    before = {key: pool.capacity - pool.changed_by(change_id) for key, pool in pools.items()}
    missing = quantity - sum(before.values())
    parts = _raises(before, missing) if missing > 0 else {}
    for key in pool_ids:
        # Raising is planned: every pool gets its share. Lowering takes from each pool what is free there and goes on
        # with the rest, because only the pool's own commit tells what is free.
        by = parts.get(key, 0) if missing > 0 else missing - sum(parts.values())
        change = partial(_change_capacity, key=key, change_id=change_id, by=by)
        parts[key] = repository.execute(change, origin)
    if missing >= 0 or sum(parts.values()) == missing:
        return None
    pools = {key: repository.execute(partial(_give_back, key=key, change_id=change_id), origin) for key in pool_ids}
    return Committed(sum(pool.held for pool in pools.values()), sum(pool.sold for pool in pools.values()))


def _raises(before: Mapping[UUID, int], by: int) -> dict[UUID, int]:
    """Return what each pool gets: shares as even as the pools' limit allows, the same whoever computes them."""
    # Fullest first: what a full pool cannot take is spread over those that come after it.
    parts: dict[UUID, int] = {}
    for number, key in enumerate(sorted(before, key=lambda key: (-before[key], key))):
        share = -(-(by - sum(parts.values())) // (len(before) - number))
        parts[key] = min(share, MAX_POOL_CAPACITY - before[key])
    return parts


def _change_capacity(session: Session, key: UUID, change_id: UUID, by: int) -> int:
    """Change the pool's capacity by at most `by`; return its part in the change."""
    pool = session.load(TICKET_POOL, key)
    events = pool.change_capacity(change_id, by, session.now)
    session.append(TICKET_POOL, key, *events)
    if events and by > 0 and pool.stock_id is not None:
        session.raise_epoch(pool.stock_id)
    return session.load(TICKET_POOL, key).changed_by(change_id)


def _give_back(session: Session, key: UUID, change_id: UUID) -> TicketPool:
    pool = session.load(TICKET_POOL, key)
    events = pool.give_back_change(change_id, session.now)
    session.append(TICKET_POOL, key, *events)
    if events and pool.stock_id is not None:
        session.raise_epoch(pool.stock_id)
    return session.load(TICKET_POOL, key).at(session.now)
