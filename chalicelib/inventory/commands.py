"""Taking, keeping, giving back and selling stock, inside the caller's session: it commits with the caller's events."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from chalicelib.errors import Expired, NotFound, RuleViolated
from chalicelib.eventsourcing.codec import Origin, recorded
from chalicelib.eventsourcing.repository import Repository
from chalicelib.eventsourcing.session import Session
from chalicelib.eventsourcing.store import MAX_COMMIT_ITEMS
from chalicelib.inventory.dealing import MAX_QUANTITY, deal
from chalicelib.inventory.events import HoldPlacedOnOrder, PoolShare, TicketPoolOpened, TicketsSold
from chalicelib.inventory.ticket_pool import TICKET_POOL, TicketPool, TicketsSoldOut, pool_id
from chalicelib.money import Money

LARGEST_OFFER = MAX_QUANTITY
"""The most tickets of one type that can be offered."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A ticket type that goes on sale, with everything that its pools must know."""

    concert_id: UUID
    concert_name: str
    organiser_id: UUID | None
    ticket_type_id: UUID
    ticket_type_name: str
    quantity: int
    price: Money
    max_per_order: int
    sales_start: datetime | None
    sales_end: datetime


class StockGone(RuleViolated):
    """What a late payment was for is others' by now, or nobody's: the concert is cancelled."""

    code = "stock_gone"


@dataclass(frozen=True, slots=True)
class Purchase:
    """One line of an order: a hold, perhaps ended, of a ticket type over some pools."""

    hold_id: UUID
    ticket_type_id: UUID
    shares: tuple[PoolShare, ...]


@dataclass(frozen=True, slots=True)
class HeldTickets:
    """A hold over one or more pools of one ticket type, under the terms at which it was taken."""

    terms: TicketPoolOpened
    shares: tuple[PoolShare, ...]


def pools_of(ticket_type_id: UUID, quantity: int) -> tuple[UUID, ...]:
    """The ids of the pools over which the stock is dealt."""
    return tuple(pool_id(ticket_type_id, index) for index in range(len(deal(quantity))))


def openings(offer: Offer, now: datetime) -> list[TicketPoolOpened]:
    """The opening of each of the offer's pools."""
    capacities = deal(offer.quantity)
    return [
        TicketPoolOpened(
            concert_id=offer.concert_id,
            concert_name=offer.concert_name,
            organiser_id=offer.organiser_id,
            ticket_type_id=offer.ticket_type_id,
            ticket_type_name=offer.ticket_type_name,
            pool_index=index,
            pool_count=len(capacities),
            capacity=capacity,
            price=offer.price,
            max_per_order=offer.max_per_order,
            sales_start=offer.sales_start,
            sales_end=offer.sales_end,
            at=now,
        )
        for index, capacity in enumerate(capacities)
    ]


def open_pools(session: Session, terms: Iterable[TicketPoolOpened]) -> None:
    """Open the pools that are not open yet."""
    for opened in terms:
        key = pool_id(opened.ticket_type_id, opened.pool_index)
        session.append(TICKET_POOL, key, *session.get(TICKET_POOL, key, assume_new=True).open(opened))


def hold_tickets(
    session: Session, ticket_type_id: UUID, hold_id: UUID, cart_id: UUID, quantity: int, expires_at: datetime
) -> HeldTickets:
    """Hold in one pool that has room, or over several if only together they have.

    Raises NotFound for an unknown ticket type, NotOnSale, or TicketsSoldOut with what is available over all pools.
    """
    pools: dict[UUID, TicketPool] = {}
    terms = None
    for key in _candidates(session, ticket_type_id):
        pool = session.consider(TICKET_POOL, key).at(session.now)
        terms = pool.ensure_on_sale()
        pools[key] = pool
        if quantity <= pool.free:
            return _take(session, terms, {key: quantity}, hold_id, cart_id, expires_at)
    available = sum(pool.free for pool in pools.values())
    if terms is None or available < quantity:
        raise TicketsSoldOut(available)
    return _take(session, terms, _span(pools, quantity), hold_id, cart_id, expires_at)


def place_on_order(
    session: Session, shares: tuple[PoolShare, ...], hold_id: UUID, order_id: UUID, expires_at: datetime
) -> None:
    """Raises NotOnSale or HoldExpired."""
    for share in shares:
        pool = session.get(TICKET_POOL, share.pool_id)
        session.append(TICKET_POOL, share.pool_id, *pool.place_on_order(hold_id, order_id, session.now, expires_at))


def release(session: Session, shares: tuple[PoolShare, ...], hold_id: UUID) -> None:
    """Give the tickets back; what has ended already stays as it is."""
    for share in shares:
        pool = session.get(TICKET_POOL, share.pool_id)
        session.append(TICKET_POOL, share.pool_id, *pool.release(hold_id, session.now))


