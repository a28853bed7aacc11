"""Many more containers than pools: what each of them remembers is old whenever it is asked again."""

from collections.abc import Collection, Sequence
from random import Random
from uuid import UUID

import pytest

from chalicelib.platform.eventsourcing.store import ConcurrencyError
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.inventory import pool_sizing
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from tests.support.shop import Shop

POOLS = 10
CONTAINERS = 60
HOLDS_EACH = 6


class CountingStore(MemoryEventStore):
    lost_races = 0

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        try:
            super().append(events, raising)
        except ConcurrencyError:
            self.lost_races += 1
            raise


def lost_races_in_turns() -> int:
    """Of all holds together. Nobody is in anybody's way: what is lost is lost to what was remembered."""
    store = CountingStore()
    shop, random = Shop(store), Random(1)
    _, ticket_type_id = shop.on_sale(quantity=POOLS * TICKETS_PER_POOL)
    containers = [shop.other_container() for _ in range(CONTAINERS)]
    for _ in range(HOLDS_EACH):
        random.shuffle(containers)
        for mine in containers:
            shop.add(shop.cart(), ticket_type_id, repository=mine)
    return store.lost_races


def test_however_many_pools_a_container_remembers_a_hold_loses_one_race_at_most() -> None:
    assert lost_races_in_turns() <= CONTAINERS * HOLDS_EACH


def test_of_equally_full_pools_buyers_take_any_and_not_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pool has its last ticket, and everybody wants two."""
    monkeypatch.setattr(pool_sizing, "TICKETS_PER_POOL", 1)
    shop, taken = Shop(CountingStore()), set()
    for _ in range(10):
        _, ticket_type_id = shop.on_sale(quantity=POOLS)
        shop.add(shop.cart(), ticket_type_id, 2)
        pools = [shop.repository.load(TICKET_POOL, pool_id(ticket_type_id, index))[0] for index in range(POOLS)]
        taken.add(tuple(index for index, pool in enumerate(pools) if pool.held))
    assert all(len(pair) == 2 for pair in taken)
    assert len(taken) > 1
