"""Areas in the availability: each type shows what can be bought of it, each area its stock."""

from contextlib import suppress
from random import Random
from uuid import UUID

import pytest
from redis import Redis

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.queries import availability
from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.contract.availability.histories import consumer_of, deliver, everything, from_log, memory, records
from tests.contract.availability.test_stock_of_types import commands_of_a_look
from tests.support.shop import HOLD_FOR, ORGANISER, Shop


def shown(rows: list[JsonObject] | None) -> dict[str, tuple[int, int, int, int]]:
    assert rows is not None
    return {row["name"]: (row["capacity"], row["available"], row["held"], row["sold"]) for row in rows}


def test_a_type_shows_the_areas_rest_within_its_ceiling_and_the_area_everything(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    shop = salted_shop
    concert_id, area_id, (adult, early) = shop.area_on_sale(10, Adult=None, Early=4)
    shop.add(shop.cart(), early, 1)
    bought = shop.cart()
    shop.add(bought, adult, 3)
    shop.pay(shop.check_out(bought).order_id)
    deliver(projection, memory(shop))
    for rows in (
        availability(redis, concert_id, shop.clock()),
        availability(redis, concert_id, shop.clock()),
        from_log(memory(shop), concert_id, shop.clock()),
    ):
        assert shown(rows) == {"Adult": (10, 6, 0, 3), "Early": (4, 3, 1, 0)}
        assert rows is not None
        area = {"id": str(area_id), "name": "Floor", "capacity": 10, "available": 6, "held": 1, "sold": 3}
        assert [row["area"] for row in rows] == [area, area]
    shop.add(shop.cart(), adult, 5)
    deliver(projection, memory(shop))
    assert shown(availability(redis, concert_id, shop.clock())) == {"Adult": (10, 1, 5, 3), "Early": (4, 1, 1, 0)}


def test_a_look_at_an_area_costs_as_much_for_ninety_pools_and_many_types_as_for_one(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    costs = []
    for capacity, types in ((10, 1), (90 * TICKETS_PER_POOL, 5)):
        concert_id, _, keys = salted_shop.area_on_sale(capacity, **{f"Type {n}": 9 for n in range(types)})
        salted_shop.add(salted_shop.cart(), keys[0], 1)
        deliver(projection, memory(salted_shop))
        for _ in range(2):
            availability(redis, concert_id, salted_shop.clock())
        costs.append(commands_of_a_look(redis, concert_id))
    assert costs[0] == costs[1] <= 6


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_bought_given_back_and_lapses_redis_shows_what_the_log_has(
    salted_shop: Shop, redis: Redis, projection: RedisProjection, seed: int
) -> None:
    shop, random = salted_shop, Random(seed)
    concert_id = shop.draft()
    area_id = shop.area(concert_id, 2 * TICKETS_PER_POOL)
    types = [
        shop.ticket_type(concert_id, 0, area_id=area_id, ceiling=ceiling, name=f"T {ceiling}") for ceiling in (None, 9)
    ]
    types.append(shop.ticket_type(concert_id, 20, name="Balcony"))
    shop.publish(concert_id)
    full = random.randrange(2)
    shop.occupy_pool(pool_id(area_id, full), TICKETS_PER_POOL - 2, types[0])
    consumer = consumer_of(projection, memory(shop))
    lines: list[tuple[UUID, UUID]] = []
    for _ in range(25):
        with suppress(CloudbashError):
            lines += _step(shop, random, types, lines)
        if random.random() < 0.5:
            consumer.consume(records(everything(memory(shop))))
            now = shop.clock()
            assert availability(redis, concert_id, now) == from_log(memory(shop), concert_id, now)
    concerts.cancel_concert(shop.other_container(), shop.request(ORGANISER), concert_id)
    consumer.consume(records(everything(memory(shop))))
    rows = availability(redis, concert_id, shop.clock())
    assert rows == from_log(memory(shop), concert_id, shop.clock())
    assert {counts[1] for counts in shown(rows).values()} == {0}


def _step(shop: Shop, random: Random, types: list[UUID], lines: list[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID]]:
    what = random.random()
    if what < 0.6 or not lines:
        cart_id = shop.cart()
        return [(cart_id, shop.add(cart_id, random.choice(types), random.randint(1, 6)).item_id)]
    cart_id, item_id = random.choice(lines)
    if what < 0.75:
        shop.remove(cart_id, item_id)
    elif what < 0.9:
        shop.pay(shop.check_out(cart_id).order_id)
    else:
        shop.clock.advance(HOLD_FOR * random.uniform(0.2, 1))
    return []
