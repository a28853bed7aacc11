"""Tells whether a cart's hold can still become an order's."""

from enum import StrEnum
from uuid import UUID

from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory.events import PoolShare
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, HoldExpired, NotOnSale


class Lost(StrEnum):
    """Says why a hold is lost to its cart."""

    CANCELLED = "cancelled"
    HOLD_EXPIRED = "hold_expired"


def why_lost(session: Session, shares: tuple[PoolShare, ...], hold_id: UUID) -> Lost | None:
    """Say why the hold can neither be extended nor be placed on an order; None if it can."""
    lost = None
    for share in shares:
        pool = session.load(TICKET_POOL, share.pool_id).at(session.now)
        try:
            pool.ensure_open()
            pool.ensure_held(hold_id, order_id=None)
        except NotOnSale:
            return Lost.CANCELLED
        except HoldExpired:
            lost = Lost.HOLD_EXPIRED
    return lost
