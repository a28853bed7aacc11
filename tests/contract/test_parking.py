"""What every place for parked streams promises: the one in memory and the one in DynamoDB."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ClientError

from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.dynamodb_parking import DynamoDBParking
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking, ParkedStream, Parking, UnreadableRecord
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.inventory.events import TicketPoolClosed
from local.emulator import Emulator
from local.resources import Aws, create_resources
from tests.support.interleaving import Interleaving
from tests.support.stored import store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

pytest_plugins = ["tests.support.counting"]

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
    client: DynamoDBClient = request.getfixturevalue("client")
    return DynamoDBParking(client, request.getfixturevalue("table"))


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
    assert parking.park(stream)
    assert parking.park(replace(stream, last_seen=9), known=stream)
    assert parking.find(stream.projection, stream.stream_id) == replace(stream, last_seen=9)
    assert parking.list_parked(stream.projection) == [replace(stream, last_seen=9)]


@pytest.mark.parametrize("changed", [{"last_seen": 6}, {"version": 4}, {"parked_at": "2030-01-01T12:00:01.000Z"}])
def test_who_knows_an_older_state_of_a_parked_stream_changes_nothing(parking: Parking, changed: dict[str, Any]) -> None:
    stream = a_stream(a_projection())
    newer = replace(stream, **changed)
    parking.park(newer)
    assert not parking.park(replace(stream, last_seen=9), known=stream)
    assert not parking.park(replace(stream, last_seen=9))
    assert not parking.release(stream)
    assert parking.find(stream.projection, stream.stream_id) == newer


def test_nothing_is_noted_of_a_stream_that_was_released(parking: Parking) -> None:
    stream = a_stream(a_projection())
    parking.park(stream)
    assert parking.release(stream)
    assert not parking.park(replace(stream, last_seen=9), known=stream)
    assert parking.find(stream.projection, stream.stream_id) is None


def test_the_same_write_again_is_taken_for_the_first_one(parking: Parking) -> None:
    stream = a_stream(a_projection())
    more = replace(stream, last_seen=9)
    assert parking.park(stream)
    assert parking.park(stream)
    assert parking.park(more, known=stream)
    assert parking.park(more, known=stream)


def test_a_released_stream_is_gone_and_releasing_again_changes_nothing(parking: Parking) -> None:
    stream, other = (a_stream(projection) for projection in [a_projection()] * 2)
    parking.park(stream)
    parking.park(other)
    assert parking.release(stream)
    assert parking.release(stream)
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
    """A projection that cannot take version 1, until it is cured; `meanwhile` happens in the midst of an event."""

    aggregate_types = frozenset({"TicketPool"})

    def __init__(self, name: str, same: "Allergic | None" = None) -> None:
        """`same` is the read model that another version of the code keeps as well."""
        self.name = name
        self.positions: dict[UUID, int] = same.positions if same else {}
        self.cannot = {1}
        self.meanwhile: Callable[[], object] = lambda: None

    def position(self, stream_id: UUID) -> int:
        return self.positions.get(stream_id, -1)

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        self.meanwhile()
        if any(event.version in self.cannot for event in events):
            raise ValueError("not this one")
        if position != self.position(stream_id):
            raise PositionMoved("Another was first.")
        self.positions[stream_id] = events[-1].version

    def fed_generations(self) -> "list[Allergic]":
        return [self]


class Line:
    """A stream of the log, the allergic projection, and as many consumers as are wanted."""

    def __init__(self, parking: Parking, length: int = 4) -> None:
        self.parking = parking
        self.store = MemoryEventStore()
        self.projection = Allergic(a_projection())
        self.stream_id = uuid4()
        self.events = store_all(self.stream_id, [TicketPoolClosed(at=NOW)] * length)
        self.store.append(self.events)

    def consumer(self, projection: Allergic | None = None) -> Consumer:
        return Consumer(projection or self.projection, self.store, self.parking, lambda: NOW)

    def deliver(self, *versions: int) -> None:
        records = [BusRecord(str(version), to_bus(self.events[version])) for version in versions]
        assert self.consumer().consume(records) == succeeded()

    def cure(self) -> None:
        self.projection.cannot = set()

    @property
    def position(self) -> int:
        return self.projection.position(self.stream_id)

    @property
    def parked(self) -> ParkedStream | None:
        return self.parking.find(self.projection.name, self.stream_id)


def test_a_stream_with_a_poisoned_event_waits_and_is_whole_once_it_is_redriven(parking: Parking) -> None:
    line = Line(parking)
    line.deliver(0, 1, 2)
    line.deliver(3)
    expected = ParkedStream(
        line.projection.name, line.stream_id, 1, "ValueError: not this one", "2030-01-01T12:00:00.000Z", 3
    )
    assert line.parked == expected
    assert line.position == 0

    line.cure()
    assert line.consumer().redrive(line.stream_id) is None
    assert line.parked is None
    assert line.position == 3


def test_a_stream_that_fails_again_stays_parked_and_is_given_back(parking: Parking) -> None:
    line = Line(parking)
    line.deliver(0, 1, 2, 3)
    before = line.parked
    assert line.consumer().redrive(line.stream_id) == before
    assert line.parked == before

    line.projection.cannot = {2}
    again = line.consumer().redrive(line.stream_id)
    assert again is not None
    assert (again.version, again.last_seen, line.position) == (2, 3, 1)
    assert line.parked == again


def test_redriving_what_is_not_parked_changes_nothing(parking: Parking) -> None:
    line = Line(parking)
    assert line.consumer().redrive(line.stream_id) is None
    assert line.position == -1


def test_what_arrives_while_a_stream_is_redriven_is_not_left_behind(parking: Parking) -> None:
    """The consumer notes it after the redrive has read the log, and before it releases the stream."""
    line = Line(parking, length=6)
    late = line.events[4:]
    line.store = MemoryEventStore()
    line.store.append(line.events[:4])
    line.deliver(0, 1, 2, 3)
    line.cure()

    def more_arrives() -> None:
        line.projection.meanwhile = lambda: None
        line.store.append(late)
        line.deliver(4, 5)

    line.projection.meanwhile = more_arrives
    assert line.consumer().redrive(line.stream_id) is None
    assert line.parked is None
    assert line.position == 5


def test_a_consumer_that_notes_late_does_not_park_a_stream_that_was_released(parking: Parking) -> None:
    """Between its look at the parked stream and its note of what waits, the stream is redriven."""
    line = Line(parking)
    line.deliver(0, 1, 2)
    line.cure()
    slow = Interrupted(parking, "park", lambda: line.consumer().redrive(line.stream_id))
    record = BusRecord("3", to_bus(line.events[3]))
    assert Consumer(line.projection, line.store, slow, lambda: NOW).consume([record]) == succeeded()
    assert line.parked is None
    assert line.position == 3


def test_a_consumer_that_failed_on_the_old_code_does_not_park_what_the_new_code_has_applied(parking: Parking) -> None:
    """It began before the stream was first parked, and comes to park it after the redrive."""
    line = Line(parking)
    line.deliver(0)

    def parked_and_redriven() -> None:
        line.deliver(1, 2)
        line.cure()
        line.consumer().redrive(line.stream_id)

    slow = Interrupted(parking, "park", parked_and_redriven)
    record = BusRecord("1", to_bus(line.events[1]))
    assert Consumer(line.projection, line.store, slow, lambda: NOW).consume([record]) == succeeded()
    assert line.parked is None
    assert line.position == 3


def test_a_stream_that_was_parked_by_the_old_code_goes_on_with_its_next_event(parking: Parking) -> None:
    """The old code failed on an event that the new code applied: the projection is past what the stream waits for."""
    line = Line(parking)
    line.cure()
    line.deliver(0, 1)
    parking.park(ParkedStream(line.projection.name, line.stream_id, 1, "ValueError: old", "2030-01-01", 2))
    line.deliver(3)
    assert line.parked is None
    assert line.position == 3


@pytest.mark.parametrize("deployed", [False, True], ids=["old code", "old and new code"])
@pytest.mark.parametrize("seed", range(200))
def test_a_redrive_beside_consumers_leaves_no_stream_behind_and_none_parked_that_is_whole(
    seed: int, deployed: bool
) -> None:
    """Consumers that fail and an operator with the cure, one call at a time in any order, while events are written."""
    random = Random(seed)
    order = Interleaving(random)
    line = Line(order.behind(MemoryParking()), length=random.choice([2, 3]))
    line.store = order.behind(MemoryEventStore())
    cured = Allergic(line.projection.name, line.projection)
    cured.cannot = set()
    old, new = (Consumer(order.behind(one), line.store, line.parking, lambda: NOW) for one in (line.projection, cured))

    def follow(consumer: Consumer) -> None:
        for event in line.events:
            line.store.append([event])
            arrives = [event, random.choice(line.events[: event.aggregate_version + 1])]
            while consumer.consume([BusRecord("0", to_bus(one)) for one in arrives]) != succeeded():
                continue

    def redrive() -> None:
        for _ in range(random.randint(1, 8)):
            new.redrive(line.stream_id)

    order.run(lambda: follow(old), lambda: follow(new if deployed else old), redrive)
    assert line.parked is not None or line.position == len(line.events) - 1
    # Only where the new code consumes as well can it pass a version that the old code is just parking.
    assert deployed or line.parked is None or line.parked.version > line.position
    assert new.redrive(line.stream_id) is None
    assert (line.parked, line.position) == (None, len(line.events) - 1)


def test_what_waits_for_an_operator_can_be_counted(parking: Parking) -> None:
    before = parking.count()
    line = Line(parking)
    line.deliver(0, 1, 2, 3)
    line.consumer().consume([BusRecord("spoilt", b"no event"), BusRecord("spoilt too", b"x" * 800_000)])
    assert parking.count() == (before[0] + 1, before[1] + 2)
    assert line.consumer().redrive(line.stream_id) is not None
    assert parking.count() == (before[0] + 1, before[1] + 2)


class Interrupted:
    """A parking for which something happens before the first call of one of its methods."""

    def __init__(self, parking: Parking, method: str, happening: Callable[[], object]) -> None:
        self._parking = parking
        self._method = method
        self._happening: Callable[[], object] | None = happening

    def __getattr__(self, name: str) -> Any:
        happening = self._happening
        if name == self._method and happening is not None:
            self._happening = None
            happening()
        return getattr(self._parking, name)


# --- records that nobody can read ------------------------------------------------------------------------------------


def a_record(consumer: str, data: bytes = b"\x00\xff no event", sequence_number: str = "495") -> UnreadableRecord:
    return UnreadableRecord(consumer, "shardId-0001", sequence_number, data, "ValueError: what?", "2030-01-01")


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


# --- the table -------------------------------------------------------------------------------------------------------


def test_a_parking_that_is_away_is_a_transient_failure(tmp_path: Path) -> None:
    nobody = Emulator(tmp_path)  # never started
    parking = DynamoDBParking(Aws(nobody.url).dynamodb, "parked")
    stream = a_stream(a_projection())
    for ask in (
        lambda: parking.find(stream.projection, stream.stream_id),
        lambda: parking.park(stream),
        lambda: parking.release(stream),
        lambda: parking.store_unreadable(a_record("anybody")),
        lambda: parking.discard_unreadable(a_record("anybody")),
        parking.list_unreadable,
        parking.list_parked,
        lambda: parking.list_parked(stream.projection),
    ):
        with pytest.raises(Unavailable):
            ask()


def test_what_the_table_calls_wrong_is_no_transient_failure(client: "DynamoDBClient", table: str) -> None:
    with pytest.raises(ClientError):
        DynamoDBParking(client, table).park(a_stream(a_projection(), error="x" * 500_000))


def _by_id(streams: list[ParkedStream]) -> list[ParkedStream]:
    return sorted(streams, key=lambda stream: stream.stream_id)


def test_the_longest_way_of_a_batch_from_the_log_to_the_read_model_is_counted_once(
    parking: Parking, counted: Callable[[], dict[str, float]]
) -> None:
    line = Line(parking)
    line.cure()
    first = replace(line.events[0], created="2030-01-01T11:59:58.500Z")
    second = replace(line.events[1], created="2030-01-01T11:59:59.500Z")
    batch = [BusRecord("1", to_bus(event)) for event in (first, second)]
    line.consumer().consume(batch)
    an_hour_later = Consumer(line.projection, line.store, parking, lambda: NOW + timedelta(hours=1))
    an_hour_later.consume(batch)
    assert line.position == 1
    assert counted() == {"ProjectionLag": 1500}
