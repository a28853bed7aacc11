"""Takes free tickets out of the stock for an order that nobody held them for, as an organiser does for guests."""

from uuid import UUID

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.shop.inventory import quotas
from chalicelib.shop.inventory.allocation import stock_of
from chalicelib.shop.inventory.events import PoolShare, TicketPoolOpened
from chalicelib.shop.inventory.spanning import span
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL


def give_away(
    session: Session, concert_id: UUID, ticket_type_id: UUID, hold_id: UUID, order_id: UUID, quantity: int
) -> tuple[TicketPoolOpened, tuple[PoolShare, ...]]:
    """Sell tickets that are free to the order, in or out of the sales window, and count nobody's allowance.

    Raises NotFound for a type that the concert has not on sale, NotOnSale for a cancelled concert, or TicketsSoldOut.
    """
    keys = stock_of(session, ticket_type_id).pools
    pools = {key: session.load(TICKET_POOL, key, Load.ALLOW_STALE).at(session.now) for key in keys}
    terms = pools[keys[0]].ensure_open(ticket_type_id)
    if terms.concert_id != concert_id:
        raise NotFound("There is no such ticket type of this concert.")
    pools = {key: pool for key, pool in pools.items() if not pool.closed}
    shares = span(pools, quantity, ticket_type_id)
    moved_in = quotas.move_to(session, pools, shares, ticket_type_id)
    for share in shares:
        asked = share.quantity, session.now, ticket_type_id, moved_in.get(share.pool_id, 0)
        events = pools[share.pool_id].sell_unheld(hold_id, order_id, *asked)
        session.append(TICKET_POOL, share.pool_id, *events)
    return terms, shares
