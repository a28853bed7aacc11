"""Finds, holds and sells a place for tickets that are moved, which nobody had in a cart."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.shop.inventory import limits, quotas
from chalicelib.shop.inventory.allocation import stock_of
from chalicelib.shop.inventory.allowance import ALLOWANCE, allowance_id
from chalicelib.shop.inventory.commands.terms import share_terms
from chalicelib.shop.inventory.events import AllowanceTaken, PoolShare, TicketPoolOpened
from chalicelib.shop.inventory.spanning import span
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL


@dataclass(frozen=True, slots=True)
class FreePlace:
    """Free tickets of one ticket type, and the terms on which they are sold; `moved_in` is quota that they bring."""

    terms: TicketPoolOpened
    shares: tuple[PoolShare, ...]
    moved_in: Mapping[UUID, int]

    @property
    def quantity(self) -> int:
        return sum(share.quantity for share in self.shares)


def find_place(session: Session, concert_id: UUID, ticket_type_id: UUID, quantity: int, *, on_sale: bool) -> FreePlace:
    """Find free tickets; only their quota is moved yet. Only with `on_sale` must the sales window be open.

    Raises NotFound for a type that the concert has not on sale, NotOnSale, or TicketsSoldOut.
    """
    keys = stock_of(session, ticket_type_id).pools
    pools = {key: session.load(TICKET_POOL, key, Load.ALLOW_STALE).at(session.now) for key in keys}
    first = pools[keys[0]].terms_of(ticket_type_id)
    if first is None or first.concert_id != concert_id:
        raise NotFound("There is no such ticket type of this concert.")
    pools[keys[0]].ensure_open(ticket_type_id)
    pools = {key: pool for key, pool in pools.items() if not pool.closed}
    shares = span(pools, quantity, ticket_type_id)
    if on_sale:
        for share in shares:
            pools[share.pool_id].ensure_on_sale(ticket_type_id)
    # Pools learn of a new price one by one; a place has one price, that of the pools that it is in.
    terms = share_terms(session, shares, ticket_type_id)
    newer = {share.pool_id: session.load(TICKET_POOL, share.pool_id).at(session.now) for share in shares}
    return FreePlace(terms, shares, quotas.move_to(session, {**pools, **newer}, shares, ticket_type_id))


def share_a_stock(session: Session, ticket_types: Collection[UUID]) -> bool:
    """Tell whether these ticket types draw from one stock: tickets of one can then serve another."""
    return len({stock_of(session, key).id for key in ticket_types}) == 1


def sell_place(session: Session, place: FreePlace, hold_id: UUID, order_id: UUID) -> None:
    """Sell the place to the order."""
    kind = place.terms.ticket_type_id
    for share in place.shares:
        pool, quota = session.load(TICKET_POOL, share.pool_id), place.moved_in.get(share.pool_id, 0)
        events = pool.sell_unheld(hold_id, order_id, share.quantity, session.now, kind, quota)
        session.append(TICKET_POOL, share.pool_id, *events)


def hold_place(session: Session, place: FreePlace, hold_id: UUID, order_id: UUID, expires_at: datetime) -> None:
    """Hold the place for the order, which has no cart; the order's id stands for the cart's.

    Raises NotOnSale.
    """
    kind = place.terms.ticket_type_id
    for share in place.shares:
        pool, quota = session.load(TICKET_POOL, share.pool_id), place.moved_in.get(share.pool_id, 0)
        held = pool.hold(hold_id, order_id, share.quantity, session.now, expires_at, kind, quota)
        session.append(TICKET_POOL, share.pool_id, *held)
        pool = session.load(TICKET_POOL, share.pool_id)
        placed = pool.place_on_order(hold_id, order_id, session.now, expires_at)
        session.append(TICKET_POOL, share.pool_id, *placed)


def count_place(
    session: Session,
    place: FreePlace,
    hold_id: UUID,
    customer_id: UUID,
    expires_at: datetime | None,
    default: int | None,
    *,
    is_limited: bool,
) -> None:
    """Count the place until `expires_at`, or as bought; a customer who is limited has no more than the limit by it.

    Raises CustomerLimitExceeded.
    """
    limits.count(
        session, place.terms, place.quantity, hold_id, customer_id, expires_at, default, is_held=not is_limited
    )


def rename_bought(session: Session, concert_id: UUID, customer_id: UUID, old: UUID, new: UUID, quantity: int) -> None:
    """Count bought tickets under another hold than before, as far as they were counted."""
    key = allowance_id(concert_id, customer_id)
    allowance = session.load(ALLOWANCE, key)
    counted = min(quantity, allowance.bought.get(old, 0))
    if counted:
        session.append(ALLOWANCE, key, *allowance.give_back_bought(old, counted, session.now))
        taking = AllowanceTaken(
            concert_id=concert_id, customer_id=customer_id, hold_id=new, quantity=counted, at=session.now
        )
        session.append(ALLOWANCE, key, *session.load(ALLOWANCE, key).take(taking, counted, is_held=True))
