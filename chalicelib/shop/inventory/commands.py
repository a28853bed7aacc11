"""Taking, keeping, giving back and selling stock, inside the caller's session: it commits with the caller's events."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from chalicelib.platform.errors import Expired, RuleViolated
from chalicelib.platform.eventsourcing.codec import Origin, recorded
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.store import MAX_COMMIT_ITEMS
from chalicelib.platform.money import Money
from chalicelib.shop.inventory import limits
from chalicelib.shop.inventory.allocation import ensure_not_marked, hopeful, is_known, pools_of_type, sweep, unknown
from chalicelib.shop.inventory.allowance import CustomerLimitExceeded
from chalicelib.shop.inventory.events import HoldPlacedOnOrder, PoolShare, TicketPoolOpened, TicketsSold
from chalicelib.shop.inventory.pool_sizing import MAX_POOL_CAPACITY, MAX_QUANTITY, deal
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool, TicketsSoldOut, pool_id

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
    max_per_customer: int | None
    sales_start: datetime | None
    sales_end: datetime


class StockGone(RuleViolated):
    """What a late payment was for is others' by now, or nobody's: the concert is cancelled. Or the customer has bought
    as much as is allowed since."""

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
            max_per_customer=offer.max_per_customer,
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
    session: Session,
    ticket_type_id: UUID,
    hold_id: UUID,
    cart_id: UUID,
    customer_id: UUID,
    quantity: int,
    expires_at: datetime,
) -> HeldTickets:
    """Hold in one pool that has room, or over several if only together they have.

    Pools that this container believes to have room come first; then the sold-out mark is asked, and only if it does
    not refuse, the other pools are read, and in the end all. One that knows nothing of the type asks the mark before
    anything else. Once a race was lost, nothing is tried that was not read anew: with many more containers than pools
    whatever a container remembers is old, and every try on it would be one more lost race.
    Raises NotFound for an unknown ticket type, NotOnSale, CustomerLimitExceeded, or TicketsSoldOut with what is
    available over all pools.
    """

    def take(shares: dict[UUID, int]) -> HeldTickets:
        held = _take(session, shares, hold_id, cart_id, expires_at)
        limits.count(session, held.shares, hold_id, customer_id, expires_at)
        return held

    def fits(key: UUID) -> bool:
        look = session.read if session.contended else session.consider
        pool = look(TICKET_POOL, key).at(session.now)
        pool.ensure_on_sale()
        return quantity <= pool.free

    if not is_known(session, ticket_type_id):
        ensure_not_marked(session, ticket_type_id, quantity)
    for key in hopeful(session, ticket_type_id, quantity):
        if fits(key):
            session.choices[ticket_type_id] = key
            return take({key: quantity})
    epoch = ensure_not_marked(session, ticket_type_id, quantity)
    for key in unknown(session, ticket_type_id):
        if fits(key):
            session.choices[ticket_type_id] = key
            return take({key: quantity})
    return take(_span(sweep(session, ticket_type_id, quantity, epoch), quantity))


def extend(
    session: Session, shares: tuple[PoolShare, ...], hold_id: UUID, customer_id: UUID, expires_at: datetime
) -> None:
    """Raises NotOnSale or HoldExpired."""
    limits.count(session, shares, hold_id, customer_id, expires_at)
    for share in shares:
        pool = session.get(TICKET_POOL, share.pool_id)
        session.append(TICKET_POOL, share.pool_id, *pool.extend(hold_id, session.now, expires_at))


def place_on_order(
    session: Session,
    shares: tuple[PoolShare, ...],
    hold_id: UUID,
    customer_id: UUID,
    order_id: UUID,
    expires_at: datetime,
) -> None:
    """Raises NotOnSale or HoldExpired."""
    limits.count(session, shares, hold_id, customer_id, expires_at)
    for share in shares:
        pool = session.get(TICKET_POOL, share.pool_id)
        session.append(TICKET_POOL, share.pool_id, *pool.place_on_order(hold_id, order_id, session.now, expires_at))


def release(session: Session, shares: tuple[PoolShare, ...], hold_id: UUID, customer_id: UUID) -> None:
    """Give the tickets back; what has ended already stays as it is."""
    limits.give_back(session, shares, hold_id, customer_id)
    for share in shares:
        pool = session.get(TICKET_POOL, share.pool_id)
        events = pool.release(hold_id, session.now)
        session.append(TICKET_POOL, share.pool_id, *events)
        if events and pool.terms is not None:
            session.raise_epoch(pool.terms.ticket_type_id)


def sell(session: Session, shares: tuple[PoolShare, ...], hold_id: UUID, customer_id: UUID, order_id: UUID) -> None:
    """Raises NotOnSale or HoldExpired."""
    limits.count(session, shares, hold_id, customer_id, expires_at=None)
    for share in shares:
        pool = session.get(TICKET_POOL, share.pool_id)
        session.append(TICKET_POOL, share.pool_id, *pool.sell(hold_id, order_id, session.now))


def sell_late(session: Session, purchases: Sequence[Purchase], customer_id: UUID, order_id: UUID) -> None:
    """Sell the holds, and for those that have ended take stock anew, from any pool of the type that is not closed. The
    sales window was kept when they were held; the customer's limit must still be. Raises StockGone."""
    for purchase in purchases:
        try:
            limits.count(session, purchase.shares, purchase.hold_id, customer_id, expires_at=None)
        except CustomerLimitExceeded as exceeded:
            raise StockGone(exceeded.detail) from exceeded
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
        for key in pools_of_type(session, purchase.ticket_type_id)
        if not (pool := session.consider(TICKET_POOL, key).at(session.now)).closed
    }
    if sum(pool.free for pool in pools.values()) < quantity:
        raise StockGone("The tickets were sold to others.")
    for key, part in _span(pools, quantity).items():
        events = session.get(TICKET_POOL, key).sell_unheld(purchase.hold_id, order_id, part, session.now)
        session.append(TICKET_POOL, key, *events)


