"""No key of the parking table is hot: in order nothing is looked up, otherwise each stream is its own partition."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.dynamodb_parking import DynamoDBParking
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import ParkedStream
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.inventory.events import TicketPoolClosed
from tests.contract.parking.line import NOW, Allergic, a_projection, a_stream
from tests.support.stored import store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

STREAMS, EVENTS_A_STREAM, A_BATCH = 1_000, 10, 100


class NothingParked:
    """A table without items, which counts how often each partition is read."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()

    def get_item(self, *, Key: Any, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.reads[Key["Projection"]["S"]] += 1
        return {}


class Followed:
    """A log of 10,000 events and its consumer."""

    def __init__(self) -> None:
        self.store, self.table, self.projection = MemoryEventStore(), NothingParked(), Allergic(a_projection())
        self.projection.cannot = set()
        self.streams = [store_all(uuid4(), [TicketPoolClosed(at=NOW)] * EVENTS_A_STREAM) for _ in range(STREAMS)]
        for stream in self.streams:
            self.store.append(stream)

    def consume(self, events: Sequence[StoredEvent]) -> None:
        client: Any = self.table
        consumer = Consumer(self.projection, self.store, DynamoDBParking(client, "parked"), lambda: NOW)
        for start in range(0, len(events), A_BATCH):
            batch = events[start : start + A_BATCH]
            assert consumer.consume(BusRecord("1", to_bus(event)) for event in batch) == succeeded()
        assert set(self.projection.positions.values()) == {EVENTS_A_STREAM - 1}


@pytest.fixture
def thousand_streams() -> Followed:
    return Followed()


def test_ten_thousand_events_in_order_look_up_nothing(thousand_streams: Followed) -> None:
    thousand_streams.consume([event for events in zip(*thousand_streams.streams, strict=True) for event in events])
    assert thousand_streams.table.reads == Counter()


def test_ten_thousand_events_in_any_order_ask_every_partition_a_few_times_at_most(thousand_streams: Followed) -> None:
    events = [event for stream in thousand_streams.streams for event in stream]
    Random(11).shuffle(events)
    thousand_streams.consume(events)
    assert 0 < len(thousand_streams.table.reads) <= STREAMS
    assert max(thousand_streams.table.reads.values()) <= EVENTS_A_STREAM


def _put_as_older_code_did(client: "DynamoDBClient", table: str, stream: ParkedStream) -> None:
    item: dict[str, Any] = {
        "Projection": {"S": stream.projection},
        "StreamId": {"S": str(stream.stream_id)},
        "Version": {"N": str(stream.version)},
        "Error": {"S": stream.error},
        "ParkedAt": {"S": stream.parked_at},
        "LastSeen": {"N": str(stream.last_seen)},
    }
    client.put_item(TableName=table, Item=item)


def test_what_older_code_parked_is_listed_and_once_it_is_moved_found_and_released(
    client: "DynamoDBClient", parked_table: str
) -> None:
    parking, old = DynamoDBParking(client, parked_table), a_stream(a_projection())
    _put_as_older_code_did(client, parked_table, old)
    assert parking.list_parked(old.projection) == [old]
    assert parking.spread() == 1
    assert parking.spread() == 0
    assert parking.find(old.projection, old.stream_id) == old
    assert parking.list_parked(old.projection) == [old]
    assert parking.release(old)
    assert parking.list_parked(old.projection) == []


def test_of_a_stream_that_was_parked_again_meanwhile_the_newer_item_stays(
    client: "DynamoDBClient", parked_table: str
) -> None:
    parking, old = DynamoDBParking(client, parked_table), a_stream(a_projection())
    newer = replace(old, last_seen=old.last_seen + 1)
    _put_as_older_code_did(client, parked_table, old)
    assert parking.park(newer)
    parking.spread()
    assert parking.list_parked(old.projection) == [newer]
