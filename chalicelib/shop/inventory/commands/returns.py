"""Takes back tickets that an order had bought: for sale again, or not, and free in the customer's allowance."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory import limits
from chalicelib.shop.inventory.allocation import stock_of
from chalicelib.shop.inventory.commands.late_sales import Purchase
from chalicelib.shop.inventory.events import PoolShare
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL


@dataclass(frozen=True, slots=True)
class Return:
    """Tickets of one purchase that come back; `before` counts those that were put on sale again earlier."""

    purchase: Purchase
    quantity: int
    before: int = 0


def take_back(session: Session, returned: Return, order_id: UUID, customer_id: UUID, *, restock: bool) -> None:
    """Free the customer's allowance, and put the tickets on sale again if `restock`.

    They go to the pools from which they were held. A late payment may have taken others: what those pools have not sold
    goes to the other pools of that stock, so that all together have exactly what was sold less what came back.
    """
    purchase, missing = returned.purchase, returned.quantity
    if not purchase.shares:
        return
    limits.give_back_bought(session, purchase.shares, purchase.hold_id, customer_id, missing)
    if not restock or session.load(TICKET_POOL, purchase.shares[0].pool_id).closed:
        return
    for share in shares_of(returned):
        missing -= _take_back(session, share, purchase, order_id)
    for key in stock_of(session, purchase.ticket_type_id).pools if missing else ():
        if not missing:
            break
        missing -= _take_back(session, PoolShare(pool_id=key, quantity=missing), purchase, order_id)


def shares_of(returned: Return) -> Iterator[PoolShare]:
    """Yield the part of each share that comes back, after the tickets that did before."""
    before, quantity = returned.before, returned.quantity
    for share in returned.purchase.shares:
        skipped = min(before, share.quantity)
        taken = min(quantity, share.quantity - skipped)
        before, quantity = before - skipped, quantity - taken
        if taken:
            yield PoolShare(pool_id=share.pool_id, quantity=taken)


def _take_back(session: Session, share: PoolShare, purchase: Purchase, order_id: UUID) -> int:
    """Return how many the pool took."""
    pool = session.load(TICKET_POOL, share.pool_id)
    kind = purchase.ticket_type_id
    events = pool.take_back(purchase.hold_id, order_id, kind, share.quantity, session.now)
    session.append(TICKET_POOL, share.pool_id, *events)
    # A cached "sold out" must be void in this transaction, as for any stock that is freed.
    if events and pool.stock_id is not None:
        session.raise_epoch(pool.stock_id)
    return pool.sold - session.load(TICKET_POOL, share.pool_id).sold
