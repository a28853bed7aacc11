"""Changes the holds, quotas and counts of a pool in place: the steps of its `evolve`."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.shop.inventory.events import TicketsHeld, TicketsSold
from chalicelib.shop.inventory.pool_parts import Hold

if TYPE_CHECKING:
    from chalicelib.shop.inventory.ticket_pool import TicketPool


def advance(pool: "TicketPool", now: datetime) -> None:
    """Move the pool's time to `now`, and drop the holds that have ended by then.

    They are dropped into a new mapping: the old one may be another copy's as well.
    """
    if now > pool.last_at:  # noqa: PLR1730 - max() would take a tenth of the time of folding an event
        pool.last_at = now
    if pool.next_expiry is not None and pool.last_at >= pool.next_expiry:
        pool.holds = {key: hold for key, hold in pool.holds.items() if pool.last_at < hold.expires_at}
        pool.held = sum(hold.quantity for hold in pool.holds.values())
        pool.next_expiry = min((hold.expires_at for hold in pool.holds.values()), default=None)


def set_hold(pool: "TicketPool", hold_id: UUID, hold: Hold) -> None:
    before = pool.holds.get(hold_id)
    pool.holds[hold_id] = hold
    pool.held += hold.quantity - (before.quantity if before else 0)
    if pool.next_expiry is None or hold.expires_at < pool.next_expiry:
        pool.next_expiry = hold.expires_at


def forget(pool: "TicketPool", hold_id: UUID) -> None:
    hold = pool.holds.pop(hold_id, None)
    if hold is not None:
        pool.held -= hold.quantity


def move_in(pool: "TicketPool", event: TicketsHeld | TicketsSold) -> None:
    if event.ticket_type_id is not None and event.quota_moved_in is not None:
        change_quota(pool, event.ticket_type_id, event.quota_moved_in)


def change_quota(pool: "TicketPool", ticket_type_id: UUID, by: int) -> None:
    """Change the quota in a new mapping; the old one may be another copy's as well."""
    if ticket_type_id in pool.quotas:
        pool.quotas = {**pool.quotas, ticket_type_id: pool.quotas[ticket_type_id] + by}


def count_sold(pool: "TicketPool", ticket_type_id: UUID | None, by: int) -> None:
    """Count what the pool of an area has sold of a type in a new mapping; other pools name no type."""
    if ticket_type_id is not None:
        pool.sold_of = {**pool.sold_of, ticket_type_id: pool.sold_of.get(ticket_type_id, 0) + by}
