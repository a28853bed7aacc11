"""A record that nobody can read is kept to the last byte, and the batch goes on."""

from pathlib import Path

import pytest

from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.dynamodb_parking import DynamoDBParking
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking, Parking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.eventsourcing.stored import StoredEvent
from local.emulator import Emulator
from local.resources import Aws
from tests.contract.parking.line import NOW, Interrupted, Line, a_projection, a_record, a_stream


@pytest.mark.parametrize("size", [0, 10, 350_000, 350_001, 1_048_576], ids=str)
def test_an_unreadable_record_is_kept_to_the_last_byte(parking: Parking, size: int) -> None:
    record = a_record(a_projection(), data=(b"\x00\xffABC" * (size // 5 + 1))[:size])
    parking.store_unreadable(record)
    parking.store_unreadable(record)
    assert parking.list_unreadable(record.consumer) == [record]
    assert record in parking.list_unreadable()
    parking.discard_unreadable(record)
    assert parking.list_unreadable(record.consumer) == []


def test_records_are_listed_by_consumer_and_are_no_parked_streams(parking: Parking) -> None:
    name = a_projection()
    records = [a_record(name, sequence_number=str(number)) for number in range(3)]
    stream = a_stream(name)
    parking.park(stream)
    for record in [*records, a_record(a_projection())]:
        parking.store_unreadable(record)
    assert sorted(parking.list_unreadable(name), key=lambda record: record.sequence_number) == records
    assert parking.list_parked(name) == [stream]
    assert {parked.projection for parked in parking.list_parked()} >= {name}


NO_EVENTS = {
    "no JSON": b"no event",
    "nothing": b"",
    "no UTF-8": b"\xff\xfe\x00",
    "a list": b"[]",
    "a number": b"5",
    "nested without end": b"[" * 100_000,
    "an id that is a number": b'{"AggregateId": 7, "AggregateVersion": 0, "Created": "", "EventType": "", "Data": ""}',
    "an endless version": b'{"AggregateId": "a8bab764-659b-4873-a8aa-618ed8b199bf", "AggregateVersion": Infinity}',
    "a type that is a list": (
        b'{"AggregateId": "a8bab764-659b-4873-a8aa-618ed8b199bf", "AggregateVersion": 0, "Created": "",'
        b' "EventType": [], "Data": ""}'
    ),
    "an imported event that nobody knows": (
        b'{"AggregateId": "a8bab764-659b-4873-a8aa-618ed8b199bf", "AggregateVersion": 0, "Created": "",'
        b' "EventType": "Cloudbash.Domain.Lotteries.Events.TicketDrawnEvent", "Data": "{}"}'
    ),
}


@pytest.mark.parametrize("data", NO_EVENTS.values(), ids=NO_EVENTS)
def test_a_record_that_nobody_can_read_is_kept_as_it_came_and_the_batch_goes_on(parking: Parking, data: bytes) -> None:
    line = Line(parking)
    line.cure()
    records = [BusRecord(str(version), to_bus(line.events[version])) for version in range(4)]
    records.insert(2, BusRecord("spoilt", data, "shardId-7"))
    assert line.consumer().consume(records) == succeeded()
    assert line.position == 3
    [kept] = parking.list_unreadable(line.projection.name)
    assert (kept.data, kept.shard_id, kept.sequence_number) == (data, "shardId-7", "spoilt")
    assert kept.parked_at == "2030-01-01T12:00:00.000Z"
    assert kept.error
    assert not line.consumer().redrive_record(kept)
    assert parking.list_unreadable(line.projection.name) == [kept]


def test_a_record_that_can_be_read_after_a_fix_is_applied_and_forgotten(
    parking: Parking, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(parking)
    line.cure()
    with monkeypatch.context() as broken:
        broken.setattr("chalicelib.platform.bus.consumer.from_bus", unheard_of)
        line.deliver(0, 1)
    assert line.position == -1
    for record in parking.list_unreadable(line.projection.name):
        assert line.consumer().redrive_record(record)
    assert line.position == 1
    assert parking.list_unreadable(line.projection.name) == []


def test_a_record_that_cannot_be_kept_comes_again_with_all_that_came_before_it(tmp_path: Path) -> None:
    away = DynamoDBParking(Aws(Emulator(tmp_path).url).dynamodb, "parked")
    line = Line(MemoryParking())
    records = [BusRecord("1", to_bus(line.events[0])), BusRecord("2", b"no event"), BusRecord("3", b"")]
    consumer = Consumer(line.projection, line.store, Interrupted(away, "", lambda: None), lambda: NOW)
    assert consumer.consume(records) == failed_from("1")
    assert consumer.consume(records[1:]) == failed_from("2")
    assert line.position == -1


def unheard_of(_: object) -> StoredEvent:
    raise KeyError("Unheard of")
