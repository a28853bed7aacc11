"""Live availability in Redis: at every instant it says what the log says, or that it does not know."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from threading import Barrier
from time import monotonic
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis
from redis.exceptions import ResponseError

from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import CloudbashError, NotFound, Unavailable
from chalicelib.platform.eventsourcing.codec import RecordedEvent, decode, recorded
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.readmodels.redis.client import open_redis
from chalicelib.platform.readmodels.redis.projection import MAX_EVENTS, RedisProjection
from chalicelib.shop.carts.events import CartCreated
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.events import (
    ConcertCreated,
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertPublished,
    PoolsOfTicketType,
    TicketType,
)
from chalicelib.shop.inventory.commands import record_lapsed_holds
from chalicelib.shop.inventory.events import (
    HoldPlacedOnOrder,
    HoldReleased,
    HoldsLapsed,
    TicketPoolClosed,
    TicketPoolEvent,
    TicketPoolOpened,
    TicketsHeld,
    TicketsSold,
)
from chalicelib.shop.inventory.projections import AVAILABILITY_MODEL
from chalicelib.shop.inventory.queries import (
    availability,
    availability_as_of,
    availability_from_log,
    pools_with_lapsed_holds,
    reflects,
)
from chalicelib.shop.inventory.ticket_pool import pool_id
from local.valkey import Valkey
from tests.support.shop import BUYER, CUSTOMER, HOLD_FOR, ORGANISER, Shop
from tests.support.stored import SOME_TIME, imported, store_all

NAMES = UUID("a7a11000-0000-4000-8000-000000000000")
SECOND = timedelta(seconds=1)
EXAMPLES = settings(max_examples=25, deadline=None)


# --- Redis, and a consumer in front of it ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    running = Valkey(tmp_path_factory.mktemp("redis"))
    running.start()
    try:
        yield running
    finally:
        running.process.stop()


@pytest.fixture(scope="module")
def redis(valkey: Valkey) -> Redis:
    return open_redis(valkey.url)


@pytest.fixture(scope="module")
def projection(redis: Redis) -> RedisProjection:
    return RedisProjection(redis, AVAILABILITY_MODEL)


@pytest.fixture
def shop() -> Shop:
    return Shop(MemoryEventStore(), salt=str(uuid4()))


def memory(shop: Shop) -> MemoryEventStore:
    assert isinstance(shop.store, MemoryEventStore)
    return shop.store


def consumer_of(projection: RedisProjection, store: MemoryEventStore, parking: MemoryParking | None = None) -> Consumer:
    return Consumer(projection, store, parking or MemoryParking(), lambda: SOME_TIME)


def records(events: Sequence[StoredEvent]) -> list[BusRecord]:
    return [BusRecord(f"sequence {place}", to_bus(event)) for place, event in enumerate(events)]


def everything(store: MemoryEventStore) -> list[StoredEvent]:
    return [event for stream_id in store.stream_ids() for event in store.read(stream_id)]


def deliver(projection: RedisProjection, store: MemoryEventStore) -> None:
    parking = MemoryParking()
    assert consumer_of(projection, store, parking).consume(records(everything(store))) == succeeded()
    assert parking.list_parked() == []


def from_log(store: MemoryEventStore, concert_id: UUID, now: datetime) -> list[JsonObject]:
    return availability_from_log(Repository(store, lambda: now), concert_id, now)


def counts(rows: list[JsonObject] | None) -> list[tuple[int, int, int]] | None:
    return None if rows is None else [(row["available"], row["held"], row["sold"]) for row in rows]


# --- histories that the aggregates could have made, and some that they could not -------------------------------------

HOLDS = [uuid5(NAMES, f"hold {number}") for number in range(4)]
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


def opened(
    concert_id: UUID, ticket_type_id: UUID, index: int = 0, count: int = 1, capacity: int = 10, name: str = "Standing"
) -> TicketPoolOpened:
    return TicketPoolOpened(
        concert_id=concert_id,
        concert_name="Patti Smith",
        ticket_type_id=ticket_type_id,
        ticket_type_name=name,
        pool_index=index,
        pool_count=count,
        capacity=capacity,
        price=Money.of("25.00", "EUR"),
        max_per_order=10,
        sales_end=SOME_TIME + timedelta(days=30),
        at=SOME_TIME,
    )


def published(**pools: list[UUID]) -> ConcertPublished:
    """The pools of each ticket type, by its hexadecimal id."""
    return ConcertPublished(
        pools=tuple(
            PoolsOfTicketType(ticket_type_id=UUID(hex=name[1:]), pool_ids=tuple(ids)) for name, ids in pools.items()
        )
    )


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


def logged(streams: dict[UUID, list[Event]]) -> MemoryEventStore:
    store = MemoryEventStore()
    for stream_id, events in streams.items():
        for event in store_all(stream_id, events):
            store.append([event])
    return store


# --- whatever the bus does -------------------------------------------------------------------------------------------


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
        assert availability_as_of(memory(shop), concert_id, at) == rows
    with pytest.raises(NotFound):
        availability_as_of(memory(shop), concert_id, began)


def test_a_redis_that_has_not_what_the_reader_has_seen_says_so(
    shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, ticket_type_id = shop.on_sale()
    version, pool, cart_id = shop.store.read(concert_id)[-1].aggregate_version, pool_id(ticket_type_id, 0), shop.cart()
    deliver(projection, memory(shop))
    shop.add(cart_id, ticket_type_id)
    named_and_lag: list[tuple[dict[UUID, int], dict[UUID, int]]] = [
        ({}, {}),
        ({concert_id: version, pool: 0}, {concert_id: 0, pool: 0}),
        ({concert_id: version, pool: 1}, {concert_id: 0, pool: 1}),
        ({cart_id: 1}, {cart_id: 2}),
    ]
    for named, lag in named_and_lag:
        min_versions = MinVersions(named)
        assert reflects(redis, min_versions) is not any(lag.values())
        assert min_versions.lag == lag
    deliver(projection, memory(shop))
    assert reflects(redis, MinVersions({pool: 1}))


def a_pool(*events: Event, capacity: int = 10) -> tuple[UUID, UUID, MemoryEventStore]:
    """A concert with one pool in which this has happened."""
    concert_id, ticket_type_id = uuid4(), uuid4()
    pool = pool_id(ticket_type_id, 0)
    publication = published(**{f"t{ticket_type_id.hex}": [pool]})
    history = [opened(concert_id, ticket_type_id, capacity=capacity), *events]
    return concert_id, pool, logged({concert_id: [publication], pool: history})


def held(hold_id: UUID, quantity: int = 1, after: int = 0, until: int = 900) -> TicketsHeld:
    return TicketsHeld(
        hold_id=hold_id,
        cart_id=uuid4(),
        quantity=quantity,
        at=SOME_TIME + after * SECOND,
        expires_at=SOME_TIME + until * SECOND,
    )


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


# --- what a visitor sees ---------------------------------------------------------------------------------------------


def test_ticket_types_are_listed_by_name_with_all_their_pools(
    shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id = shop.draft()
    for name, quantity in [("Stehplatz “vorne”", 600), ("Balcony", 5)]:

        def describe(key: UUID, name: str = name, quantity: int = quantity) -> TicketType:
            price = Money.of("25.00", "EUR")
            return TicketType(id=key, name=name, price=price, quantity=quantity, max_per_order=400)

        concerts.add_ticket_type(shop.repository, shop.request(ORGANISER), concert_id, describe)
    shop.publish(concert_id)
    types = {kind.name: key for key, kind in shop.concert_state(concert_id).ticket_types.items()}
    cart_id = shop.cart()
    shop.add(cart_id, types["Balcony"], quantity=2)
    shop.add(cart_id, types["Stehplatz “vorne”"], quantity=350)
    deliver(projection, memory(shop))

    def row(name: str, capacity: int, available: int, held: int) -> JsonObject:
        key = str(types[name])
        return {"id": key, "name": name, "capacity": capacity, "available": available, "held": held, "sold": 0}

    expected = [row("Balcony", 5, 3, 2), row("Stehplatz “vorne”", 600, 250, 350)]
    assert availability(redis, concert_id, shop.clock()) == expected
    assert from_log(memory(shop), concert_id, shop.clock()) == expected


def test_a_hold_is_free_again_at_its_deadline_without_any_event(
    shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, ticket_type_id = shop.on_sale(quantity=10)
    shop.add(shop.cart(), ticket_type_id, quantity=4)
    deliver(projection, memory(shop))
    for before_deadline, expected in [(timedelta(milliseconds=1), (6, 4, 0)), (timedelta(0), (10, 0, 0))]:
        now = SOME_TIME + HOLD_FOR - before_deadline
        assert counts(availability(redis, concert_id, now)) == [expected]
        assert counts(from_log(memory(shop), concert_id, now)) == [expected]


def test_a_hold_that_has_ended_is_not_brought_back(redis: Redis, projection: RedisProjection) -> None:
    deadline = SOME_TIME + 60 * SECOND
    extended = HoldPlacedOnOrder(
        hold_id=HOLDS[0], order_id=uuid4(), at=deadline, expires_at=deadline + timedelta(hours=1)
    )
    concert_id, _, store = a_pool(held(HOLDS[0], 4, until=60), extended)
    deliver(projection, store)
    for now in (SOME_TIME, deadline, deadline + SECOND):
        assert counts(availability(redis, concert_id, now)) == [(10, 0, 0)] == counts(from_log(store, concert_id, now))


def test_time_in_a_pool_does_not_go_back(redis: Redis, projection: RedisProjection) -> None:
    extended = HoldPlacedOnOrder(
        hold_id=HOLDS[1], order_id=uuid4(), at=SOME_TIME + 60 * SECOND, expires_at=SOME_TIME + 900 * SECOND
    )
    concert_id, _, store = a_pool(held(HOLDS[0], after=120), held(HOLDS[1], after=50, until=110), extended)
    deliver(projection, store)
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(9, 1, 0)]
    assert counts(from_log(store, concert_id, SOME_TIME)) == [(9, 1, 0)]


def test_a_hold_that_is_heard_of_twice_counts_once(redis: Redis, projection: RedisProjection) -> None:
    concert_id, _, store = a_pool(held(HOLDS[0], 4), held(HOLDS[0], 3))
    deliver(projection, store)
    assert (
        counts(availability(redis, concert_id, SOME_TIME))
        == [(7, 3, 0)]
        == counts(from_log(store, concert_id, SOME_TIME))
    )


def test_more_sold_than_there_was_leaves_nothing_and_not_less(redis: Redis, projection: RedisProjection) -> None:
    sold = TicketsSold(hold_id=HOLDS[0], order_id=uuid4(), quantity=11, at=SOME_TIME)
    concert_id, _, store = a_pool(sold)
    deliver(projection, store)
    assert (
        counts(availability(redis, concert_id, SOME_TIME))
        == [(0, 0, 11)]
        == counts(from_log(store, concert_id, SOME_TIME))
    )


def test_nothing_is_available_of_a_cancelled_concert(shop: Shop, redis: Redis, projection: RedisProjection) -> None:
    concert_id, ticket_type_id = shop.on_sale(quantity=10)
    shop.add(shop.cart(), ticket_type_id, quantity=4)
    concerts.cancel_concert(shop.repository, shop.request(ORGANISER), concert_id)
    deliver(projection, memory(shop))
    assert counts(availability(redis, concert_id, shop.clock())) == [(0, 4, 0)]
    assert counts(from_log(memory(shop), concert_id, shop.clock())) == [(0, 4, 0)]


def test_an_answer_costs_one_round_trip(
    shop: Shop, redis: Redis, projection: RedisProjection, monkeypatch: pytest.MonkeyPatch
) -> None:
    concert_id, _ = shop.on_sale(quantity=2000)
    deliver(projection, memory(shop))
    availability(redis, concert_id, SOME_TIME)
    sent: list[object] = []
    execute: Callable[..., Any] = redis.execute_command

    def counting(*args: Any, **options: Any) -> Any:
        sent.append(args[0])
        return execute(*args, **options)

    monkeypatch.setattr(redis, "execute_command", counting)
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(2000, 0, 0)]
    assert sent == ["EVALSHA"]


def test_a_concert_that_is_not_on_sale_is_not_found(shop: Shop, redis: Redis, projection: RedisProjection) -> None:
    draft, deleted, cart_id, nothing = shop.draft(), uuid4(), shop.cart(), uuid4()
    for event in store_all(deleted, [ConcertPublished(), ConcertDeleted()]):
        memory(shop).append([event])
    deliver(projection, memory(shop))
    unknown = imported("Cloudbash.Domain.Unknown.Events.SomethingHappenedEvent", uuid4())
    memory(shop).append([unknown])
    for key in (draft, deleted, cart_id, unknown.aggregate_id, nothing):
        assert availability(redis, key, SOME_TIME) is None
        with pytest.raises(NotFound):
            from_log(memory(shop), key, SOME_TIME)


def test_a_concert_of_the_original_has_no_stock(redis: Redis, projection: RedisProjection) -> None:
    concert_id = uuid4()
    store = logged({concert_id: [ConcertPublished()]})
    deliver(projection, store)
    assert availability(redis, concert_id, SOME_TIME) == [] == from_log(store, concert_id, SOME_TIME)


def test_an_event_of_another_time_moves_the_position_and_the_time_only(
    redis: Redis, projection: RedisProjection
) -> None:
    class TicketPoolPolished(TicketPoolEvent):
        pass

    concert_id, pool_key, store = a_pool(held(HOLDS[0], until=60))
    deliver(projection, store)
    later = SOME_TIME + 60 * SECOND
    projection.apply(pool_key, 1, [RecordedEvent(pool_key, 2, later, TicketPoolPolished(at=later))])
    assert projection.position(pool_key) == 2
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(10, 0, 0)]


# --- what Redis does not know ----------------------------------------------------------------------------------------


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


def test_a_ticket_type_without_any_open_pool_has_its_name_and_no_tickets(shop: Shop) -> None:
    concert_id, ticket_type_id = shop.on_sale()
    store = MemoryEventStore()
    for event in shop.store.read(concert_id):
        store.append([event])
    empty = {"capacity": 0, "available": 0, "held": 0, "sold": 0}
    assert from_log(store, concert_id, SOME_TIME) == [{"id": str(ticket_type_id), "name": "Standing", **empty}]


def test_a_redis_that_lost_its_memory_gives_no_wrong_answer_and_heals_with_the_next_events(
    valkey: Valkey, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, (first, *others), store = two_types()
    store.append(store_all(first, [held(HOLDS[0], 3)], after=head_of(store, first)))
    deliver(projection, store)
    projection.begin_repair("here")
    assert projection.end_repair("here")
    deliver(projection, a_pool()[2])
    assert projection.is_complete()
    valkey.forget_everything()
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
    valkey: Valkey, projection: RedisProjection
) -> None:
    projection.begin_repair("the first")
    assert projection.is_being_repaired("the first")
    valkey.forget_everything()
    assert not projection.is_being_repaired("the first")
    assert not projection.end_repair("the first")
    projection.begin_repair("the second")
    assert not projection.end_repair("the first")
    assert not projection.is_complete()
    assert projection.end_repair("the second")
    assert projection.is_complete()


def head_of(store: MemoryEventStore, stream_id: UUID) -> Head:
    return Head.of(store.read(stream_id)[-1])


# --- when Redis is away ----------------------------------------------------------------------------------------------


def test_a_redis_that_does_not_answer_is_a_transient_failure_and_soon_so(
    valkey: Valkey, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, pool_key, store = a_pool(held(HOLDS[0]))
    parking = MemoryParking()
    consumer = consumer_of(projection, store, parking)
    deliver(projection, store)
    (sold,) = store_all(pool_key, [held(HOLDS[1], 2)], after=head_of(store, pool_key))
    store.append([sold])
    valkey.process.pause()
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
        valkey.process.resume()
    assert consumer.consume(records([sold])) == succeeded()
    assert parking.list_parked() == []
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(7, 3, 0)]


def test_a_redis_that_is_gone_is_a_transient_failure_and_comes_back_empty(
    valkey: Valkey, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, pool_key, store = a_pool(held(HOLDS[0]))
    deliver(projection, store)
    valkey.kill()
    try:
        for ask in (
            lambda: projection.position(pool_key),
            lambda: projection.apply(pool_key, 1, [RecordedEvent(pool_key, 2, SOME_TIME, held(HOLDS[1]))]),
            lambda: availability(redis, concert_id, SOME_TIME),
        ):
            with pytest.raises(Unavailable):
                ask()
    finally:
        valkey.start()
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


# --- what lies there -------------------------------------------------------------------------------------------------


def test_every_key_is_under_one_prefix_and_no_value_holds_personal_data(
    shop: Shop, valkey: Valkey, redis: Redis, projection: RedisProjection
) -> None:
    valkey.forget_everything()
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id)
    shop.pay(shop.check_out(cart_id).order_id)
    shop.add(shop.cart(), ticket_type_id)
    deliver(projection, memory(shop))
    keys = [str(key) for key in redis.scan_iter()]
    assert len(keys) > 5
    assert all(key.startswith("cloudbash:{availability}:") for key in keys)
    contents = json.dumps([[key, value_of(redis, key)] for key in keys], ensure_ascii=False)
    assert str(ticket_type_id) in contents
    for secret in [*BUYER.values(), *BUYER["name"].split(), str(CUSTOMER.id)]:
        assert secret not in contents


def value_of(redis: Redis, key: str) -> Any:
    ways: dict[Any, Callable[[], Any]] = {
        "hash": lambda: redis.hgetall(key),
        "zset": lambda: redis.zrange(key, 0, -1, withscores=True),
        "string": lambda: redis.get(key),
    }
    return ways[redis.type(key)]()


def test_carts_and_other_strangers_are_not_followed(projection: RedisProjection) -> None:
    cart_id = uuid4()
    store = logged({cart_id: [CartCreated(customer_id=CUSTOMER.id)]})
    deliver(projection, store)
    assert projection.position(cart_id) == -1
    assert projection.aggregate_types == {"TicketPool", "Concert"}


def test_the_sweep_records_in_quiet_pools_what_has_lapsed_and_redis_forgets_it(
    shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, ticket_type_id = shop.on_sale(10)
    item = shop.add(shop.cart(), ticket_type_id, 3)
    shop.add(shop.cart(), ticket_type_id, 2)
    deliver(projection, memory(shop))
    pool = pool_id(ticket_type_id, 0)
    before = shop.clock.advance(HOLD_FOR - timedelta(milliseconds=1))
    assert pool not in pools_with_lapsed_holds(redis, before, 1000)
    now = shop.clock.advance(timedelta(milliseconds=1))
    assert pool in pools_with_lapsed_holds(redis, now, 1000)
    origin = shop.request(ORGANISER).origin
    assert record_lapsed_holds(shop.other_container(), [pool], origin) == 1
    assert record_lapsed_holds(shop.other_container(), [pool], origin) == 0
    lapsed = decode(memory(shop).read(pool)[-1])
    assert isinstance(lapsed, HoldsLapsed)
    assert (lapsed.quantity, len(lapsed.hold_ids), item.item_id in lapsed.hold_ids) == (5, 2, True)
    deliver(projection, memory(shop))
    assert pool not in pools_with_lapsed_holds(redis, now + timedelta(days=1), 1000)
    assert counts(availability(redis, concert_id, now)) == counts(from_log(memory(shop), concert_id, now))


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


def test_of_another_quantity_redis_says_what_the_log_says(
    shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, ticket_type_id = shop.on_sale(200)
    shop.add(shop.cart(), ticket_type_id, 3)
    shop.change_quantity(concert_id, ticket_type_id, 400)
    shop.change_quantity(concert_id, ticket_type_id, 90)
    deliver(projection, memory(shop))
    assert counts(availability(redis, concert_id, shop.clock())) == [(87, 3, 0)]
