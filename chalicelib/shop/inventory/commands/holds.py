"""Holds tickets, and extends, releases or sells what is held, inside the caller's session.

So a hold commits with the caller's events, or not at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory import allocation, limits, quotas
from chalicelib.shop.inventory.allocation import Allocation
from chalicelib.shop.inventory.commands.terms import share_terms
from chalicelib.shop.inventory.events import PoolShare, TicketPoolOpened
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL


@dataclass(frozen=True, slots=True)
class HeldTickets:
    """A hold over one or more pools of one ticket type, under the terms at which it was taken."""

    terms: TicketPoolOpened
    shares: tuple[PoolShare, ...]
    expires_at: datetime


def hold_tickets(
    session: Session,
    ticket_type_id: UUID,
    hold_id: UUID,
    cart_id: UUID,
    customer_id: UUID,
    quantity: int,
    until: Callable[[TicketPoolOpened], datetime],
) -> HeldTickets:
    """Hold tickets in one pool that has enough, or in several if only together they have enough.

    `until` is asked for the deadline once the terms are known, and may refuse.
    Raises NotFound for an unknown ticket type, NotOnSale, CustomerLimitExceeded, Busy, or TicketsSoldOut with what is
    available over all pools.
    """
    # From the cheapest stage to the most expensive: pools that this container has cached cost no read. The sold-out
    # cache, one read, comes before any other pool is read. A recount of all pools comes last.
    wanted = session, ticket_type_id, quantity
    found = allocation.from_last_pool(*wanted) or allocation.from_likely_pools(*wanted)
    if found is None:
        allocation.ensure_not_sold_out(*wanted)
        found = allocation.from_unread_pools(*wanted) or allocation.from_all_pools(*wanted)
    if len(found.shares) > 1:
        found = _on_one_price(session, found, ticket_type_id)
    expires_at = until(found.terms)
    # A pool that was chosen alone has quota enough; only what all pools have together may have to be moved.
    moved_in = quotas.move_to(session, found.pools, found.shares, ticket_type_id) if len(found.pools) > 1 else {}
    for share in found.shares:
        asked = share.quantity, session.now, expires_at, ticket_type_id, moved_in.get(share.pool_id, 0)
        session.append(TICKET_POOL, share.pool_id, *found.pools[share.pool_id].hold(hold_id, cart_id, *asked))
    limits.count(session, found.terms, quantity, hold_id, customer_id, expires_at)
    return HeldTickets(found.terms, found.shares, expires_at)


def _on_one_price(session: Session, found: Allocation, ticket_type_id: UUID) -> Allocation:
    """Give the newest terms to all pools of the hold: while they change, one pool has them before another."""
    terms = share_terms(session, found.shares, ticket_type_id)
    changed = {share.pool_id: session.load(TICKET_POOL, share.pool_id).at(session.now) for share in found.shares}
    return Allocation(terms, found.shares, {**found.pools, **changed})


def extend(
    session: Session, shares: tuple[PoolShare, ...], hold_id: UUID, customer_id: UUID, expires_at: datetime
) -> None:
    """Give the hold a later deadline.

    Raises CustomerLimitExceeded, NotOnSale or HoldExpired.
    """
    limits.count_again(session, shares, hold_id, customer_id, expires_at)
    for share in shares:
        pool = session.load(TICKET_POOL, share.pool_id)
        session.append(TICKET_POOL, share.pool_id, *pool.extend(hold_id, session.now, expires_at))


def place_on_order(
    session: Session,
    shares: tuple[PoolShare, ...],
    hold_id: UUID,
    customer_id: UUID,
    order_id: UUID,
    expires_at: datetime,
) -> None:
    """Move the hold from the cart to the order, with the order's deadline.

    Raises CustomerLimitExceeded, NotOnSale or HoldExpired.
    """
    limits.count_again(session, shares, hold_id, customer_id, expires_at)
    for share in shares:
        pool = session.load(TICKET_POOL, share.pool_id)
        session.append(TICKET_POOL, share.pool_id, *pool.place_on_order(hold_id, order_id, session.now, expires_at))


def release(session: Session, shares: tuple[PoolShare, ...], hold_id: UUID, customer_id: UUID) -> None:
    """Release the hold; one that has ended already stays as it is."""
    limits.give_back(session, shares, hold_id, customer_id)
    for share in shares:
        pool = session.load(TICKET_POOL, share.pool_id)
        events = pool.release(hold_id, session.now)
        session.append(TICKET_POOL, share.pool_id, *events)
        # Stock that is freed before its time must void a cached "sold out" in this transaction: raised later, a crash
        # in between would leave these tickets unsold.
        if events and pool.stock_id is not None:
            session.raise_epoch(pool.stock_id)


def sell(
    session: Session,
    shares: tuple[PoolShare, ...],
    hold_id: UUID,
    customer_id: UUID,
    order_id: UUID,
    limit: int | None = None,
) -> None:
    """Sell the held tickets to the order.

    `limit` is for what one customer has of the concert, where its organiser sets none; None if there is no limit then.
    Raises CustomerLimitExceeded, NotOnSale or HoldExpired.
    """
    limits.count_again(session, shares, hold_id, customer_id, expires_at=None, default=limit)
    for share in shares:
        pool = session.load(TICKET_POOL, share.pool_id)
        session.append(TICKET_POOL, share.pool_id, *pool.sell(hold_id, order_id, session.now))
