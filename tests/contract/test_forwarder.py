"""From the log to the bus: everything inserted arrives at least once, and what does not is reported from its start."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from chalicelib.platform.bus.forwarder import Forwarder, LogRecord
from chalicelib.platform.bus.kinesis.bus import ATTEMPTS, MAX_BYTES, MAX_RECORDS, KinesisBus
from chalicelib.platform.bus.message import from_bus, to_bus
from chalicelib.platform.bus.parking import MemoryParking, UnreadableRecord
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import to_item
from chalicelib.shop.venues.events import VenueDeleted
from local.emulator import Emulator
from local.resources import Aws, Resources
from tests.support.original import STREAM
from tests.support.stored import SOME_TIME, imported, item, store_all

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

BUS = "the-bus"
DELIVERED: dict[str, Any] = {"batchItemFailures": []}
FIVE_MIB = 5 * 1024 * 1024

Entry = dict[str, Any]


class FakeKinesis:
    """Accepts all but what it is told to refuse, as Kinesis does: record by record, or a request as a whole."""

    def __init__(self) -> None:
        self.requests: list[list[Entry]] = []
        self.accepted: list[Entry] = []
        self.refuses: Callable[[Entry, int], bool] = lambda _entry, _try: False
        self.errors: list[Exception] = []
        self.answers_at_most = 10**6
        self._tries: Counter[bytes] = Counter()

    def put_records(self, **request: Any) -> dict[str, Any]:
        assert request["StreamName"] == BUS
        self.requests.append(list(request["Records"]))
        if self.errors:
            raise self.errors.pop(0)
        results = [self._put(entry) for entry in request["Records"]]
        failed = sum("ErrorCode" in result for result in results)
        return {"FailedRecordCount": failed, "Records": results[: self.answers_at_most]}

    def _put(self, entry: Entry) -> dict[str, str]:
        self._tries[entry["Data"]] += 1
        if self.refuses(entry, self._tries[entry["Data"]]):
            return {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Slow down"}
        self.accepted.append(entry)
        return {"SequenceNumber": str(len(self.accepted)), "ShardId": "shardId-000000000000"}

    @property
    def events(self) -> list[StoredEvent]:
        """What is on the bus, in order."""
        return [from_bus(entry["Data"]) for entry in self.accepted]


@pytest.fixture
def kinesis() -> FakeKinesis:
    return FakeKinesis()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def memory_parking() -> MemoryParking:
    return MemoryParking()


@pytest.fixture
def forwarder(kinesis: FakeKinesis, memory_parking: MemoryParking, pauses: list[float]) -> Forwarder:
    client: Any = kinesis
    return Forwarder(KinesisBus(client, BUS, pauses.append), memory_parking, lambda: SOME_TIME)


@pytest.fixture
def alarms(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What was logged critical: somebody is woken up for each."""
    return lambda: [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL]


def some_events(count: int, stream_id: UUID | None = None) -> list[StoredEvent]:
    return store_all(stream_id or uuid4(), [VenueDeleted()] * count)


def inserts(events: Sequence[StoredEvent], first: int = 0) -> list[LogRecord]:
    """Their records in the log's stream; the sequence number of each is its place."""
    return [
        LogRecord(str(number), "INSERT", keys_of(event), to_item(event)) for number, event in enumerate(events, first)
    ]


def keys_of(event: StoredEvent) -> dict[str, Any]:
    return {"AggregateId": {"S": str(event.aggregate_id)}, "AggregateVersion": {"N": str(event.aggregate_version)}}


