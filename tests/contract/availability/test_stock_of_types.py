"""A ticket type's stock is one value: a look reads it, and no pool, and it is what all pools add up to."""

from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.readmodels.port import Rewrite
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.concerts.events import ConcertDeleted, ConcertPublished
from chalicelib.shop.inventory.events import TicketPoolCapacityChanged, TicketPoolClosed, TicketsSold
from chalicelib.shop.inventory.queries import availability
from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.contract.availability.histories import (
    SECOND,
    a_pool,
    consumer_of,
    counts,
    deliver,
    from_log,
    head_of,
    held,
    logged,
    opened,
    published,
    records,
)
from tests.support.stored import SOME_TIME, store_all

EXAMPLES = settings(max_examples=25, deadline=None)


def a_concert(types: int, pools: int, *events: Event) -> tuple[UUID, list[UUID], MemoryEventStore]:
    """A concert with so many ticket types of so many pools each; these events have happened in every pool."""
    concert_id = uuid4()
    of_types = {key: [pool_id(key, index) for index in range(pools)] for key in (uuid4() for _ in range(types))}
    streams: dict[UUID, list[Event]] = {
        pool: [opened(concert_id, key, index, pools, name=f"Type {number:02}"), *events]
        for number, (key, of_type) in enumerate(of_types.items())
        for index, pool in enumerate(of_type)
    }
    publication = published(**{f"t{key.hex}": of_type for key, of_type in of_types.items()})
    return concert_id, list(streams), logged({concert_id: [publication], **streams})


def commands_of_a_look(redis: Redis, concert_id: UUID) -> int:
    """The commands that one look is for Redis, those of its script among them."""
    redis.config_resetstat()
    assert availability(redis, concert_id, SOME_TIME) is not None
    statistics = redis.info("commandstats")
    return sum(of["calls"] for name, of in statistics.items() if name not in {"cmdstat_config|resetstat"})


@pytest.mark.parametrize("types", [1, 3])
def test_a_look_costs_as_much_for_ninety_pools_as_for_one(
    redis: Redis, projection: RedisProjection, types: int
) -> None:
    costs = []
    for pools in (1, 90):
        concert_id, _, store = a_concert(types, pools, held(uuid4(), 2))
        deliver(projection, store)
        availability(redis, concert_id, SOME_TIME)
        costs.append(commands_of_a_look(redis, concert_id))
    assert costs[0] == costs[1] <= 4 + 2 * types


def test_many_looks_at_a_concert_whose_pools_are_not_all_there_cost_no_more_than_one(
    redis: Redis, projection: RedisProjection
) -> None:
    concert_id, pools, store = a_concert(1, 90)
    consumer = consumer_of(projection, store)
    consumer.consume(records([event for key in (concert_id, *pools[:-1]) for event in store.read(key)]))
    assert availability(redis, concert_id, SOME_TIME) is None
    redis.config_resetstat()
    assert availability(redis, concert_id, SOME_TIME) is None
    assert redis.info("commandstats")["cmdstat_hexists"]["calls"] == 1
    consumer.consume(records(store.read(pools[-1])))
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(900, 0, 0)]


def test_holds_of_ninety_pools_that_end_at_once_are_taken_out_by_one_look(
    redis: Redis, projection: RedisProjection
) -> None:
    concert_id, _, store = a_concert(1, 90, held(uuid4(), 2, until=60))
    deliver(projection, store)
    before, at = SOME_TIME + 60 * SECOND - timedelta(milliseconds=1), SOME_TIME + 60 * SECOND
    for now, expected in [(SOME_TIME, 180), (before, 180), (at, 0), (at, 0), (at + SECOND, 0)]:
        assert counts(availability(redis, concert_id, now)) == [(900 - expected, expected, 0)]
    costs = commands_of_a_look(redis, concert_id)
    assert costs <= 6


def test_a_hold_that_has_ended_for_one_reader_has_ended_for_a_reader_with_a_slower_clock(
    redis: Redis, projection: RedisProjection
) -> None:
    concert_id, pool_key, store = a_pool(held(uuid4(), 4, until=60))
    deliver(projection, store)
    for now in (SOME_TIME + 61 * SECOND, SOME_TIME + 59 * SECOND):
        assert counts(availability(redis, concert_id, now)) == [(10, 0, 0)]
    store.append(store_all(pool_key, [held(uuid4(), 1, after=30)], after=head_of(store, pool_key)))
    deliver(projection, store)
    assert counts(availability(redis, concert_id, SOME_TIME + 61 * SECOND)) == [(9, 1, 0)]


