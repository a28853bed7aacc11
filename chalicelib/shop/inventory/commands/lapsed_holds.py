"""Records the holds that have ended, so that read models of the pools learn of it."""

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL


def record_lapsed_holds(repository: Repository, pool_ids: Iterable[UUID], origin: Origin) -> int:
    """Record in each pool the holds that have ended; return how many pools had any."""
    return sum(repository.execute(partial(_record_lapsed, key=key), origin) for key in pool_ids)


def _record_lapsed(session: Session, key: UUID) -> bool:
    events = session.load(TICKET_POOL, key).record_lapsed(session.now)
    session.append(TICKET_POOL, key, *events)
    return bool(events)
