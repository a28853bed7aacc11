"""Changes the terms on which tickets are sold, pool by pool."""

from collections.abc import Iterable, Sequence
from functools import partial

from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory.events import PoolShare, TicketPoolOpened
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id


def change_terms(repository: Repository, terms: Iterable[TicketPoolOpened], origin: Origin) -> None:
    """Give each pool its terms, in a commit of its own.

    Interrupted, repeated, or run beside another change, it leaves every pool with the newest terms it was given.
    """
    for one in terms:
        repository.execute(partial(_take_terms, terms=one), origin)


def share_terms(session: Session, shares: Sequence[PoolShare]) -> TicketPoolOpened:
    """Return the terms of a hold over these pools, and give the newest to all of them.

    While a change of terms is under way, one pool has them before another; one hold has one price.
    Raises NotOnSale.
    """
    all_terms = [session.load(TICKET_POOL, share.pool_id).ensure_open() for share in shares]
    newest = max(all_terms, key=lambda terms: terms.terms_version)
    for share in shares:
        events = session.load(TICKET_POOL, share.pool_id).take_terms(newest, session.now)
        session.append(TICKET_POOL, share.pool_id, *events)
        if events:
            session.raise_epoch(newest.ticket_type_id)
    return newest


def terms_of_hold(session: Session, shares: Sequence[PoolShare]) -> TicketPoolOpened | None:
    """Return the terms that the pools of a hold have now; lines of the original have no pools."""
    return session.load(TICKET_POOL, shares[0].pool_id).terms if shares else None


def _take_terms(session: Session, terms: TicketPoolOpened) -> None:
    key = pool_id(terms.ticket_type_id, terms.pool_index)
    events = session.load(TICKET_POOL, key).take_terms(terms.model_copy(update={"at": session.now}), session.now)
    session.append(TICKET_POOL, key, *events)
    if events:
        # A cached "sold out" ends with the sale, whose end may be another one now.
        session.raise_epoch(terms.ticket_type_id)
