"""The sweep records in quiet pools the holds that have lapsed."""

from datetime import timedelta
from uuid import uuid4

from redis import Redis

from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.inventory.commands import record_lapsed_holds
from chalicelib.shop.inventory.events import (
    HoldsLapsed,
)
from chalicelib.shop.inventory.queries import (
    availability,
    pools_with_lapsed_holds,
)
from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.contract.availability.histories import SECOND, a_pool, counts, deliver, from_log, held, memory
from tests.support.shop import HOLD_FOR, ORGANISER, Shop
from tests.support.stored import SOME_TIME


def test_the_sweep_records_in_quiet_pools_what_has_lapsed_and_redis_forgets_it(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, ticket_type_id = salted_shop.on_sale(10)
    item = salted_shop.add(salted_shop.cart(), ticket_type_id, 3)
    salted_shop.add(salted_shop.cart(), ticket_type_id, 2)
    deliver(projection, memory(salted_shop))
    pool = pool_id(ticket_type_id, 0)
    before = salted_shop.clock.advance(HOLD_FOR - timedelta(milliseconds=1))
    assert pool not in pools_with_lapsed_holds(redis, before, 1000)
    now = salted_shop.clock.advance(timedelta(milliseconds=1))
    assert pool in pools_with_lapsed_holds(redis, now, 1000)
    origin = salted_shop.request(ORGANISER).origin
    assert record_lapsed_holds(salted_shop.other_container(), [pool], origin) == 1
    assert record_lapsed_holds(salted_shop.other_container(), [pool], origin) == 0
    lapsed = decode(memory(salted_shop).read(pool)[-1])
    assert isinstance(lapsed, HoldsLapsed)
    assert (lapsed.quantity, len(lapsed.hold_ids), item.item_id in lapsed.hold_ids) == (5, 2, True)
    deliver(projection, memory(salted_shop))
    assert pool not in pools_with_lapsed_holds(redis, now + timedelta(days=1), 1000)
    assert counts(availability(redis, concert_id, now)) == counts(from_log(memory(salted_shop), concert_id, now))


def test_the_sweep_takes_the_longest_lapsed_first_and_no_more_than_it_is_told(
    redis: Redis, projection: RedisProjection
) -> None:
    pools = []
    for seconds in (30, 10, 20):
        _, pool, store = a_pool(held(uuid4(), until=seconds))
        deliver(projection, store)
        pools.append(pool)
    found = pools_with_lapsed_holds(redis, SOME_TIME + 60 * SECOND, 1000)
    assert [pool for pool in found if pool in pools] == [pools[1], pools[2], pools[0]]
    assert len(pools_with_lapsed_holds(redis, SOME_TIME + 60 * SECOND, 2)) == 2
