"""Moves the quota of a ticket type to the pools from which its tickets are taken, in the session that takes them."""

from collections.abc import Mapping
from uuid import UUID

from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory.spanning import Shares, quota_moves
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool


def move_to(
    session: Session, pools: Mapping[UUID, TicketPool], shares: Shares, ticket_type_id: UUID
) -> Mapping[UUID, int]:
    """Take from other pools the quota that the shares lack, and return how much each of them is to get.

    `pools` are those of the shares, and all of the stock if a share lacks quota.
    """
    if not any(_lacks(pools[share.pool_id], share.quantity, ticket_type_id) for share in shares):
        return {}
    moves = quota_moves(pools, shares, ticket_type_id)
    for key, part in moves.out.items():
        session.append(TICKET_POOL, key, *pools[key].change_quota(ticket_type_id, -part, session.now))
    return moves.into


def _lacks(pool: TicketPool, quantity: int, ticket_type_id: UUID) -> bool:
    left = pool.quota_left(ticket_type_id)
    return left is not None and left < quantity
