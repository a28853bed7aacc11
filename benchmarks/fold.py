"""Measures how fast stored JSON becomes state, against pydantic's bare parsing of the same data."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

from benchmarks.holds import HOLD_FOR, ORIGIN, caller, new_cart, pool_openings
from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.event import EVENT_CLASSES
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.carts.cart import CART
from chalicelib.shop.carts.commands import add_item, remove_item
from chalicelib.shop.inventory.commands import open_pools
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id

CARTS = 200
LINES = 4
ROUNDS = 7


@dataclass(frozen=True)
class Fold:
    """Holds events per second of processor time; the median of rounds that took turns."""

    aggregate: str
    events: int
    per_second: float
    bare_per_second: float

    @property
    def ratio(self) -> float:
        return self.per_second / self.bare_per_second


def measure(on_done: Callable[[], None] = lambda: None) -> list[Fold]:
    """Measure one pool with `CARTS` open holds and three times as many released ones, and the carts that made them."""
    pool, carts = _history()
    folds = []
    for aggregate, streams in ((TICKET_POOL, [pool]), (CART, carts)):
        folds.append(_compare(aggregate, streams))
        on_done()
    return folds


def _compare(aggregate: Aggregate[Any], streams: list[list[StoredEvent]]) -> Fold:
    events = [event for stream in streams for event in stream]
    classes = [(EVENT_CLASSES.get(event.event_type), event.data) for event in events]
    bare = [(cls.model_validate_json, data) for cls, data in classes if cls]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_cpu_seconds(lambda: [aggregate.fold(map(decode, stream)) for stream in streams]))
        theirs.append(_cpu_seconds(lambda: [validate(data) for validate, data in bare]))
    return Fold(aggregate.name, len(events), len(events) / _median(ours), len(events) / _median(theirs))


def _history() -> tuple[list[StoredEvent], list[list[StoredEvent]]]:
    store, ticket_type_id = MemoryEventStore(), uuid4()
    repository = Repository(store, utc_now)
    openings = pool_openings(ticket_type_id, 1, CARTS * LINES)
    repository.execute(partial(open_pools, openings=openings), ORIGIN)
    carts = [new_cart(repository) for _ in range(CARTS)]
    for cart_id in carts:
        for line in range(LINES):
            item_id = add_item(repository, caller(), cart_id, ticket_type_id, 1, HOLD_FOR).item_id
            if line < LINES - 1:
                remove_item(repository, caller(), cart_id, item_id)
    return store.read(pool_id(ticket_type_id, 0)), [store.read(cart_id) for cart_id in carts]


def _cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
