"""Splits a ticket type's stock over pools.

One stream takes one write per round trip, so a concert on sale must not be one stream. More pools mean fewer lost
races, and more reads when few tickets are left (docs/adr/0011-a-pool-gets-fifty-tickets.md).
"""

from collections.abc import Sequence

MAX_POOLS = 90
MAX_POOL_CAPACITY = 1_000
MAX_QUANTITY = MAX_POOLS * MAX_POOL_CAPACITY
TICKETS_PER_POOL = 50
"""The most tickets that a pool gets, unless there would be more than `MAX_POOLS` pools (ADR 11)."""


def split_stock(quantity: int) -> list[int]:
    """Split the stock into the capacities of the pools, which differ by at most one and add up to `quantity`."""
    return split_over(quantity, max(1, min(MAX_POOLS, -(-quantity // TICKETS_PER_POOL))))


def split_over(quantity: int, count: int) -> list[int]:
    """Split the stock over so many pools."""
    share, rest = divmod(quantity, count)
    return [share + 1] * rest + [share] * (count - rest)


def deal_ceiling(ceiling: int, capacities: Sequence[int], number: int) -> list[int]:
    """Deal the ceiling of the area's ticket type `number` over its pools, in parts that a pool can use.

    Few large parts, so that most holds find quota and tickets in one pool. Each type begins at another pool.
    """
    count = max(1, min(len(capacities), -(-ceiling // max(1, min(capacities)))))
    share, rest = divmod(ceiling, count)
    quotas = [0] * len(capacities)
    for part in range(count):
        quotas[(number + part * len(capacities) // count) % len(capacities)] = share + (part < rest)
    return quotas
