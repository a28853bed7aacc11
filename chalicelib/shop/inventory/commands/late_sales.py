"""Sells to an order whose payment came late: what is still held, and free stock for what is not."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from chalicelib.platform.errors import Expired, RuleViolated
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.eventsourcing.store import MAX_COMMIT_ITEMS
from chalicelib.shop.inventory import limits, quotas
from chalicelib.shop.inventory.allocation import stock_of
from chalicelib.shop.inventory.allowance import CustomerLimitExceeded
from chalicelib.shop.inventory.events import PoolShare
from chalicelib.shop.inventory.spanning import available_in, span
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL


class StockGone(RuleViolated):
    """The tickets of a late payment cannot be sold to its order any more.

    Others have it by now, or the concert is cancelled, or the customer has bought as much as is allowed since.
    """

    code = "stock_gone"


class Purchase(Protocol):
    """A line of an order as the stock sees it: a hold over some pools, which may have ended."""

    @property
    def hold_id(self) -> UUID: ...

    @property
    def ticket_type_id(self) -> UUID: ...

    @property
    def shares(self) -> tuple[PoolShare, ...]: ...


def sell_late(session: Session, purchases: Sequence[Purchase], customer_id: UUID, order_id: UUID) -> None:
    """Sell the holds, and take stock anew for those that have ended.

    Stock may come from any pool of the type that is not closed. The sales window was open when the tickets were held
    and is not checked again; the customer's limit is.
    Raises StockGone.
    """
    for purchase in purchases:
        try:
            limits.count_again(session, purchase.shares, purchase.hold_id, customer_id, expires_at=None)
        except CustomerLimitExceeded as exceeded:
            raise StockGone(exceeded.detail) from exceeded
        missing = sum([_sell_held(session, share, purchase.hold_id, order_id) for share in purchase.shares])
        if missing:
            _sell_unheld(session, purchase, missing, order_id)
    if len(session.pending) > MAX_COMMIT_ITEMS:
        raise StockGone("The remaining tickets are spread over too many pools for one sale.")


def _sell_held(session: Session, share: PoolShare, hold_id: UUID, order_id: UUID) -> int:
    """Sell the share, and return how many of it could not be sold because their hold has ended."""
    pool = session.load(TICKET_POOL, share.pool_id)
    try:
        session.append(TICKET_POOL, share.pool_id, *pool.sell(hold_id, order_id, session.now))
    except Expired:
        return share.quantity
    except RuleViolated as closed:
        raise StockGone(closed.detail) from closed
    return 0


def _sell_unheld(session: Session, purchase: Purchase, quantity: int, order_id: UUID) -> None:
    ticket_type_id = purchase.ticket_type_id
    pools = {
        key: pool
        for key in stock_of(session, ticket_type_id).pools
        if not (pool := session.load(TICKET_POOL, key, Load.ALLOW_STALE).at(session.now)).closed
    }
    if available_in(pools.values(), ticket_type_id) < quantity:
        raise StockGone("The hold had ended, and the tickets were sold to others.")
    shares = span(pools, quantity, ticket_type_id)
    moved_in = quotas.move_to(session, pools, shares, ticket_type_id)
    for share in shares:
        asked = share.quantity, session.now, ticket_type_id, moved_in.get(share.pool_id, 0)
        events = pools[share.pool_id].sell_unheld(purchase.hold_id, order_id, *asked)
        session.append(TICKET_POOL, share.pool_id, *events)