def failed_from(number: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": str(number)}]}


def refusing(*events: StoredEvent, times: int = 10**6) -> Callable[[Entry, int], bool]:
    refused = {to_bus(event) for event in events}
    return lambda entry, tries: entry["Data"] in refused and tries <= times


# --- all is well -----------------------------------------------------------------------------------------------------


def test_every_insert_is_put_in_order_under_the_id_of_its_stream(kinesis: FakeKinesis, forwarder: Forwarder) -> None:
    mine, theirs = some_events(3), some_events(2)
    mixed = [mine[0], theirs[0], mine[1], mine[2], theirs[1]]
    assert forwarder.forward(inserts(mixed)) == DELIVERED
    assert kinesis.events == mixed
    assert [entry["PartitionKey"] for entry in kinesis.accepted] == [str(event.aggregate_id) for event in mixed]
    assert len(kinesis.requests) == 1


def test_an_event_of_the_original_is_put_with_the_very_attributes_it_has(
    kinesis: FakeKinesis, forwarder: Forwarder
) -> None:
    old = imported("Venues.Events.VenueCreated", STREAM, Name="Doornroosje")
    forwarder.forward(inserts([old]))
    [entry] = kinesis.accepted
    attributes = {"AggregateId", "AggregateVersion", "Created", "EventType", "Data"}
    assert json.loads(entry["Data"]).keys() == attributes
    assert kinesis.events == [old]


def test_nothing_to_forward_asks_nothing_of_the_bus(kinesis: FakeKinesis, forwarder: Forwarder) -> None:
    assert forwarder.forward([]) == DELIVERED
    assert kinesis.requests == []


@pytest.mark.parametrize(("count", "requests"), [(499, [499]), (500, [500]), (501, [500, 1]), (1250, [500, 500, 250])])
def test_a_request_has_at_most_500_records(
    kinesis: FakeKinesis, forwarder: Forwarder, count: int, requests: list[int]
) -> None:
    events = some_events(count)
    assert forwarder.forward(inserts(events)) == DELIVERED
    assert [len(request) for request in kinesis.requests] == requests
    assert MAX_RECORDS == 500
    assert kinesis.events == events


@pytest.mark.parametrize("letter", ["x", "ö"])
def test_a_request_stays_below_what_kinesis_takes_in_bytes(
    kinesis: FakeKinesis, forwarder: Forwarder, letter: str
) -> None:
    text = letter * (390_000 // len(letter.encode()))
    events = [replace(event, data=json.dumps({"Text": text}, ensure_ascii=False)) for event in some_events(30)]
    assert forwarder.forward(inserts(events)) == DELIVERED
    assert kinesis.events == events
    sizes = [sum(map(size_of, request)) for request in kinesis.requests]
    assert max(sizes) <= MAX_BYTES < FIVE_MIB
    # None could have taken the first record of the next one.
    following = [size_of(request[0]) for request in kinesis.requests[1:]]
    assert all(size + more > MAX_BYTES for size, more in zip(sizes, following, strict=False))


def size_of(entry: Entry) -> int:
    return len(entry["Data"]) + len(entry["PartitionKey"].encode())


# --- the bus refuses -------------------------------------------------------------------------------------------------


def test_only_what_was_refused_is_put_again(kinesis: FakeKinesis, forwarder: Forwarder, pauses: list[float]) -> None:
    events = some_events(5)
    kinesis.refuses = refusing(events[1], events[3], times=1)
    assert forwarder.forward(inserts(events)) == DELIVERED
    assert [[from_bus(entry["Data"]) for entry in request] for request in kinesis.requests] == [
        events,
        [events[1], events[3]],
    ]
    assert len(pauses) == 1


def test_a_refused_record_is_tried_a_few_times_with_growing_pauses(
    kinesis: FakeKinesis, forwarder: Forwarder, pauses: list[float]
) -> None:
    events = some_events(2)
    kinesis.refuses = refusing(events[0], times=ATTEMPTS - 1)
    assert forwarder.forward(inserts(events)) == DELIVERED
    assert len(kinesis.requests) == ATTEMPTS
    assert len(pauses) == ATTEMPTS - 1
    assert pauses == sorted(set(pauses))
    assert sum(pauses) < 5


def test_the_first_record_that_never_gets_through_is_reported(
    kinesis: FakeKinesis, forwarder: Forwarder, pauses: list[float]
) -> None:
    events = some_events(6)
    kinesis.refuses = refusing(events[2], events[4])
    assert forwarder.forward(inserts(events, first=100)) == failed_from(102)
    assert len(kinesis.requests) == ATTEMPTS
    assert len(pauses) == ATTEMPTS - 1


def test_the_first_one_is_reported_also_if_a_later_one_was_refused_more_often(
    kinesis: FakeKinesis, forwarder: Forwarder
) -> None:
    events = some_events(6)
    kinesis.refuses = lambda entry, tries: (
        from_bus(entry["Data"]) == events[4] or (from_bus(entry["Data"]) == events[2] and tries < ATTEMPTS)
    )
    assert forwarder.forward(inserts(events, first=100)) == failed_from(104)


ERRORS = [
    EndpointConnectionError(endpoint_url="http://bus.example"),
    ResponseParserError("An answer that ends in the middle"),
    *(
        ClientError({"Error": {"Code": code, "Message": "a test says so"}}, "PutRecords")
        for code in ("ResourceNotFoundException", "KMSThrottlingException", "InternalFailure", "AccessDeniedException")
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_a_request_that_fails_as_a_whole_is_made_again(
    kinesis: FakeKinesis, forwarder: Forwarder, error: Exception
) -> None:
    events = some_events(3)
    kinesis.errors = [error] * (ATTEMPTS - 1)
    assert forwarder.forward(inserts(events)) == DELIVERED
    assert kinesis.events == events


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_a_request_that_keeps_failing_is_reported_from_its_first_record(
    kinesis: FakeKinesis, forwarder: Forwarder, error: Exception
) -> None:
    kinesis.errors = [error] * ATTEMPTS
    assert forwarder.forward(inserts(some_events(3), first=7)) == failed_from(7)
    assert kinesis.accepted == []


def test_a_refusal_followed_by_an_error_puts_only_what_is_missing(kinesis: FakeKinesis, forwarder: Forwarder) -> None:
    events = some_events(4)
    kinesis.refuses = refusing(events[1], events[2], times=1)
    away = EndpointConnectionError(endpoint_url="http://bus.example")

    def fail_once_after_the_first(entry: Entry, tries: int) -> bool:
        kinesis.errors = [away] if len(kinesis.requests) == 1 else []
        return refusing(events[1], events[2], times=1)(entry, tries)

    kinesis.refuses = fail_once_after_the_first
    assert forwarder.forward(inserts(events)) == DELIVERED
    assert [len(request) for request in kinesis.requests] == [4, 2, 2]
    assert kinesis.events == [events[0], events[3], events[1], events[2]]


@pytest.mark.parametrize("told", [0, 2])
def test_what_an_answer_that_is_cut_short_does_not_tell_of_is_put_again(
    kinesis: FakeKinesis, forwarder: Forwarder, told: int
) -> None:
    events = some_events(4)
    kinesis.answers_at_most = told
    assert forwarder.forward(inserts(events)) == (DELIVERED if told else failed_from(0))
    assert [len(request) for request in kinesis.requests] == ([4, 2] if told else [4] * ATTEMPTS)


@pytest.mark.parametrize("refused", [0, 1, 250, 499, 500, 999, 1000, 1099])
def test_whatever_is_not_on_the_bus_comes_again_from_the_reported_record_on(
    kinesis: FakeKinesis, forwarder: Forwarder, refused: int
) -> None:
    events = some_events(1100)
    records = inserts(events)
    kinesis.refuses = refusing(events[refused])
    assert forwarder.forward(records) == failed_from(refused)
    before = kinesis.events
    assert before[:refused] == events[:refused]

    kinesis.refuses = lambda _entry, _try: False
    assert forwarder.forward(records[refused:]) == DELIVERED
    assert kinesis.events[len(before) :] == events[refused:]


# --- what no command ever does ---------------------------------------------------------------------------------------


def test_changes_and_removals_are_never_forwarded_and_the_rest_goes_on(
    kinesis: FakeKinesis,
    forwarder: Forwarder,
    alarms: Callable[[], list[str]],
    counted: Callable[[], dict[str, float]],
) -> None:
    events = some_events(4)
    records = inserts(events)
    records[1] = replace(records[1], event_name="MODIFY")
    records[2] = replace(records[2], event_name="REMOVE", new_image=None)
    assert forwarder.forward(records) == DELIVERED
    assert kinesis.events == [events[0], events[3]]
    assert counted() == {"TamperedRecords": 2}
    assert len(alarms()) == 2
    for alarm, record in zip(alarms(), records[1:3], strict=True):
        assert record.event_name in alarm
        assert str(events[0].aggregate_id) in alarm


def test_a_batch_of_nothing_but_tampering_is_done_with(
    kinesis: FakeKinesis, forwarder: Forwarder, alarms: Callable[[], list[str]]
) -> None:
    records = [replace(record, event_name="MODIFY") for record in inserts(some_events(3))]
    assert forwarder.forward(records) == DELIVERED
    assert kinesis.requests == []
    assert len(alarms()) == 3


def test_an_alarm_says_which_event_and_nothing_of_what_is_in_it(
    forwarder: Forwarder, caplog: pytest.LogCaptureFixture
) -> None:
    event = replace(item(VenueDeleted()), data='{"Secret": "plain text"}')
    unreadable = {**to_item(event), "AggregateVersion": {"N": "plain text"}}
    forwarder.forward(
        [
            LogRecord("0", "MODIFY", keys_of(event), to_item(event)),
            LogRecord("1", "INSERT", keys_of(event), {**to_item(event), "SchemaVersion": {"S": "one"}}),
            LogRecord("2", "INSERT", keys_of(event), unreadable),
        ]
    )
    assert caplog.text.count(f"'{event.aggregate_id}'") == 3
    assert "Secret" not in caplog.text


UNREADABLE: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "an id that is no UUID": lambda image: {**image, "AggregateId": {"S": "not-a-uuid"}},
    "an id that is a number": lambda image: {**image, "AggregateId": {"N": "7"}},
    "an id of bytes": lambda image: {**image, "AggregateId": {"B": "AAAA"}},
    "no id": lambda image: without(image, "AggregateId"),
    "no version": lambda image: without(image, "AggregateVersion"),
    "a version that is no number": lambda image: {**image, "AggregateVersion": {"S": "first"}},
    "a version that is nothing": lambda image: {**image, "AggregateVersion": {"NULL": True}},
    "a version that is no whole number": lambda image: {**image, "AggregateVersion": {"N": "1.5"}},
    "no data": lambda image: without(image, "Data"),
    "no type": lambda image: without(image, "EventType"),
    "no instant": lambda image: without(image, "Created"),
    "nothing at all": lambda _: {},
}


def without(image: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in image.items() if key != name}


@pytest.mark.parametrize("spoil", UNREADABLE.values(), ids=UNREADABLE)
def test_an_item_that_is_no_event_is_kept_as_it_came_loudly_and_does_not_stop_the_shard(
    kinesis: FakeKinesis,
    forwarder: Forwarder,
    memory_parking: MemoryParking,
    alarms: Callable[[], list[str]],
    spoil: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    events = some_events(3)
    records = inserts(events)
    records[1] = replace(records[1], new_image=spoil(to_item(events[1])))
    assert forwarder.forward(records) == DELIVERED
    assert kinesis.events == [events[0], events[2]]
    assert len(alarms()) == 1
    [kept] = memory_parking.list_unreadable("forwarder")
    assert json.loads(kept.data) == {"Keys": records[1].keys, "NewImage": records[1].new_image}
    assert (kept.sequence_number, kept.parked_at) == ("1", "2030-01-01T12:00:00.000Z")
    assert not forwarder.redrive_record(kept)
    assert memory_parking.list_unreadable() == [kept]


def test_an_insert_whose_image_is_missing_is_passed_over_loudly(
    kinesis: FakeKinesis, forwarder: Forwarder, alarms: Callable[[], list[str]]
) -> None:
    events = some_events(2)
    records = inserts(events)
    records[0] = replace(records[0], new_image=None)
    assert forwarder.forward(records) == DELIVERED
    assert kinesis.events == [events[1]]
    assert len(alarms()) == 1


def unheard_of(_: object) -> StoredEvent:
    raise KeyError("Unheard of")


def test_an_item_that_can_be_read_after_a_fix_is_put_on_the_bus_and_forgotten(
    kinesis: FakeKinesis, forwarder: Forwarder, memory_parking: MemoryParking, monkeypatch: pytest.MonkeyPatch
) -> None:
    [event] = some_events(1)
    with monkeypatch.context() as broken:
        broken.setattr("chalicelib.platform.bus.forwarder.from_item", unheard_of)
        assert forwarder.forward(inserts([event])) == DELIVERED
    [kept] = memory_parking.list_unreadable("forwarder")
    kinesis.refuses = refusing(event)
    with pytest.raises(Unavailable):
        forwarder.redrive_record(kept)
    assert memory_parking.list_unreadable() == [kept]
    kinesis.refuses = lambda _entry, _try: False
    assert forwarder.redrive_record(kept)
    assert kinesis.events == [event]
    assert memory_parking.list_unreadable() == []


def test_an_item_that_cannot_be_kept_comes_again_with_all_that_came_before_it(
    kinesis: FakeKinesis, forwarder: Forwarder, memory_parking: MemoryParking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: UnreadableRecord) -> None:
        raise Unavailable("The table is away.")

    records = inserts(some_events(3), first=100)
    records[1] = replace(records[1], new_image={})
    with monkeypatch.context() as broken:
        broken.setattr(memory_parking, "store_unreadable", away)
        assert forwarder.forward(records) == failed_from(100)
        assert forwarder.forward(records[1:]) == failed_from(101)
    assert kinesis.events == []
    assert forwarder.forward(records) == DELIVERED
    assert len(kinesis.events) == 2


def test_tampering_is_not_what_is_reported_when_the_bus_refuses(kinesis: FakeKinesis, forwarder: Forwarder) -> None:
    events = some_events(4)
    records = inserts(events)
    records[0] = replace(records[0], event_name="REMOVE", new_image=None)
    records[1] = replace(records[1], new_image={})
    kinesis.refuses = refusing(events[3])
    assert forwarder.forward(records) == failed_from(3)
    assert kinesis.events == [events[2]]


# --- on a real stream ------------------------------------------------------------------------------------------------


@pytest.fixture
def emulated(contract_emulator: Emulator) -> "KinesisClient":
    return Aws(contract_emulator.url).kinesis


def test_what_was_put_can_be_read_from_the_bus_each_stream_in_its_order(
    emulated: "KinesisClient", contract_resources: Resources
) -> None:
    bus = contract_resources.names["EventBus"]
    forwarder = Forwarder(KinesisBus(emulated, bus), MemoryParking(), lambda: SOME_TIME)
    streams = {uuid4(): 300 for _ in range(3)}
    events = [event for stream_id, count in streams.items() for event in some_events(count, stream_id)]
    assert forwarder.forward(inserts(events)) == DELIVERED

    read = [event for event in everything_on(emulated, bus) if event.aggregate_id in streams]
    assert len(read) == len(events)
    for stream_id in streams:
        written = [event for event in events if event.aggregate_id == stream_id]
        assert [event for event in read if event.aggregate_id == stream_id] == written


def test_a_bus_that_is_not_there_is_reported(emulated: "KinesisClient", contract_resources: Resources) -> None:
    assert contract_resources.names
    bus = KinesisBus(emulated, "no-such-bus", lambda _: None)
    forwarder = Forwarder(bus, MemoryParking(), lambda: SOME_TIME)
    assert forwarder.forward(inserts(some_events(2), first=5)) == failed_from(5)


def everything_on(client: "KinesisClient", bus: str) -> Iterator[StoredEvent]:
    for shard in client.list_shards(StreamName=bus)["Shards"]:
        iterator = client.get_shard_iterator(
            StreamName=bus, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            page = client.get_records(ShardIterator=iterator)
            yield from (from_bus(record["Data"]) for record in page["Records"])
            if not page["Records"] or "NextShardIterator" not in page:
                break
            iterator = page["NextShardIterator"]
