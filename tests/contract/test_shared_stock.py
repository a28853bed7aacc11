"""Shared stock on every store: what a hold costs, and what becomes of buyers who want the same at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import TicketsSoldOut, pool_id
from tests.support.shop import Shop


def usage_of(shop: Shop) -> tuple[int, int]:
    """Reads and writes so far."""
    return shop.store.usage.reads, shop.store.usage.writes


def spent(shop: Shop, before: tuple[int, int]) -> tuple[int, int]:
    now = usage_of(shop)
    return now[0] - before[0], now[1] - before[1]


def refused(shop: Shop, cart_id: UUID, ticket_type_id: UUID, container: Repository) -> int:
    with pytest.raises(TicketsSoldOut) as refusal:
        shop.add(cart_id, ticket_type_id, repository=container)
    available: int = refusal.value.facts["available"]
    return available


@pytest.mark.parametrize("ceiling", [None, 60], ids=["no ceiling", "a ceiling"])
def test_a_warm_hold_in_an_area_is_one_transaction_of_two_items_without_a_read(
    shop_on_store: Shop, ceiling: int | None
) -> None:
    shop = shop_on_store
    _, area_id, (adult, child) = shop.area_on_sale(4 * TICKETS_PER_POOL, Adult=None, Child=ceiling)
    shop.add(shop.cart(), child)
    cart_id = shop.cart()
    streams = {cart_id, *(pool_id(area_id, index) for index in range(4))}
    events = sum(len(shop.store.read(key)) for key in streams)
    before = usage_of(shop)
    shop.add(cart_id, child, 2)
    assert spent(shop, before) == (0, 1)
    assert sum(len(shop.store.read(key)) for key in streams) == events + 2
    shop.add(cart_id, adult)
    before = usage_of(shop)
    shop.add(cart_id, adult)
    assert spent(shop, before) == (0, 1)


def test_a_warm_hold_costs_as_many_requests_items_and_write_units_with_areas_as_without(shop_on_store: Shop) -> None:
    shop, quantity = shop_on_store, 2 * TICKETS_PER_POOL
    _, alone = shop.on_sale(quantity)
    _, _, (shared, _) = shop.area_on_sale(quantity, Adult=None, Child=None)
    _, _, (_, limited) = shop.area_on_sale(quantity, Adult=None, Child=TICKETS_PER_POOL)
    costs = []
    for ticket_type_id in (alone, shared, limited):
        shop.add(shop.cart(), ticket_type_id)
        cart_id, usage = shop.cart(), shop.store.usage
        before = usage.reads, usage.writes, usage.items_written, usage.write_units
        shop.add(cart_id, ticket_type_id)
        after = usage.reads, usage.writes, usage.items_written, usage.write_units
        costs.append(tuple(now - then for then, now in zip(before, after, strict=True)))
    assert costs == [costs[0]] * 3
    assert costs[0][:3] == (0, 1, 2)


def test_a_fresh_container_finds_the_area_once_and_then_holds_as_without_one(shop_on_store: Shop) -> None:
    shop = shop_on_store
    _, _, (adult, _) = shop.area_on_sale(4 * TICKETS_PER_POOL, Adult=None, Child=None)
    cart_id, container = shop.cart(), shop.other_container()
    before = usage_of(shop)
    shop.add(cart_id, adult, repository=container)
    assert spent(shop, before) == (5, 1), "cart, result of the type, entrance, result of the area, pool; the hold"
    before = usage_of(shop)
    shop.add(cart_id, adult, repository=container)
    assert spent(shop, before) == (0, 1)


def test_the_crowd_after_the_last_ticket_costs_two_reads_each_whatever_type_it_wants(shop_on_store: Shop) -> None:
    shop = shop_on_store
    _, area_id, types = shop.area_on_sale(2 * TICKETS_PER_POOL, Adult=None, Child=30)
    for index in range(2):
        shop.occupy_pool(pool_id(area_id, index), TICKETS_PER_POOL, types[0])
    containers = [shop.other_container() for _ in range(5)]
    for container in containers:
        for ticket_type_id in types:
            assert refused(shop, shop.cart(), ticket_type_id, container) == 0
    carts = [shop.cart() for _ in range(50)]
    before = usage_of(shop)
    for number, cart_id in enumerate(carts):
        assert refused(shop, cart_id, types[number % 2], containers[number % 5]) == 0
    assert spent(shop, before) == (2 * 50, 0)


def test_buyers_race_for_a_ceiling_whose_quota_lies_where_no_ticket_is_left(shop_on_store: Shop) -> None:
    """Eight may be sold, all the quota is in one pool, all free tickets are in two others: eight of twelve get one."""
    shop = shop_on_store
    _, area_id, (adult, early) = shop.area_on_sale(3 * TICKETS_PER_POOL, Adult=None, Early=8)
    with_quota = next(index for index, pool in enumerate(shop.area_pools(area_id)) if pool.quotas[early])
    shop.occupy_pool(pool_id(area_id, with_quota), TICKETS_PER_POOL, adult)
    carts = [shop.cart() for _ in range(12)]
    start = Barrier(len(carts))

    def buyer(cart_id: UUID) -> bool:
        container = shop.other_container()
        start.wait()
        try:
            shop.add(cart_id, early, repository=container)
        except TicketsSoldOut:
            return False
        return True

    with ThreadPoolExecutor(len(carts)) as threads:
        assert sum(threads.map(buyer, carts)) == 8
    pools = shop.area_pools(area_id)
    assert sum(pool.quotas[early] for pool in pools) == sum(pool.taken_of(early) for pool in pools) == 8
    assert refused(shop, shop.cart(), early, shop.other_container()) == 0
