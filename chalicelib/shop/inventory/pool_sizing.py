"""Splits a ticket type's stock over pools.

One stream takes one write per round trip, so a concert on sale must not be one stream. More pools mean fewer lost
races, and more reads when few tickets are left (docs/adr/0011-a-pool-gets-fifty-tickets.md).
"""

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
