"""Counts a hold in its customer's allowance, in the session that changes the hold.

Nothing is counted, and no allowance is read, where the organiser set no limit.
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
) -> None:
    """Count a hold of so many tickets until `expires_at`, or for good if that is None.

    Raises CustomerLimitExceeded.
    """
    if terms.max_per_customer is None:
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
    session.append(ALLOWANCE, key, *allowance.take(taking, terms.max_per_customer))


def count_again(
    session: Session, shares: tuple[PoolShare, ...], hold_id: UUID, customer_id: UUID, expires_at: datetime | None
) -> None:
    """Count an existing hold until another deadline, or for good if that is None.

    Raises CustomerLimitExceeded.
    """
    terms = _limiting_terms(session, shares)
    if terms is not None:
        count(session, terms, sum(share.quantity for share in shares), hold_id, customer_id, expires_at)


def give_back(session: Session, shares: tuple[PoolShare, ...], hold_id: UUID, customer_id: UUID) -> None:
    """Count the hold no more; one that has ended counts no more already."""
    terms = _limiting_terms(session, shares)
    if terms is not None:
        key = allowance_id(terms.concert_id, customer_id)
        session.append(ALLOWANCE, key, *session.load(ALLOWANCE, key).give_back(hold_id, session.now))


def _limiting_terms(session: Session, shares: tuple[PoolShare, ...]) -> TicketPoolOpened | None:
    """Return the equal terms of the pools if they limit a customer; lines of the original have no pools."""
    terms = session.load(TICKET_POOL, shares[0].pool_id).terms if shares else None
    return None if terms is None or terms.max_per_customer is None else terms
