"""Provides what every measurement of holds needs: open pools, carts, and a caller."""

import os
from datetime import timedelta
from functools import cache
from uuid import UUID, uuid4

from chalicelib.platform.caller import Actor, Caller, RequestIdentity
from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.money import Money
from chalicelib.shop.carts.commands import create_cart
from chalicelib.shop.carts.limits import CartLimits
from chalicelib.shop.inventory.events import TicketPoolOpened

HOLD_FOR = timedelta(minutes=15)
NO_LIMITS = CartLimits(10**6, 10**6, 10**6, timedelta(0), 10**6)
ORIGIN = Origin(str(uuid4()), "benchmark", "benchmark")


def caller() -> Caller:
    """Make a caller with a new request."""
    return Caller(_customer_of(os.getpid()), ORIGIN, RequestIdentity(uuid4(), "", is_repeatable=False))


@cache
def _customer_of(process: int) -> Actor:  # noqa: ARG001 - the argument is the key of the cache
    """Return the process's own customer: carts of one customer are opened one after the other."""
    return Actor(uuid4(), frozenset())


def new_cart(repository: Repository) -> UUID:
    """Open a cart; the customer of a measurement is many people."""
    return create_cart(repository, caller(), NO_LIMITS)


def pool_openings(ticket_type_id: UUID, pools: int, capacity: int) -> list[TicketPoolOpened]:
    """Open as many pools as asked for; `split_stock` would choose their number itself."""
    now = utc_now()
    return [
        TicketPoolOpened(
            concert_id=uuid4(),
            concert_name="The on-sale",
            organiser_id=uuid4(),
            ticket_type_id=ticket_type_id,
            ticket_type_name="Floor",
            pool_index=index,
            pool_count=pools,
            capacity=capacity,
            price=Money.of("25.00", "EUR"),
            max_per_order=10,
            sales_end=now + timedelta(days=30),
            at=now,
        )
        for index in range(pools)
    ]
