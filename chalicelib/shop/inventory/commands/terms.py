"""Changes the terms on which tickets are sold, pool by pool."""

from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory.commands.offers import stream_of
from chalicelib.shop.inventory.events import AreaPoolOpened, PoolShare, TicketPoolOpened
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL


def change_terms(repository: Repository, terms: Iterable[TicketPoolOpened | AreaPoolOpened], origin: Origin) -> None:
    """Give each pool its terms, in a commit of its own.

    Interrupted, repeated, or run beside another change, it leaves every pool with the newest terms it was given.
    """
    for one in terms:
        repository.execute(partial(_take_terms, terms=one), origin)


def share_terms(session: Session, shares: Sequence[PoolShare], ticket_type_id: UUID) -> TicketPoolOpened:
    """Return the terms of a hold of the type over these pools, and give the newest to all of them.

    While a change of terms is under way, one pool has them before another; one hold has one price.
    Raises NotOnSale.
    """
    all_terms = [session.load(TICKET_POOL, share.pool_id).ensure_open(ticket_type_id) for share in shares]
    newest = max(all_terms, key=lambda terms: terms.terms_version)
    for share in shares:
        _take(session, share.pool_id, newest)
    return newest


def terms_of_hold(session: Session, shares: Sequence[PoolShare], ticket_type_id: UUID) -> TicketPoolOpened | None:
    """Return the terms that the pools of a hold of the type have now; lines of the original have no pools."""
    return session.load(TICKET_POOL, shares[0].pool_id).terms_of(ticket_type_id) if shares else None


def _take_terms(session: Session, terms: TicketPoolOpened | AreaPoolOpened) -> None:
    _take(session, stream_of(terms), terms.model_copy(update={"at": session.now}))


def _take(session: Session, key: UUID, terms: TicketPoolOpened | AreaPoolOpened) -> None:
    pool = session.load(TICKET_POOL, key)
    events = pool.take_terms(terms, session.now)
    session.append(TICKET_POOL, key, *events)
    stock_id = session.load(TICKET_POOL, key).stock_id
    if events and stock_id is not None:
        # A cached "sold out" ends with the sale, whose end may be another one now.
        session.raise_epoch(stock_id)
