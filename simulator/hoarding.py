"""Finds customers who held more tickets than one person may."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from chalicelib.shop.carts.events import CartCreated
from chalicelib.shop.carts.opening import DEFAULT_LIMITS
from chalicelib.shop.inventory.events import TicketPoolOpened, TicketsHeld
from simulator.refusals import TWO_CLOCKS, counts_after_commits
from simulator.world import World


def hoarded(world: World) -> Iterator[str]:
    """Find customers whose holds in carts and unpaid orders were more than the limit at some instant.

    A hold that will end within the difference of two clocks may have ended for the container that gave the next one.
    """
    events = [entry.event for entry in world.log.recorded()]
    carts = ((entry.stream_id, entry.event) for entry in world.log.recorded())
    owners = {cart_id: event.customer_id for cart_id, event in carts if isinstance(event, CartCreated)}
    holders = {str(e.hold_id): owners[e.cart_id] for e in events if isinstance(e, TicketsHeld) and e.cart_id in owners}
    most = max((e.max_per_order for e in events if isinstance(e, TicketPoolOpened)), default=0)
    limit, worst = max(DEFAULT_LIMITS.held_per_concert, most), Counter[UUID]()
    for now, counts in zip(world.log.committed_at, counts_after_commits(world), strict=True):
        held = Counter[UUID]()
        for count in counts.values():
            for hold_id, (quantity, until) in count.holds.items():
                if hold_id in holders and now + TWO_CLOCKS < until:
                    held[holders[hold_id]] += quantity
        worst |= held
    yield from (f"Customer {key} held {number} tickets at once." for key, number in worst.items() if number > limit)