@dataclass(frozen=True, slots=True)
class Committed:
    """What stood in the way of fewer tickets."""

    held: int
    sold: int


def largest_capacity(pool_ids: Sequence[UUID]) -> int:
    """The most tickets that these pools take together."""
    return len(pool_ids) * MAX_POOL_CAPACITY


def change_capacity(
    repository: Repository, pool_ids: Sequence[UUID], change_id: UUID, quantity: int, origin: Origin
) -> Committed | None:
    """Raise or lower the capacity pool by pool until the type has `quantity`; None if it could be done.

    Otherwise what was lowered is given back. However often it is interrupted, repeated, or run by two at a time, it
    comes to the same: a pool has one part in a change, and the pools are taken in their order.
    """
    pools = {key: repository.load(TICKET_POOL, key)[0] for key in pool_ids}
    before = {key: pool.capacity - pool.changed_by(change_id) for key, pool in pools.items()}
    missing = quantity - sum(before.values())
    parts = _raises(before, missing) if missing > 0 else {}
    for key in pool_ids:
        by = parts.get(key, 0) if missing > 0 else missing - sum(parts.values())
        change = partial(_change_capacity, key=key, change_id=change_id, by=by)
        parts[key] = repository.execute(change, origin)
    if missing >= 0 or sum(parts.values()) == missing:
        return None
    pools = {key: repository.execute(partial(_give_back, key=key, change_id=change_id), origin) for key in pool_ids}
    return Committed(sum(pool.held for pool in pools.values()), sum(pool.sold for pool in pools.values()))


def record_lapsed_holds(repository: Repository, pool_ids: Iterable[UUID], origin: Origin) -> int:
    """Record in each pool the holds that have ended; how many pools had any."""
    return sum(repository.execute(partial(_record_lapsed, key=key), origin) for key in pool_ids)


def close_pools(repository: Repository, pool_ids: list[UUID], origin: Origin) -> list[UUID]:
    """Close pool by pool, each in a commit of its own: those that are not cleared yet. Repeating it finishes what was
    interrupted."""
    return [key for key in pool_ids if not repository.execute(partial(_close, key=key), origin).cleared]


