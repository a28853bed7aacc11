"""Counts a hold in its customer's allowance, in the session that changes the hold.

Nothing is counted, and no allowance is read, where the organiser set no limit; only free tickets that are sold are
counted all the same, because no price keeps a customer from taking all.
"""

from datetime import datetime
from uuid import UUID

from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.shop.inventory.allowance import ALLOWANCE, allowance_id
from chalicelib.shop.inventory.events import AllowanceTaken, PoolShare, TicketPoolOpened
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL


def count(
    session: Session,
    terms: TicketPoolOpened,
    quantity: int,
    hold_id: UUID,
    customer_id: UUID,
    expires_at: datetime | None,
    default: int | None = None,
    *,
    is_held: bool = False,
) -> None:
    """Count a hold of so many tickets until `expires_at`, or for good if that is None.

    `default` is the limit where the organiser set none, but never less than one order may have.
    Raises CustomerLimitExceeded.
    """
    limit = terms.max_per_customer
    if limit is None and default is not None:
        limit = max(default, terms.max_per_order)
    if limit is None:
        return
    key = allowance_id(terms.concert_id, customer_id)
    taking = AllowanceTaken(
        concert_id=terms.concert_id,
        customer_id=customer_id,
        hold_id=hold_id,
        quantity=quantity,
        expires_at=expires_at,
        at=session.now,
    )
    allowance = session.load(ALLOWANCE, key, Load.ASSUME_EMPTY)
    session.append(ALLOWANCE, key, *allowance.take(taking, limit, is_held=is_held and default is None))


def count_again(
    session: Session,
    shares: tuple[PoolShare, ...],
    hold_id: UUID,
    customer_id: UUID,
    expires_at: datetime | None,
    default: int | None = None,
) -> None:
    """Count an existing hold until another deadline, or for good if that is None.

    Raises CustomerLimitExceeded.
    """
    terms = _terms(session, shares, hold_id)
    if terms is not None:
        quantity = sum(share.quantity for share in shares)
        pool = session.load(TICKET_POOL, shares[0].pool_id).at(session.now)
        count(session, terms, quantity, hold_id, customer_id, expires_at, default, is_held=hold_id in pool.holds)


def give_back(session: Session, shares: tuple[PoolShare, ...], hold_id: UUID, customer_id: UUID) -> None:
    """Count the hold no more; one that has ended counts no more already."""
    terms = _terms(session, shares, hold_id)
    if terms is not None and terms.max_per_customer is not None:
        key = allowance_id(terms.concert_id, customer_id)
        session.append(ALLOWANCE, key, *session.load(ALLOWANCE, key).give_back(hold_id, session.now))


def give_back_bought(
    session: Session, shares: tuple[PoolShare, ...], hold_id: UUID, customer_id: UUID, quantity: int
) -> None:
    """Count bought tickets no more, as far as they were counted: whatever the limit was then, and is now."""
    terms = _terms(session, shares, hold_id)
    if terms is not None:
        key = allowance_id(terms.concert_id, customer_id)
        events = session.load(ALLOWANCE, key).give_back_bought(hold_id, quantity, session.now)
        session.append(ALLOWANCE, key, *events)


def _terms(session: Session, shares: tuple[PoolShare, ...], hold_id: UUID) -> TicketPoolOpened | None:
    """Return the equal terms of the pools; lines of the original have no pools."""
    if not shares:
        return None
    pool = session.load(TICKET_POOL, shares[0].pool_id)
    hold = pool.holds.get(hold_id)
    return pool.terms_of(hold.ticket_type_id if hold else None)
