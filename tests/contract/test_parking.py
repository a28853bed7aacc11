"""What every place for parked streams promises: the one in memory and the one in DynamoDB."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ClientError

from chalicelib.delivery.bus import to_bus
from chalicelib.delivery.consumer import BusRecord, Consumer
from chalicelib.delivery.dynamodb import DynamoDBParking
from chalicelib.delivery.parking import MemoryParking, ParkedStream, Parking
from chalicelib.errors import Unavailable
from chalicelib.eventsourcing.codec import RecordedEvent
from chalicelib.eventsourcing.memory import MemoryEventStore
from chalicelib.inventory.events import TicketPoolClosed
from local.emulator import Emulator
from local.resources import Aws, create_resources
from tests.support.stored import store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

RESOURCES = Path(__file__).parents[2] / "infra" / "resources.json"
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("aws"))
    running.begin()
    try:
        running.wait_ready()
        yield running
    finally:
        running.process.stop()


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    return create_resources(Aws(emulator.url), RESOURCES, {"Stage": "test"}).names["ParkedTable"]


@pytest.fixture
def client(emulator: Emulator) -> "DynamoDBClient":
    return Aws(emulator.url).dynamodb


@pytest.fixture(params=["memory", "dynamodb"])
def parking(request: pytest.FixtureRequest) -> Parking:
    if request.param == "memory":
        return MemoryParking()
    return DynamoDBParking(request.getfixturevalue("client"), request.getfixturevalue("table"))


def a_projection() -> str:
    """A name of its own for every test: they share one table."""
    return f"projection {uuid4()}"


def a_stream(projection: str, version: int = 3, last_seen: int = 5, error: str = "ValueError: ünwell") -> ParkedStream:
    return ParkedStream(projection, uuid4(), version, error, "2030-01-01T12:00:00.000Z", last_seen)


def test_what_was_parked_is_found_as_it_was(parking: Parking) -> None:
    stream = a_stream(a_projection())
    parking.park(stream)
    assert parking.find(stream.projection, stream.stream_id) == stream


def test_a_stream_is_parked_for_one_projection_only(parking: Parking) -> None:
    stream = a_stream(a_projection())
    parking.park(stream)
    assert parking.find(a_projection(), stream.stream_id) is None
    assert parking.find(stream.projection, uuid4()) is None


def test_parking_again_notes_what_waits_behind(parking: Parking) -> None:
    stream = a_stream(a_projection())
    parking.park(stream)
    parking.park(replace(stream, last_seen=9))
    assert parking.find(stream.projection, stream.stream_id) == replace(stream, last_seen=9)
    assert parking.list_parked(stream.projection) == [replace(stream, last_seen=9)]


def test_a_released_stream_is_gone_and_releasing_again_changes_nothing(parking: Parking) -> None:
    stream, other = (a_stream(projection) for projection in [a_projection()] * 2)
    parking.park(stream)
    parking.park(other)
    parking.release(stream.projection, stream.stream_id)
    parking.release(stream.projection, stream.stream_id)
    assert parking.find(stream.projection, stream.stream_id) is None
    assert parking.list_parked(stream.projection) == [other]


def test_the_list_is_that_of_one_projection_or_of_all(parking: Parking) -> None:
    mine, others = a_projection(), a_projection()
    streams = [a_stream(mine), a_stream(mine), a_stream(others)]
    for stream in streams:
        parking.park(stream)
    assert _by_id(parking.list_parked(mine)) == _by_id(streams[:2])
    assert _by_id(parking.list_parked(others)) == _by_id(streams[2:])
    assert {stream.stream_id for stream in streams} <= {stream.stream_id for stream in parking.list_parked()}
    assert parking.list_parked(a_projection()) == []


def test_the_list_is_complete_over_pages_of_a_megabyte(parking: Parking) -> None:
    projection = a_projection()
    streams = [a_stream(projection, error="x" * 300_000) for _ in range(8)]
    for stream in streams:
        parking.park(stream)
    assert _by_id(parking.list_parked(projection)) == _by_id(streams)
    assert {stream.stream_id for stream in streams} <= {stream.stream_id for stream in parking.list_parked()}


class Allergic:
    """A projection that cannot take version 1."""

    name = "allergic"
    aggregate_types = frozenset({"TicketPool"})

    def __init__(self) -> None:
        self.positions: dict[UUID, int] = {}
        self.is_well = False

    def position(self, stream_id: UUID) -> int:
        return self.positions.get(stream_id, -1)

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        assert position == self.position(stream_id)
        if any(event.version == 1 for event in events) and not self.is_well:
            raise ValueError("not this one")
        self.positions[stream_id] = events[-1].version


def test_a_stream_with_a_poisoned_event_waits_and_goes_on_once_it_is_released(parking: Parking) -> None:
    store, projection, stream_id = MemoryEventStore(), Allergic(), uuid4()
    events = store_all(stream_id, [TicketPoolClosed(at=NOW)] * 4)
    store.append(events)
    consumer = Consumer(projection, store, parking, lambda: NOW)
    consumer.consume([BusRecord(str(event.aggregate_version), to_bus(event)) for event in events[:3]])
    consumer.consume([BusRecord("3", to_bus(events[3]))])
    expected = ParkedStream("allergic", stream_id, 1, "ValueError: not this one", "2030-01-01T12:00:00.000Z", 3)
    assert parking.find("allergic", stream_id) == expected
    assert projection.position(stream_id) == 0

    projection.is_well = True
    parking.release("allergic", stream_id)
    consumer.catch_up(stream_id, [events[3]])
    assert projection.position(stream_id) == 3


def test_a_parking_that_is_away_is_weather(tmp_path: Path) -> None:
    nobody = Emulator(tmp_path)  # never started
    parking = DynamoDBParking(Aws(nobody.url).dynamodb, "parked")
    stream = a_stream(a_projection())
    for ask in (
        lambda: parking.find(stream.projection, stream.stream_id),
        lambda: parking.park(stream),
        lambda: parking.release(stream.projection, stream.stream_id),
        parking.list_parked,
        lambda: parking.list_parked(stream.projection),
    ):
        with pytest.raises(Unavailable):
            ask()


def test_what_the_table_calls_wrong_is_no_weather(client: "DynamoDBClient", table: str) -> None:
    with pytest.raises(ClientError):
        DynamoDBParking(client, table).park(a_stream(a_projection(), error="x" * 500_000))


def _by_id(streams: list[ParkedStream]) -> list[ParkedStream]:
    return sorted(streams, key=lambda stream: stream.stream_id)