def sell(session: Session, shares: tuple[PoolShare, ...], hold_id: UUID, order_id: UUID) -> None:
    """Raises NotOnSale or HoldExpired."""
    for share in shares:
        pool = session.get(TICKET_POOL, share.pool_id)
        session.append(TICKET_POOL, share.pool_id, *pool.sell(hold_id, order_id, session.now))


def sell_late(session: Session, purchases: Sequence[Purchase], order_id: UUID) -> None:
    """Sell the holds, and for those that have ended take stock anew, from any pool of the type that is not closed. The
    sales window was kept when they were held. Raises StockGone."""
    for purchase in purchases:
        missing = sum(_sell_held(session, share, purchase.hold_id, order_id) for share in purchase.shares)
        if missing:
            _sell_unheld(session, purchase, missing, order_id)
    if len(session.pending) > MAX_COMMIT_ITEMS:
        raise StockGone("The tickets are scattered over too many pools.")


def _sell_held(session: Session, share: PoolShare, hold_id: UUID, order_id: UUID) -> int:
    """How many of the share could not be sold, because their hold has ended."""
    pool = session.get(TICKET_POOL, share.pool_id)
    try:
        session.append(TICKET_POOL, share.pool_id, *pool.sell(hold_id, order_id, session.now))
    except Expired:
        return share.quantity
    except RuleViolated as closed:
        raise StockGone(closed.detail) from closed
    return 0


def _sell_unheld(session: Session, purchase: Purchase, quantity: int, order_id: UUID) -> None:
    pools = {
        key: pool
        for key in _candidates(session, purchase.ticket_type_id)
        if not (pool := session.consider(TICKET_POOL, key).at(session.now)).closed
    }
    if sum(pool.free for pool in pools.values()) < quantity:
        raise StockGone("The tickets were sold to others.")
    for key, part in _span(pools, quantity).items():
        events = session.get(TICKET_POOL, key).sell_unheld(purchase.hold_id, order_id, part, session.now)
        session.append(TICKET_POOL, key, *events)


def close_pools(repository: Repository, pool_ids: list[UUID], origin: Origin) -> None:
    """Close pool by pool, each in a commit of its own; repeating it finishes what was interrupted."""
    for key in pool_ids:
        repository.execute(partial(_close, key=key), origin)


def orders_in(repository: Repository, key: UUID) -> list[UUID]:
    """Every order that ever had tickets of this pool, held or sold, from the pool's own events, each once."""
    events = (recorded(stored).event for stored in repository.store.read(key))
    return list(dict.fromkeys(e.order_id for e in events if isinstance(e, HoldPlacedOnOrder | TicketsSold)))


def _close(session: Session, key: UUID) -> None:
    session.append(TICKET_POOL, key, *session.get(TICKET_POOL, key).close(session.now))


def _candidates(session: Session, ticket_type_id: UUID) -> Iterator[UUID]:
    """The type's pools in the order in which to try them.

    A container that knows nothing starts with pool 0, which tells how many there are: so its first hold costs one read
    of stock. Later it starts anywhere, so that buyers spread. Pools known to be short or just lost come last.
    """
    first = pool_id(ticket_type_id, 0)
    known = session.peek(TICKET_POOL, first) is not None
    terms = session.consider(TICKET_POOL, first).terms
    if terms is None:
        raise NotFound("There is no such ticket type on sale.")
    keys = [pool_id(ticket_type_id, index) for index in range(terms.pool_count)]
    if known:
        random.shuffle(keys)
    yield from sorted(keys, key=lambda key: _reluctance(session, key))


def _reluctance(session: Session, key: UUID) -> int:
    pool = session.peek(TICKET_POOL, key)
    short = pool is not None and pool.at(session.now).free == 0
    return 2 * short + (key in session.contended)


def _span(pools: dict[UUID, TicketPool], quantity: int) -> dict[UUID, int]:
    """The fewest pools that have the quantity together: the fullest first."""
    shares: dict[UUID, int] = {}
    for key, pool in sorted(pools.items(), key=lambda item: -item[1].free):
        shares[key] = min(pool.free, quantity)
        quantity -= shares[key]
        if not quantity:
            break
    return shares


def _take(
    session: Session,
    terms: TicketPoolOpened,
    shares: dict[UUID, int],
    hold_id: UUID,
    cart_id: UUID,
    expires_at: datetime,
) -> HeldTickets:
    for key, quantity in shares.items():
        pool = session.get(TICKET_POOL, key)
        session.append(TICKET_POOL, key, *pool.hold(hold_id, cart_id, quantity, session.now, expires_at))
    return HeldTickets(terms, tuple(PoolShare(pool_id=key, quantity=quantity) for key, quantity in shares.items()))