def clear_pool(repository: Repository, key: UUID, origin: Origin) -> None:
    """Record that no order needs the closed pool any more."""

    def command(session: Session) -> None:
        session.append(TICKET_POOL, key, *session.get(TICKET_POOL, key).clear(session.now))

    repository.execute(command, origin)


def are_cleared(repository: Repository, pool_ids: list[UUID]) -> bool:
    """Tell whether no order needs any of these pools, with as few reads as an answer takes.

    Pools are cleared roughly in their order, so the last one is asked first: while a cancellation is under way, that
    one pool answers for thousands.
    """
    return all(repository.load(TICKET_POOL, key)[0].cleared for key in reversed(pool_ids))


def orders_in(repository: Repository, key: UUID) -> list[UUID]:
    """Every order that ever had tickets of this pool, held or sold, from the pool's own events, each once."""
    events = (recorded(stored).event for stored in repository.store.read(key))
    return list(dict.fromkeys(e.order_id for e in events if isinstance(e, HoldPlacedOnOrder | TicketsSold)))


def _close(session: Session, key: UUID) -> TicketPool:
    """The mark must not go on to say "sold out" of what is not for sale."""
    pool = session.get(TICKET_POOL, key)
    events = pool.close(session.now)
    session.append(TICKET_POOL, key, *events)
    if events and pool.terms is not None:
        session.raise_epoch(pool.terms.ticket_type_id)
    return session.get(TICKET_POOL, key)


def _raises(before: Mapping[UUID, int], by: int) -> dict[UUID, int]:
    """What each pool gets: as even as the room in them allows, the same whoever computes it."""
    parts: dict[UUID, int] = {}
    for number, key in enumerate(sorted(before, key=lambda key: (-before[key], key))):
        share = -(-(by - sum(parts.values())) // (len(before) - number))
        parts[key] = min(share, MAX_POOL_CAPACITY - before[key])
    return parts


def _change_capacity(session: Session, key: UUID, change_id: UUID, by: int) -> int:
    """The pool's part in the change."""
    pool = session.get(TICKET_POOL, key)
    events = pool.change_capacity(change_id, by, session.now)
    session.append(TICKET_POOL, key, *events)
    if events and by > 0 and pool.terms is not None:
        session.raise_epoch(pool.terms.ticket_type_id)
    return session.get(TICKET_POOL, key).changed_by(change_id)


def _give_back(session: Session, key: UUID, change_id: UUID) -> TicketPool:
    pool = session.get(TICKET_POOL, key)
    events = pool.give_back_change(change_id, session.now)
    session.append(TICKET_POOL, key, *events)
    if events and pool.terms is not None:
        session.raise_epoch(pool.terms.ticket_type_id)
    return session.get(TICKET_POOL, key).at(session.now)


def _record_lapsed(session: Session, key: UUID) -> bool:
    events = session.get(TICKET_POOL, key).record_lapsed(session.now)
    session.append(TICKET_POOL, key, *events)
    return bool(events)


def _span(pools: dict[UUID, TicketPool], quantity: int) -> dict[UUID, int]:
    """The fewest pools that have the quantity together: the fullest first, and of equally full ones any, or all buyers
    would want the same ones. Raises TicketsSoldOut."""
    available = sum(pool.free for pool in pools.values())
    if available < quantity:
        raise TicketsSoldOut(available)
    shares: dict[UUID, int] = {}
    fullest = list(pools.items())
    random.shuffle(fullest)
    fullest.sort(key=lambda item: -item[1].free)
    for key, pool in fullest:
        shares[key] = min(pool.free, quantity - sum(shares.values()))
        if sum(shares.values()) == quantity:
            break
    return shares


def _take(session: Session, shares: dict[UUID, int], hold_id: UUID, cart_id: UUID, expires_at: datetime) -> HeldTickets:
    for key, quantity in shares.items():
        pool = session.get(TICKET_POOL, key)
        session.append(TICKET_POOL, key, *pool.hold(hold_id, cart_id, quantity, session.now, expires_at))
    terms = session.get(TICKET_POOL, next(iter(shares))).ensure_open()
    taken = tuple(PoolShare(pool_id=key, quantity=quantity) for key, quantity in shares.items())
    return HeldTickets(terms, taken)
