"""Checks that a reason for which customers were refused was true at the time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from benchmarks.recount import Count, count_in
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.shop.carts.cart import CART
from chalicelib.shop.inventory.events import TicketPoolClosed
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL
from chalicelib.shop.orders.events import RefundStarted
from chalicelib.shop.orders.order import ORDER, Order
from simulator.background import TASK_LIMIT
from simulator.coverage import NO_STOCK
from simulator.world import LARGEST_SKEW, Reply, Stock, World

TWO_CLOCKS = 2 * LARGEST_SKEW
"""A pool's own time may be so far ahead of a container's."""


@dataclass(slots=True)
class _Refusal:
    reply: Reply
    kind: UUID
    fewest_free: int = field(default=1_000_000)


def false_sold_out(world: World) -> Iterator[str]:
    """Find refusals although enough tickets were free throughout the request, by the clock with which it began."""
    refusals = [
        _Refusal(reply, reply.about["kind"])
        for reply in world.replies
        if reply.refusal is not None and reply.refusal.code == "sold_out"
    ]
    for position, counts in enumerate(_counts(world.log.commits)):
        for refusal in refusals:
            if refusal.reply.since <= position <= refusal.reply.until:
                free = _free_of(world.stock, counts, refusal.kind, refusal.reply.clock)
                refusal.fewest_free = min(refusal.fewest_free, free)
    for refusal in refusals:
        reply = refusal.reply
        if refusal.fewest_free >= reply.about["quantity"]:
            yield (
                f"{reply.what} {reply.request_id} for {reply.about['quantity']} was refused as sold out, "
                f"and {refusal.fewest_free} or more were free all the time."
            )


def counts_after_commits(world: World) -> Iterator[dict[UUID, Count]]:
    """Yield the pools after each commit."""
    counts = _counts(world.log.commits)
    next(counts)
    return counts


def _counts(commits: Iterable[Iterable[StoredEvent]]) -> Iterator[dict[UUID, Count]]:
    """Yield the pools before the first commit and after each. Holds stay in them after their deadlines."""
    counts: defaultdict[UUID, Count] = defaultdict(Count)
    yield counts
    for commit in commits:
        for event in commit:
            if event.aggregate_type == TICKET_POOL.name:
                count_in(counts[event.aggregate_id], event)
        yield counts


def _free_of(stock: Stock, counts: Mapping[UUID, Count], kind: UUID, now: datetime) -> int:
    """Return how many tickets of the type could be bought: what is free of its stock, within its ceiling."""
    pools = [counts[key] for key in stock.pools_of(kind)]
    free = sum(_free(pool, now) for pool in pools)
    if kind not in stock.ceilings:
        return free
    return min(free, stock.ceilings[kind] - sum(_taken_of(pool, str(kind), now) for pool in pools))


def _taken_of(count: Count, kind: str, now: datetime) -> int:
    held = [quantity for hold, (quantity, until) in count.holds.items() if now < until and count.types[hold] == kind]
    return count.sold_of.get(kind, 0) + sum(held)


def _free(count: Count, now: datetime) -> int:
    return count.capacity - count.sold - sum(quantity for quantity, until in count.holds.values() if now < until)


def broken_promises(world: World, orders: Mapping[UUID, Order]) -> Iterator[str]:
    """Find customers who were refused before the time that they had been given was over."""
    for reply in world.replies:
        code = reply.refusal.code if reply.refusal else None
        latest = reply.ended_at + TWO_CLOCKS
        if code == "order_expired" and latest < (orders[reply.about["order"]].payment_due_at or latest):
            yield f"Order {reply.about['order']} was refused to be paid at {reply.ended_at}, before its deadline."
        if code == "hold_expired" and not any(
            _has_ended_line(world, reply.about["cart"], position, latest) for position in (reply.since, reply.until)
        ):
            yield f"Cart {reply.about['cart']} was told at {reply.ended_at} that holds have ended, and they have not."
    yield from _stock_denied(world, orders)


def _has_ended_line(world: World, cart_id: UUID, position: int, now: datetime) -> bool:
    known = sum(map(len, world.log.commits[:position]))
    events = [entry.event for entry in world.log.recorded()[:known] if entry.stream_id == cart_id]
    lines = CART.fold(events).lines.values()
    return any(line.expires_at is not None and line.expires_at <= now for line in lines)


def _stock_denied(world: World, orders: Mapping[UUID, Order]) -> Iterator[str]:
    """Find refunds for lack of tickets that existed: held for the order, or free."""
    if any(isinstance(entry.event, TicketPoolClosed) for entry in world.log.recorded()):
        return
    for number, commit in enumerate(world.log.commits):
        for event in (decode(stored) for stored in commit if stored.aggregate_type == ORDER.name):
            if isinstance(event, RefundStarted) and event.reason == NO_STOCK:
                order = orders[commit[0].aggregate_id]
                if not _was_short(world, order, number):
                    yield f"Order {commit[0].aggregate_id} was refunded for want of tickets, and there were enough."


def _was_short(world: World, order: Order, refunded: int) -> bool:
    """Tell whether a line's tickets were unavailable at some instant before the refund."""
    begun = world.log.committed_at[refunded] - TASK_LIMIT - TWO_CLOCKS
    for position, counts in enumerate(_counts(world.log.commits[:refunded])):
        is_over = position + 1 < refunded and world.log.committed_at[position + 1] < begun
        if not is_over and _is_any_short(world.stock, counts, order, begun):
            return True
    return False


def _is_any_short(stock: Stock, counts: Mapping[UUID, Count], order: Order, now: datetime) -> bool:
    kinds = any(_is_short(stock, counts, kind, order, now) for kind in stock.kinds)
    return kinds or any(_is_area_short(stock, counts, area_id, order, now) for area_id in stock.areas)


def _is_area_short(stock: Stock, counts: Mapping[UUID, Count], area_id: UUID, order: Order, now: datetime) -> bool:
    """Tell whether the order's lines of all types of this area need more than what is free and what they hold."""
    lines = [line for line in order.lines if stock.area_of.get(line.ticket_type_id) == area_id]
    if not lines:
        return False
    pools = [counts[key] for key in stock.pools_of(lines[0].ticket_type_id)]
    holds = [pool.holds.get(str(line.hold_id)) for pool in pools for line in lines]
    own = sum(hold[0] for hold in holds if hold is not None and now < hold[1])
    return sum(_free(pool, now) for pool in pools) + own < sum(line.quantity for line in lines)


def _is_short(stock: Stock, counts: Mapping[UUID, Count], kind: UUID, order: Order, now: datetime) -> bool:
    """Tell whether the order's lines of this ticket type need more than what is free and what they hold."""
    lines = [line for line in order.lines if line.ticket_type_id == kind]
    holds = [counts[key].holds.get(str(line.hold_id)) for key in stock.pools_of(kind) for line in lines]
    own = sum(hold[0] for hold in holds if hold is not None and now < hold[1])
    return _free_of(stock, counts, kind, now) + own < sum(line.quantity for line in lines)
