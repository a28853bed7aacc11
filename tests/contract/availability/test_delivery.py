"""Whatever the bus does, Redis says at every instant what the log says."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import CloudbashError, NotFound, Unavailable
from chalicelib.platform.eventsourcing.codec import RecordedEvent, recorded
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.readmodels.redis.projection import MAX_EVENTS, RedisProjection
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.events import (
    ConcertCreated,
)
from chalicelib.shop.inventory.events import (
    HoldPlacedOnOrder,
    HoldReleased,
    TicketPoolClosed,
    TicketsHeld,
    TicketsReturned,
    TicketsSold,
)
from chalicelib.shop.inventory.queries import (
    availability,
    availability_as_of,
    reflects,
)
from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.contract.availability.histories import (
    HOLDS,
    NAMES,
    SECOND,
    a_pool,
    consumer_of,
    counts,
    deliver,
    everything,
    from_log,
    held,
    logged,
    memory,
    opened,
    published,
    records,
)
from tests.support.shop import ORGANISER, Shop
from tests.support.stored import SOME_TIME

EXAMPLES = settings(max_examples=25, deadline=None)
LAST = 24
Happening = Callable[[datetime], Event]
"""An event, once it is known when."""
holds = st.sampled_from(HOLDS)
quantities = st.integers(1, 4)
orders = st.just(uuid5(NAMES, "order"))
deadlines = st.integers(0, 8).map(lambda count: count * SECOND)


def happenings(event: type[Event], **facts: st.SearchStrategy[Any]) -> st.SearchStrategy[Happening]:
    """`lasts`, where given, becomes the deadline."""

    def at(now: datetime, drawn: dict[str, Any]) -> Event:
        lasts = drawn.get("lasts")
        return event(at=now, **drawn, **({} if lasts is None else {"expires_at": now + lasts}))

    return st.fixed_dictionaries(facts).map(lambda drawn: lambda now: at(now, drawn))


holding = happenings(
    TicketsHeld, hold_id=holds, cart_id=st.just(uuid5(NAMES, "cart")), quantity=quantities, lasts=deadlines
)
in_a_pool = st.one_of(
    holding,
    holding,
    happenings(HoldPlacedOnOrder, hold_id=holds, order_id=orders, lasts=deadlines),
    happenings(HoldReleased, hold_id=holds, quantity=quantities),
    happenings(TicketsSold, hold_id=holds, order_id=orders, quantity=quantities),
    happenings(TicketsReturned, hold_id=holds, order_id=orders, ticket_type_id=orders, quantity=quantities),
)
closing = happenings(TicketPoolClosed)


@st.composite
def pool_events(draw: st.DrawFn) -> list[Event]:
    """Time goes on, and now and then back."""
    now, events = SOME_TIME, []
    for happening in draw(st.lists(in_a_pool, max_size=10)) + draw(st.lists(closing, max_size=1)):
        now += draw(st.sampled_from([0, 0, 0, 1, 2, -1])) * SECOND
        events.append(happening(now))
    return events


@st.composite
def concerts_with_pools(draw: st.DrawFn) -> tuple[UUID, dict[UUID, list[Event]]]:
    """A concert with up to two ticket types of up to two pools; events need not be possible, nor in order of time."""
    concert_id, streams, pools = uuid4(), {}, {}
    for name in draw(st.sampled_from([["Balcony"], ["Standing", "Balcony"]])):
        ticket_type_id, count = uuid4(), draw(st.integers(1, 2))
        pools[f"t{ticket_type_id.hex}"] = [pool_id(ticket_type_id, index) for index in range(count)]
        for index in range(count):
            opening = opened(concert_id, ticket_type_id, index, count, draw(st.integers(1, 8)), name)
            streams[pool_id(ticket_type_id, index)] = [opening, *draw(pool_events())]
    streams[concert_id] = [ConcertCreated(name="Patti Smith", venue_id=uuid4()), published(**pools)]
    return concert_id, streams


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[UUID, dict[UUID, list[Event]], list[list[int]]]:
    """Beside the concert, batches of places in the log in any order: some twice, some not at all."""
    concert_id, streams = draw(concerts_with_pools())
    places = st.integers(0, sum(map(len, streams.values())) - 1)
    return concert_id, streams, draw(st.lists(st.lists(places, min_size=1, max_size=6), max_size=6))


@EXAMPLES
@given(deliveries())
def test_whatever_arrives_twice_late_or_never_redis_says_at_every_instant_what_the_log_says(
    redis: Redis, projection: RedisProjection, delivered: tuple[UUID, dict[UUID, list[Event]], list[list[int]]]
) -> None:
    concert_id, streams, batches = delivered
    store = logged(streams)
    consumer, log = consumer_of(projection, store), everything(store)
    for batch in batches:
        assert consumer.consume(records([log[place] for place in batch])) == succeeded()
        reached = reached_part(projection, store)
        is_known = len(reached.stream_ids()) == len(streams) and len(reached.read(concert_id)) == len(
            streams[concert_id]
        )
        expected = from_log(reached, concert_id, SOME_TIME) if is_known else None
        assert availability(redis, concert_id, SOME_TIME) == expected
    consumer.consume(records([store.read(stream_id)[-1] for stream_id in store.stream_ids()]))
    for step in range(-1, 2 * LAST):
        now = SOME_TIME + step * SECOND / 2
        rows = from_log(store, concert_id, now)
        assert availability(redis, concert_id, now) == rows
        assert all(row["available"] >= 0 for row in rows)


def reached_part(projection: RedisProjection, store: MemoryEventStore) -> MemoryEventStore:
    """The log as far as the projection has followed it."""
    part = MemoryEventStore()
    for event in everything(store):
        if event.aggregate_version <= projection.position(event.aggregate_id):
            part.append([event])
    return part


Action = tuple[str, int, int]
actions: st.SearchStrategy[list[Action]] = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "remove", "check out", "pay", "cancel"]),
        st.integers(1, 9),
        st.sampled_from([0, 0, 1, 5, 8]),
    ),
    max_size=14,
)


@EXAMPLES
@given(actions, st.integers(0, 2**32))
def test_of_what_customers_really_did_redis_says_at_every_instant_what_the_log_says(
    redis: Redis, projection: RedisProjection, done: list[Action], seed: int
) -> None:
    shop = Shop(MemoryEventStore(), salt=str(uuid4()))
    concert_id = shop.draft()
    shop.ticket_type(concert_id, quantity=6)
    shop.ticket_type(concert_id, quantity=300, price="0.00")
    shop.publish(concert_id)
    types = sorted(shop.concert_state(concert_id).ticket_types)
    customer = Customer(shop, concert_id, types)
    for action in done:
        customer.do(*action)
    events = everything(memory(shop))
    Random(seed).shuffle(events)
    assert consumer_of(projection, memory(shop)).consume(records(events)) == succeeded()
    for minutes in range(-5, 60, 3):
        now = shop.clock() + timedelta(minutes=minutes)
        rows = availability(redis, concert_id, now)
        assert rows == from_log(memory(shop), concert_id, now)
        assert rows is not None
        assert all(0 <= row["held"] + row["sold"] <= row["capacity"] for row in rows)


class Customer:
    """Does one thing after the other and takes no for an answer."""

    def __init__(self, shop: Shop, concert_id: UUID, ticket_types: list[UUID]) -> None:
        self.shop, self.concert_id, self.ticket_types = shop, concert_id, ticket_types
        self.cart_id, self.items, self.order_ids = shop.cart(), list[UUID](), list[UUID]()

    def do(self, what: str, number: int, minutes: int) -> None:
        self.shop.clock.advance(timedelta(minutes=minutes))
        ways: dict[str, Callable[[int], None]] = {
            "add": self.add,
            "remove": self.remove,
            "check out": self.check_out,
            "pay": self.pay,
            "cancel": self.cancel,
        }
        try:
            ways[what](number)
        except CloudbashError as refusal:
            assert not isinstance(refusal, Unavailable), refusal  # noqa: PT017 - any refusal is right but this

    def add(self, number: int) -> None:
        ticket_type_id = self.ticket_types[number % 2]
        self.items.append(self.shop.add(self.cart_id, ticket_type_id, quantity=number).item_id)

    def remove(self, _: int) -> None:
        if self.items:
            self.shop.remove(self.cart_id, self.items.pop())

    def check_out(self, _: int) -> None:
        self.order_ids.append(self.shop.check_out(self.cart_id).order_id)
        self.cart_id, self.items = self.shop.cart(), []

    def pay(self, _: int) -> None:
        if self.order_ids:
            self.shop.pay(self.order_ids[-1])

    def cancel(self, number: int) -> None:
        if number == 1:
            concerts.cancel_concert(self.shop.repository, self.shop.request(ORGANISER), self.concert_id)


def was_available(store: MemoryEventStore, concert_id: UUID, at: datetime) -> list[JsonObject]:
    return availability_as_of(store, concert_id, at, ORGANISER, lambda: 1000)


@EXAMPLES
@given(actions)
def test_what_was_available_at_an_instant_is_what_redis_said_then(
    redis: Redis, projection: RedisProjection, done: list[Action]
) -> None:
    shop = Shop(MemoryEventStore(), salt=str(uuid4()))
    began = shop.clock()
    shop.clock.advance(timedelta(minutes=1))
    concert_id = shop.draft()
    shop.ticket_type(concert_id, quantity=6)
    shop.publish(concert_id)
    customer = Customer(shop, concert_id, [*shop.concert_state(concert_id).ticket_types] * 2)
    said: dict[datetime, list[JsonObject] | None] = {}
    for what, number, minutes in done:
        customer.do(what, number, minutes)
        deliver(projection, memory(shop))
        said[shop.clock()] = availability(redis, concert_id, shop.clock())
        shop.clock.advance(timedelta(minutes=7))
        said[shop.clock()] = availability(redis, concert_id, shop.clock())
    for at, rows in said.items():
        assert was_available(memory(shop), concert_id, at) == rows
    with pytest.raises(NotFound):
        was_available(memory(shop), concert_id, began)


def test_a_redis_that_has_not_what_the_reader_has_seen_says_so(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, ticket_type_id = salted_shop.on_sale()
    version, pool, cart_id = (
        salted_shop.store.read(concert_id)[-1].aggregate_version,
        pool_id(ticket_type_id, 0),
        salted_shop.cart(),
    )
    deliver(projection, memory(salted_shop))
    salted_shop.add(cart_id, ticket_type_id)
    named_and_lag: list[tuple[dict[UUID, int], dict[UUID, int]]] = [
        ({}, {}),
        ({concert_id: version, pool: 0}, {concert_id: 0, pool: 0}),
        ({concert_id: version, pool: 1}, {concert_id: 0, pool: 1}),
    ]
    for named, lag in named_and_lag:
        min_versions = MinVersions(named)
        assert reflects(redis, salted_shop.store, min_versions) is not any(lag.values())
        assert min_versions.lag == lag
    deliver(projection, memory(salted_shop))
    assert reflects(redis, salted_shop.store, MinVersions({pool: 1}))


def test_streams_that_redis_does_not_follow_and_versions_that_never_were_are_ignored_after_one_look(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, ticket_type_id = salted_shop.on_sale()
    cart_id = salted_shop.cart()
    salted_shop.add(cart_id, ticket_type_id)
    deliver(projection, memory(salted_shop))
    log = memory(salted_shop)
    before, items = log.usage.reads, log.usage.items_read
    named = MinVersions({cart_id: 1, concert_id: 1_000_000, **{uuid4(): 0 for _ in range(18)}})
    assert reflects(redis, log, named)
    assert (log.usage.reads - before, log.usage.items_read - items) == (1, 1)
    assert named.lag.keys() == {concert_id}


def test_consumers_at_once_apply_every_event_once(redis: Redis, projection: RedisProjection) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in range(15):
            concert_id, pool_key, store = a_pool(*(held(uuid4()) for _ in range(6)))
            consumer, start, stream = consumer_of(projection, store), Barrier(4), store.read(pool_key)

            def consume(turn: int, start: Barrier = start, stream: Any = stream, consumer: Any = consumer) -> bool:
                start.wait()
                return all(consumer.consume(records([e])) == succeeded() for e in stream[turn:] + stream[:turn])

            assert all(pool.map(consume, range(4)))
            deliver(projection, store)
            assert counts(availability(redis, concert_id, SOME_TIME)) == [(4, 6, 0)]


def test_of_writers_at_once_one_applies_and_the_others_hear_that_the_position_moved(
    redis: Redis, projection: RedisProjection
) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in range(15):
            concert_id, pool_key, store = a_pool(held(HOLDS[0]))
            stream, start = list(map(recorded, store.read(pool_key))), Barrier(4)

            def write(_: int, pool_key: UUID = pool_key, stream: Any = stream, start: Barrier = start) -> bool:
                start.wait()
                try:
                    projection.apply(pool_key, -1, stream)
                except PositionMoved:
                    return False
                return True

            assert sorted(pool.map(write, range(4))) == [False, False, False, True]
            deliver(projection, store)
            assert counts(availability(redis, concert_id, SOME_TIME)) == [(9, 1, 0)]


@pytest.mark.parametrize("position", [-1, 0, 2])
def test_applying_at_another_position_changes_nothing(redis: Redis, projection: RedisProjection, position: int) -> None:
    concert_id, pool_key, store = a_pool(held(HOLDS[0]))
    deliver(projection, store)
    with pytest.raises(PositionMoved):
        projection.apply(pool_key, position, [RecordedEvent(pool_key, 2, SOME_TIME, held(HOLDS[1]))])
    assert projection.position(pool_key) == 1
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(9, 1, 0)]


def test_a_long_stream_is_applied_in_parts(redis: Redis, projection: RedisProjection) -> None:
    events = [held(uuid4(), after=second, until=second + 3) for second in range(2 * MAX_EVENTS + 7)]
    concert_id, pool_key, store = a_pool(*events)
    deliver(projection, store)
    assert projection.position(pool_key) == len(events)
    now = SOME_TIME + len(events) * SECOND
    assert counts(availability(redis, concert_id, now)) == [(8, 2, 0)] == counts(from_log(store, concert_id, now))
