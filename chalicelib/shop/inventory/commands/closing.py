"""Closes the pools of a cancelled concert, one by one, and clears them once no order needs them any more."""

from functools import partial
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Origin, recorded
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory.events import HoldPlacedOnOrder, TicketsSold
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool


def close_pools(repository: Repository, pool_ids: list[UUID], origin: Origin) -> list[UUID]:
    """Close pool by pool, each in a commit of its own, and return those that are not cleared yet.

    Repeating it finishes what was interrupted.
    """
    return [key for key in pool_ids if not repository.execute(partial(_close, key=key), origin).cleared]


def clear_pool(repository: Repository, key: UUID, origin: Origin) -> None:
    """Record that no order needs the closed pool any more."""

    def command(session: Session) -> None:
        session.append(TICKET_POOL, key, *session.load(TICKET_POOL, key).clear(session.now))

    repository.execute(command, origin)


def are_cleared(repository: Repository, pool_ids: list[UUID]) -> bool:
    """Tell whether no order needs any of these pools, with as few reads as possible.

    Pools are cleared roughly in their order, so the last one is asked first: while a cancellation is under way, that
    one pool answers for thousands.
    """
    return all(repository.load(TICKET_POOL, key)[0].cleared for key in reversed(pool_ids))


def orders_in(repository: Repository, key: UUID) -> list[UUID]:
    """Return every order that ever had tickets of this pool, held or sold, each once.

    They are read from the pool's own events: a read model could be behind.
    """
    events = (recorded(stored).event for stored in repository.store.read(key))
    return list(dict.fromkeys(e.order_id for e in events if isinstance(e, HoldPlacedOnOrder | TicketsSold)))


def _close(session: Session, key: UUID) -> TicketPool:
    """Close the pool, and void the sold-out cache, which would go on to say "sold out" of a cancelled concert."""
    pool = session.load(TICKET_POOL, key)
    events = pool.close(session.now)
    session.append(TICKET_POOL, key, *events)
    if events and pool.stock_id is not None:
        session.raise_epoch(pool.stock_id)
    return session.load(TICKET_POOL, key)
