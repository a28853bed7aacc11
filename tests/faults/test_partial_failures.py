"""Servers that do half of what they were asked: all is current again, and nobody had to do anything."""

from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ClientError

from chalicelib import composition
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.forwarder import Forwarder, LogRecord
from chalicelib.platform.bus.kinesis.bus import KinesisBus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import to_item
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.shop.venues.events import VenueDeleted
from local.emulator import Emulator
from local.kinesis import KinesisStream
from local.pump import Mapping, Pump
from local.resources import Aws
from tests.journeys.shop import Json, Shop, cart_with, made, order_of, pay, publish_concert
from tests.support.stored import SOME_TIME, store_all


@pytest.fixture
def parked_before(shop: Shop) -> Iterator[None]:
    """Nothing is parked or kept aside that was not before."""
    shop.settle()
    parking = composition.current().parking
    before = parking.list_parked(), parking.list_unreadable()
    yield
    shop.stack.ensure_running()
    shop.settle()
    assert (parking.list_parked(), parking.list_unreadable()) == before


class HalfOfKinesis:
    """Refuses every other record, the first in every other request, and every fourth request as a whole."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.asked = self.requests = self.refused = 0

    def put_records(self, StreamName: str, Records: list[Json]) -> Json:  # noqa: N803 - the names of the SDK
        self.requests += 1
        if self.requests % 4 == 0:
            code = "ProvisionedThroughputExceededException"
            raise ClientError({"Error": {"Code": code, "Message": "Slow down"}}, "PutRecords")
        return {"Records": [self._put(StreamName, record) for record in Records]}

    def _put(self, stream: str, record: Json) -> Json:
        self.asked += 1
        if (self.asked + self.requests) % 2:
            self.refused += 1
            return {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Slow down"}
        answer: Json = self._client.put_records(StreamName=stream, Records=[record])["Records"][0]
        return answer


@pytest.mark.usefixtures("parked_before")
def test_kinesis_that_refuses_half_of_what_it_is_given_gets_all_of_it_in_the_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = composition.current().event_bus
    assert isinstance(bus, KinesisBus)
    half = HalfOfKinesis(bus.client)
    monkeypatch.setattr(bus, "client", half)
    city = f"Half {uuid4().hex[:8]}"
    concerts = [publish_concert(shop.organiser(), venue={"city": city}) for _ in range(3)]
    customer = shop.customer()
    order_id = order_of(customer, concerts[0].ticket_type_id, 2)
    made(pay(customer, order_id))
    cart_with(customer, concerts[1].ticket_type_id, 3)
    shop.settle()
    assert half.refused > 10

    found = made(shop.visitor().get("/concerts", params={"location": city}))["items"]
    assert {item["id"]: item["version"] for item in found} == {concert.concert_id: 3 for concert in concerts}
    assert made(customer.get(f"/orders/{order_id}"))["status"] == "confirmed"
    taken = [made(shop.visitor().get(f"/concerts/{one.concert_id}/availability")) for one in concerts[:2]]
    counts = [(answer["source"], answer["ticket_types"][0]["available"]) for answer in taken]
    assert counts == [("read_model", 18), ("read_model", 17)]


@pytest.mark.usefixtures("parked_before")
def test_postgres_killed_in_the_middle_of_a_transaction_loses_nothing_and_applies_nothing_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves: list[UUID] = []
    move: Callable[..., None] = getattr(PostgresProjection, "_move")  # noqa: B009 - private: the position has moved, and nothing is committed

    def move_and_die(self: PostgresProjection, cursor: Any, stream_id: UUID, *versions: int) -> None:
        move(self, cursor, stream_id, *versions)
        moves.append(stream_id)
        if len(moves) == 3:
            shop.stack.postgres.kill()
            shop.stack.postgres.start()

    monkeypatch.setattr(PostgresProjection, "_move", move_and_die)
    city = f"Killed {uuid4().hex[:8]}"
    concerts = [publish_concert(shop.organiser(), venue={"city": city}).concert_id for _ in range(3)]
    shop.settle()
    assert moves.count(moves[2]) > 1
    found = made(shop.visitor().get("/concerts", params={"location": city}))["items"]
    assert {item["id"]: item["version"] for item in found} == dict.fromkeys(concerts, 3)


# --- shards ----------------------------------------------------------------------------------------------------------


class Follower:
    """A read model in memory: the versions of each stream in the order in which they were applied."""

    name = "follower"
    aggregate_types = frozenset({"Venue"})

    def __init__(self) -> None:
        self.applied: dict[UUID, list[int]] = {}

    def position(self, stream_id: UUID) -> int:
        return self.applied.get(stream_id, [-1])[-1]

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        if position != self.position(stream_id):
            raise PositionMoved("Another was first.")
        self.applied.setdefault(stream_id, []).extend(event.version for event in events)

    def fed_generations(self) -> "list[Follower]":
        return [self]


@pytest.fixture
def bus(contract_emulator: Emulator) -> Iterator[tuple[Any, str]]:
    client, name = Aws(contract_emulator.url).kinesis, f"bus-{uuid4().hex}"
    client.create_stream(StreamName=name, ShardCount=2)
    yield client, name
    client.delete_stream(StreamName=name)


def test_shards_that_split_and_merge_while_events_are_forwarded_lose_none_of_them(bus: tuple[Any, str]) -> None:
    """The emulator forgets a closed shard with all that is in it, so the pump reads it before it is closed."""
    client, name = bus
    log, parking, follower = MemoryEventStore(), MemoryParking(), Follower()
    forwarder = Forwarder(KinesisBus(client, name), parking, lambda: SOME_TIME)
    consumer = Consumer(follower, log, parking, lambda: SOME_TIME)

    def follow(event: Json, _: Any) -> Any:
        records = [one["kinesis"] for one in event["Records"]]
        return consumer.consume(BusRecord(one["sequenceNumber"], b64decode(one["data"])) for one in records)

    pump = Pump([Mapping("follow", "bus", follow)], {"bus": KinesisStream(client, name)})
    streams = [store_all(uuid4(), [VenueDeleted()] * 40) for _ in range(20)]
    for stream in streams:
        log.append(stream)
    for quarter, reshard in enumerate([split, split, merge, split]):
        events = [event for stream in streams for event in stream[quarter * 10 : quarter * 10 + 10]]
        assert forwarder.forward(inserts(events[:100])) == {"batchItemFailures": []}
        pump.drain()
        reshard(client, name)
        assert forwarder.forward(inserts(events[100:])) == {"batchItemFailures": []}
        pump.drain()
        assert {len(applied) for applied in follower.applied.values()} == {quarter * 10 + 10}
    assert len(open_shards(client, name)) == 4
    assert follower.applied == {stream[0].aggregate_id: list(range(40)) for stream in streams}
    assert parking.list_parked() == []


def inserts(events: Sequence[StoredEvent]) -> list[LogRecord]:
    return [LogRecord(str(place), "INSERT", {}, to_item(event)) for place, event in enumerate(events)]


def open_shards(client: Any, name: str) -> list[Json]:
    """By hash key, so that neighbours are adjacent."""
    shards = client.list_shards(StreamName=name)["Shards"]
    opened = [shard for shard in shards if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]
    return sorted(opened, key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))


def split(client: Any, name: str) -> None:
    shard = open_shards(client, name)[0]
    edges = shard["HashKeyRange"]
    middle = (int(edges["StartingHashKey"]) + int(edges["EndingHashKey"])) // 2
    client.split_shard(StreamName=name, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(middle))


def merge(client: Any, name: str) -> None:
    first, second, *_ = open_shards(client, name)
    client.merge_shards(StreamName=name, ShardToMerge=first["ShardId"], AdjacentShardToMerge=second["ShardId"])
