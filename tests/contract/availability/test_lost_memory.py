"""A Redis that does not know all gives no answer, and heals."""

from uuid import UUID, uuid4

from redis import Redis

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.concerts.events import (
    ConcertDetailsChanged,
)
from chalicelib.shop.inventory.queries import (
    availability,
)
from chalicelib.shop.inventory.ticket_pool import pool_id
from local.valkey import Valkey
from tests.contract.availability.histories import (
    HOLDS,
    a_pool,
    consumer_of,
    counts,
    deliver,
    everything,
    from_log,
    head_of,
    held,
    logged,
    opened,
    published,
    records,
)
from tests.support.shop import Shop
from tests.support.stored import SOME_TIME, store_all


def two_types() -> tuple[UUID, list[UUID], MemoryEventStore]:
    """A concert with two ticket types of two pools each."""
    concert_id, types = uuid4(), [uuid4(), uuid4()]
    pools = {key: [pool_id(key, index) for index in range(2)] for key in types}
    streams: dict[UUID, list[Event]] = {
        pool: [opened(concert_id, key, index, 2, name=f"Type {types.index(key)}")]
        for key, of_type in pools.items()
        for index, pool in enumerate(of_type)
    }
    publication = published(**{f"t{key.hex}": of_type for key, of_type in pools.items()})
    return concert_id, list(streams), logged({concert_id: [publication], **streams})


def test_until_the_concert_and_all_its_pools_are_known_redis_gives_no_answer(
    redis: Redis, projection: RedisProjection
) -> None:
    concert_id, pools, store = two_types()
    consumer = consumer_of(projection, store)
    for stream_id in [*pools, concert_id]:
        assert availability(redis, concert_id, SOME_TIME) is None
        consumer.consume(records(store.read(stream_id)))
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(20, 0, 0)] * 2


def test_of_a_ticket_type_whose_pools_are_not_all_open_nothing_is_available() -> None:
    concert_id, pools, store = two_types()
    part = MemoryEventStore()
    for event in everything(store):
        if event.aggregate_id != pools[-1]:
            part.append([event])
    rows = from_log(part, concert_id, SOME_TIME)
    assert [(row["name"], row["capacity"], row["available"]) for row in rows] == [
        ("Type 0", 20, 20),
        ("Type 1", 10, 0),
    ]


def test_a_ticket_type_without_any_open_pool_has_its_name_and_no_tickets(salted_shop: Shop) -> None:
    concert_id, ticket_type_id = salted_shop.on_sale()
    store = MemoryEventStore()
    for event in salted_shop.store.read(concert_id):
        store.append([event])
    empty = {"capacity": 0, "available": 0, "held": 0, "sold": 0, "reason": "sale_not_open"}
    assert from_log(store, concert_id, SOME_TIME) == [{"id": str(ticket_type_id), "name": "Standing", **empty}]


def test_a_redis_that_lost_its_memory_gives_no_wrong_answer_and_heals_with_the_next_events(
    own_valkey: Valkey, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, (first, *others), store = two_types()
    store.append(store_all(first, [held(HOLDS[0], 3)], after=head_of(store, first)))
    deliver(projection, store)
    projection.begin_repair("here")
    assert projection.end_repair("here")
    deliver(projection, a_pool()[2])
    assert projection.is_complete()
    own_valkey.forget_everything()
    assert not projection.is_complete()
    assert projection.position(first) == -1
    assert availability(redis, concert_id, SOME_TIME) is None

    consumer = consumer_of(projection, store)
    (following,) = store_all(first, [held(HOLDS[1], 2)], after=head_of(store, first))
    store.append([following])
    consumer.consume(records([following]))
    assert projection.position(first) == 2
    assert not projection.is_complete()
    for stream_id in [*others, concert_id]:
        assert availability(redis, concert_id, SOME_TIME) is None
        event: Event = held(HOLDS[2]) if stream_id in others else ConcertDetailsChanged(name="P", venue_id=uuid4())
        (following,) = store_all(stream_id, [event], after=head_of(store, stream_id))
        store.append([following])
        consumer.consume(records([following]))
    rows = availability(redis, concert_id, SOME_TIME)
    assert rows == from_log(store, concert_id, SOME_TIME)
    assert counts(rows) == [(14, 6, 0), (18, 2, 0)]


def test_a_redis_that_loses_its_memory_while_it_is_mended_is_not_whole(
    own_valkey: Valkey, projection: RedisProjection
) -> None:
    projection.begin_repair("the first")
    assert projection.is_being_repaired("the first")
    own_valkey.forget_everything()
    assert not projection.is_being_repaired("the first")
    assert not projection.end_repair("the first")
    projection.begin_repair("the second")
    assert not projection.end_repair("the first")
    assert not projection.is_complete()
    assert projection.end_repair("the second")
    assert projection.is_complete()
