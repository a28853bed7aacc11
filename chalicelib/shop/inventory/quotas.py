"""Moves the quota of a ticket type to the pools from which its tickets are taken, in the session that takes them."""

from collections.abc import Mapping
from uuid import UUID

from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.shop.inventory.allocation import stock_of
from chalicelib.shop.inventory.spanning import Shares, quota_moves
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool


def move_to(session: Session, shares: Shares, ticket_type_id: UUID) -> Mapping[UUID, int]:
    """Take from other pools the quota that the shares lack, and return how much each of them is to get.

    A share lacks quota only if it was found by reading all pools, so nothing more is read here.
    """
    chosen = {share.pool_id: session.load(TICKET_POOL, share.pool_id).at(session.now) for share in shares}
    if not any(_lacks(chosen[share.pool_id], share.quantity, ticket_type_id) for share in shares):
        return {}
    others = [key for key in stock_of(session, ticket_type_id).pools if key not in chosen]
    pools = chosen | {key: session.load(TICKET_POOL, key, Load.ALLOW_STALE).at(session.now) for key in others}
    moves = quota_moves({key: pool for key, pool in pools.items() if not pool.closed}, shares, ticket_type_id)
    for key, part in moves.out.items():
        pool = session.load(TICKET_POOL, key)
        session.append(TICKET_POOL, key, *pool.change_quota(ticket_type_id, -part, session.now))
    return moves.into


def _lacks(pool: TicketPool, quantity: int, ticket_type_id: UUID) -> bool:
    left = pool.quota_left(ticket_type_id)
    return left is not None and left < quantity
