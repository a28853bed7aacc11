"""Histories of concerts and pools, as drawn by chance, and a consumer that follows them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4, uuid5

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.eventsourcing.streams import Streams
from chalicelib.platform.money import Money
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.concerts.events import (
    ConcertPublished,
    PoolsOfTicketType,
)
from chalicelib.shop.inventory.events import (
    TicketPoolOpened,
    TicketsHeld,
)
from chalicelib.shop.inventory.queries import (
    stock_from_log,
)
from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.support.shop import Shop
from tests.support.stored import SOME_TIME, store_all

NAMES = UUID("a7a11000-0000-4000-8000-000000000000")
SECOND = timedelta(seconds=1)


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
    return stock_from_log(Streams(store), concert_id, now, lambda: 1000).ticket_types


def counts(rows: list[JsonObject] | None) -> list[tuple[int, int, int]] | None:
    return None if rows is None else [(row["available"], row["held"], row["sold"]) for row in rows]


HOLDS = [uuid5(NAMES, f"hold {number}") for number in range(4)]


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


def logged(streams: dict[UUID, list[Event]]) -> MemoryEventStore:
    store = MemoryEventStore()
    for stream_id, events in streams.items():
        for event in store_all(stream_id, events):
            store.append([event])
    return store


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


def head_of(store: MemoryEventStore, stream_id: UUID) -> Head:
    return Head.of(store.read(stream_id)[-1])
