"""Closes the pools of a cancelled concert, and clears them once no order needs them any more."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

from chalicelib.platform.errors import Busy
from chalicelib.platform.eventsourcing.codec import Origin, recorded
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.store import MAX_COMMIT_ITEMS
from chalicelib.shop.inventory.events import HoldPlacedOnOrder, TicketsSold
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool

CLOSED_AT_ONCE = MAX_COMMIT_ITEMS // 3
"""A pool is closed by two events at most, and may raise an epoch of its own."""

READ_AT_ONCE = 8


def close_pools(repository: Repository, pool_ids: Sequence[UUID], origin: Origin) -> list[UUID]:
    """Close the pools, as many a commit as the log takes, and return those that are not cleared yet.

    Where buyers win the race for too long, pools are closed one by one. Repeating it finishes what was interrupted.
    """
    uncleared: list[UUID] = []
    for start in range(0, len(pool_ids), CLOSED_AT_ONCE):
        pools = _read(repository, pool_ids[start : start + CLOSED_AT_ONCE])
        to_close = [key for key, pool in pools.items() if pool.close(repository.now())]
        uncleared += [key for key, pool in pools.items() if key not in to_close and not pool.cleared]
        uncleared += _close_together(repository, to_close, origin)
    return uncleared


def clear_pool(repository: Repository, key: UUID, origin: Origin) -> None:
    """Record that no order needs the closed pool any more."""

    def command(session: Session) -> None:
        session.append(TICKET_POOL, key, *session.load(TICKET_POOL, key).clear(session.now))

    repository.execute(command, origin)


def are_cleared(repository: Repository, pool_ids: Sequence[UUID]) -> bool:
    """Tell whether no order needs any of these pools, with as few reads as possible.

    Pools are cleared roughly in their order, so the last one is asked first: while a cancellation is under way, that
    one pool answers for thousands.
    """
    return all(repository.load(TICKET_POOL, key)[0].cleared for key in reversed(pool_ids))


def list_uncleared(repository: Repository, pool_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of the closed pools that an order still needs."""
    return [key for key, pool in _read(repository, pool_ids).items() if not pool.cleared]


def orders_in(repository: Repository, key: UUID) -> list[UUID]:
    """Return every order that ever had tickets of this pool, held or sold, each once.

    They are read from the pool's own events: a read model could be behind.
    """
    events = (recorded(stored).event for stored in repository.store.read(key))
    return list(dict.fromkeys(e.order_id for e in events if isinstance(e, HoldPlacedOnOrder | TicketsSold)))


def _read(repository: Repository, keys: Sequence[UUID]) -> dict[UUID, TicketPool]:
    """Read the pools, several at once where they are many; the command that follows finds them cached."""
    load = partial(repository.load, TICKET_POOL)
    if len(keys) <= READ_AT_ONCE:
        return {key: load(key)[0] for key in keys}
    with ThreadPoolExecutor(READ_AT_ONCE) as threads:
        return {key: pool for key, (pool, _) in zip(keys, threads.map(load, keys), strict=True)}


def _close_together(repository: Repository, keys: Sequence[UUID], origin: Origin) -> list[UUID]:
    try:
        return repository.execute(partial(_close, keys=keys), origin)
    except Busy:
        if len(keys) == 1:
            raise
    return [key for key in keys if repository.execute(partial(_close, keys=[key]), origin)]


def _close(session: Session, keys: Sequence[UUID]) -> list[UUID]:
    """Close the pools, and return those that are not cleared.

    It voids the sold-out cache, which would go on to say "sold out" of a cancelled concert.
    """
    for key in keys:
        pool = session.load(TICKET_POOL, key)
        events = pool.close(session.now)
        session.append(TICKET_POOL, key, *events)
        if events and pool.stock_id is not None:
            session.raise_epoch(pool.stock_id)
    return [key for key in keys if not session.load(TICKET_POOL, key).cleared]
