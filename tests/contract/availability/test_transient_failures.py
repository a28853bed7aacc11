"""A Redis that is away or takes no writes is a transient failure."""

from collections.abc import Callable
from time import monotonic

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import RecordedEvent, recorded
from chalicelib.platform.readmodels.redis.client import open_redis
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.inventory.events import (
    HoldReleased,
)
from chalicelib.shop.inventory.queries import (
    availability,
)
from local.valkey import Valkey
from tests.contract.availability.histories import HOLDS, a_pool, consumer_of, counts, deliver, head_of, held, records
from tests.support.stored import SOME_TIME, store_all


def test_a_redis_that_does_not_answer_is_a_transient_failure_and_soon_so(
    own_valkey: Valkey, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, pool_key, store = a_pool(held(HOLDS[0]))
    parking = MemoryParking()
    consumer = consumer_of(projection, store, parking)
    deliver(projection, store)
    (sold,) = store_all(pool_key, [held(HOLDS[1], 2)], after=head_of(store, pool_key))
    store.append([sold])
    own_valkey.process.pause()
    try:
        began = monotonic()
        assert consumer.consume(records([sold])) == failed_from("sequence 0")
        with pytest.raises(Unavailable):
            projection.apply(pool_key, 1, [recorded(sold)])  # it may still be carried out later
        with pytest.raises(Unavailable):
            availability(redis, concert_id, SOME_TIME)
        with pytest.raises(Unavailable):
            projection.is_complete()
        assert monotonic() - began < 10
    finally:
        own_valkey.process.resume()
    assert consumer.consume(records([sold])) == succeeded()
    assert parking.list_parked() == []
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(7, 3, 0)]


def test_a_redis_that_is_gone_is_a_transient_failure_and_comes_back_empty(
    own_valkey: Valkey, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, pool_key, store = a_pool(held(HOLDS[0]))
    deliver(projection, store)
    own_valkey.kill()
    try:
        for ask in (
            lambda: projection.position(pool_key),
            lambda: projection.apply(pool_key, 1, [RecordedEvent(pool_key, 2, SOME_TIME, held(HOLDS[1]))]),
            lambda: availability(redis, concert_id, SOME_TIME),
        ):
            with pytest.raises(Unavailable):
                ask()
    finally:
        own_valkey.start()
    assert availability(redis, concert_id, SOME_TIME) is None
    deliver(projection, store)
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(9, 1, 0)]


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        (lambda redis: redis.replicaof("127.0.0.1", "1"), lambda redis: redis.replicaof("NO", "ONE")),
        (lambda redis: redis.config_set("maxmemory", 1), lambda redis: redis.config_set("maxmemory", 0)),
    ],
    ids=["read-only", "full"],
)
def test_a_redis_that_takes_no_writes_is_a_transient_failure_and_nothing_is_half_done(
    redis: Redis, projection: RedisProjection, spoil: Callable[[Redis], object], mend: Callable[[Redis], object]
) -> None:
    concert_id, pool_key, store = a_pool(held(HOLDS[0], 3))
    deliver(projection, store)
    released = HoldReleased(hold_id=HOLDS[0], quantity=3, at=SOME_TIME)
    spoil(redis)
    try:
        with pytest.raises(Unavailable):
            projection.apply(pool_key, 1, [RecordedEvent(pool_key, 2, SOME_TIME, released)])
        assert counts(availability(redis, concert_id, SOME_TIME)) == [(7, 3, 0)]
    finally:
        mend(redis)
    assert projection.position(pool_key) == 1
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(7, 3, 0)]


def test_a_key_of_another_type_is_poison_and_no_transient_failure(redis: Redis, projection: RedisProjection) -> None:
    _, pool_key, store = a_pool()
    hold = RecordedEvent(pool_key, 1, SOME_TIME, held(HOLDS[0]))
    deliver(projection, store)
    redis.delete(f"cloudbash:{{availability}}:pool:{pool_key}")
    redis.set(f"cloudbash:{{availability}}:pool:{pool_key}", "no hash")
    with pytest.raises(ResponseError):
        projection.apply(pool_key, 0, [hold])
    assert projection.position(pool_key) == 0
    redis.flushall()


def test_a_client_is_made_without_a_server() -> None:
    assert open_redis("redis://127.0.0.1:1/0") is not None
