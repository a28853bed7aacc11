"""Takes free tickets out of the stock for an order that nobody held them for, as an organiser does for guests."""

from uuid import UUID

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.shop.inventory.allocation import pools_of_type, span
from chalicelib.shop.inventory.events import PoolShare, TicketPoolOpened
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL


def give_away(
    session: Session, concert_id: UUID, ticket_type_id: UUID, hold_id: UUID, order_id: UUID, quantity: int
) -> tuple[TicketPoolOpened, tuple[PoolShare, ...]]:
    """Sell tickets that are free to the order, in or out of the sales window, and count nobody's allowance.

    Raises NotFound for a type that the concert has not on sale, NotOnSale for a cancelled concert, or TicketsSoldOut.
    """
    keys = pools_of_type(session, ticket_type_id)
    pools = {key: session.load(TICKET_POOL, key, Load.ALLOW_STALE).at(session.now) for key in keys}
    terms = pools[keys[0]].ensure_open()
    if terms.concert_id != concert_id:
        raise NotFound("There is no such ticket type of this concert.")
    shares = span({key: pool for key, pool in pools.items() if not pool.closed}, quantity)
    for share in shares:
        pool = session.load(TICKET_POOL, share.pool_id)
        events = pool.sell_unheld(hold_id, order_id, share.quantity, session.now)
        session.append(TICKET_POOL, share.pool_id, *events)
    return terms, shares