def test_a_concert_that_is_deleted_or_published_again_is_added_up_anew(
    redis: Redis, projection: RedisProjection
) -> None:
    concert_id, pool_key, store = a_pool()
    deliver(projection, store)
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(10, 0, 0)]
    store.append(store_all(concert_id, [ConcertDeleted()], after=head_of(store, concert_id)))
    deliver(projection, store)
    assert availability(redis, concert_id, SOME_TIME) is None
    store.append(store_all(concert_id, [ConcertPublished()], after=head_of(store, concert_id)))
    deliver(projection, store)
    assert availability(redis, concert_id, SOME_TIME) == []
    assert projection.position(pool_key) == 0


changes = st.one_of(
    st.builds(lambda quantity, until: held(uuid4(), quantity, until=until), st.integers(1, 4), st.integers(0, 20)),
    st.builds(lambda by: TicketPoolCapacityChanged(change_id=uuid4(), by=by, at=SOME_TIME), st.integers(-12, 5)),
    st.builds(
        lambda sold: TicketsSold(hold_id=uuid4(), order_id=uuid4(), quantity=sold, at=SOME_TIME), st.integers(1, 6)
    ),
    st.just(TicketPoolClosed(at=SOME_TIME)),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(0, 3), changes),
        st.tuples(st.just("event"), st.integers(0, 3), changes),
        st.tuples(st.sampled_from(["rewrite", "look", "expire", "wait"]), st.integers(0, 3), st.none()),
    ),
    max_size=25,
)


@EXAMPLES
@given(steps, st.integers(0, 2**32))
def test_after_changes_rewrites_and_looks_in_any_order_a_look_says_what_the_log_says(
    redis: Redis, projection: RedisProjection, done: list[tuple[str, int, Event | None]], seed: int
) -> None:
    concert_id, pools, store = a_concert(2, 2)
    deliver(projection, store)
    now, chance = SOME_TIME, Random(seed)
    for what, which, event in done:
        pool = pools[which]
        if event is not None:
            news = store_all(pool, [event], after=head_of(store, pool))
            store.append(news)
            assert consumer_of(projection, store).consume(records(news))
        elif what == "rewrite":
            rewrite(projection, pool, projection.read([pool])[pool].contents)
        elif what == "expire":
            keys = [key for key in redis.scan_iter("*") if any(name in key for name in ("sums:", "types:"))]
            redis.delete(*chance.sample(keys, min(len(keys), 1)), "nothing")
        elif what == "wait":
            now += 3 * SECOND
        if what != "event":
            assert availability(redis, concert_id, now) == from_log(store, concert_id, now)
    for seconds in range(0, 24, 2):
        at = max(now, SOME_TIME + seconds * SECOND)
        assert availability(redis, concert_id, at) == from_log(store, concert_id, at)


def rewrite(projection: RedisProjection, stream_id: UUID, contents: JsonObject) -> None:
    version = projection.position(stream_id)
    assert projection.rewrite([Rewrite(stream_id, version, version, contents)]) == set()


def test_what_a_rewrite_puts_right_is_seen_at_once(redis: Redis, projection: RedisProjection) -> None:
    concert_id, pool_key, store = a_pool(held(uuid4(), 4))
    deliver(projection, store)
    right = projection.read([pool_key])[pool_key].contents
    rewrite(projection, pool_key, {**right, "pool": {**right["pool"], "held": "7"}})
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(3, 7, 0)]
    rewrite(projection, pool_key, right)
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(6, 4, 0)]


def test_what_is_derived_expires_by_itself(redis: Redis, projection: RedisProjection) -> None:
    concert_id, _, store = a_concert(1, 2, held(uuid4()))
    deliver(projection, store)
    ours = {key for key in redis.scan_iter("*") if redis.ttl(key) > 0}
    availability(redis, concert_id, SOME_TIME)
    derived = {key: redis.ttl(key) for key in redis.scan_iter("*") if redis.ttl(key) > 0 and key not in ours}
    kinds = {key.split("}:")[1].split(":")[0]: seconds for key, seconds in derived.items()}
    assert kinds.keys() == {"sums", "counts", "ends", "types"}
    assert kinds["sums"] < min(kinds["counts"], kinds["ends"])
