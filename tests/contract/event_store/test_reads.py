"""Every event store gives back what it was given, whole, in order and by slices."""

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import TooMuchToRead
from chalicelib.platform.eventsourcing.budget import ReadBudget
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from tests.contract.event_store.events import DELETED, sized, spent, venue
from tests.support.operations import as_puts
from tests.support.shop import CountedStore
from tests.support.stored import store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def scanned(store: CountedStore, segments: int, ours: set[UUID], *, stopping: bool = False) -> list[StoredEvent]:
    """The events of our streams as a scan gives them; `stopping` begins a new scan after every page."""
    found: list[StoredEvent] = []
    for segment in range(segments):
        pages = store.scan(segment, segments)
        while True:
            page = next(pages)
            found += [event for event in page.events if event.aggregate_id in ours]
            if page.cursor is None:
                break
            if stopping:
                pages = store.scan(segment, segments, page.cursor)
    return found


@pytest.mark.parametrize("segments", [1, 3])
@pytest.mark.parametrize("stopping", [False, True], ids=["at once", "page by page"])
def test_a_scan_gives_every_event_once_however_many_read_it_and_however_often_it_is_left(
    store: CountedStore, segments: int, stopping: bool
) -> None:
    streams = {stream[0].aggregate_id: stream for stream in (store_all(uuid4(), [DELETED] * 90) for _ in range(13))}
    for stream in streams.values():
        store.append(stream)
    found = scanned(store, segments, set(streams), stopping=stopping)
    assert len(found) == 13 * 90
    assert {(event.aggregate_id, event.aggregate_version): event for event in found} == {
        (event.aggregate_id, event.aggregate_version): event for stream in streams.values() for event in stream
    }


def test_a_scan_goes_on_where_it_was_left_also_in_the_middle_of_a_stream(store: CountedStore) -> None:
    stream_id, head = uuid4(), Head()
    for _ in range(3):
        long = [venue("x" * 9_000) for _ in range(100)]
        events = store_all(stream_id, long, after=head)
        store.append(events)
        head = Head.of(events[-1])
    for _ in range(3):
        store.append(store_all(uuid4(), [DELETED] * 99))
    assert store.size() >= 597
    found = scanned(store, 1, {stream_id}, stopping=True)
    assert sorted(event.aggregate_version for event in found) == list(range(300))


def test_an_item_that_is_no_event_is_left_out_of_a_scan(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", events_table: str
) -> None:
    stream_id = uuid4()
    dynamodb_store.append(store_all(stream_id, [DELETED]))
    stray = {"AggregateId": {"S": str(stream_id)}, "AggregateVersion": {"N": "1"}, "Created": {"S": ""}}
    client.put_item(TableName=events_table, Item=stray)
    found = scanned(dynamodb_store, 1, {stream_id})
    assert [event.aggregate_version for event in found] == [0]


def test_events_are_picked_by_their_places_and_what_is_not_there_is_left_out(store: CountedStore) -> None:
    streams = [store_all(uuid4(), [DELETED] * 40) for _ in range(2)]
    for stream in streams:
        store.append(stream)
    wanted = [event for stream in streams for event in stream[::2]]
    places = [(event.aggregate_id, event.aggregate_version) for event in wanted]
    nowhere = [(streams[0][0].aggregate_id, 40), (uuid4(), 0)]
    assert store.pick([*places, *nowhere, *places[:3]]) == dict(zip(places, wanted, strict=True))
    assert store.pick([]) == {}


def test_a_hundred_large_events_are_picked_although_one_reply_cannot_hold_them(store: CountedStore) -> None:
    stream_id, head, places = uuid4(), Head(), []
    for _ in range(100):
        events = store_all(stream_id, [venue("x" * 200_000)], after=head)
        store.append(events)
        head = Head.of(events[-1])
        places.append((stream_id, head.version))
    assert len(store.pick(places)) == 100


def test_an_item_that_is_no_event_cannot_be_picked(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", events_table: str
) -> None:
    stream_id = uuid4()
    stray = {"AggregateId": {"S": str(stream_id)}, "AggregateVersion": {"N": "1"}, "Created": {"S": ""}}
    client.put_item(TableName=events_table, Item=stray)
    assert dynamodb_store.pick([(stream_id, 1)]) == {}


def test_a_stream_is_read_in_order_and_past_a_version(store: CountedStore) -> None:
    stream_id = uuid4()
    events = store_all(stream_id, [DELETED] * 12)
    store.append(events[:1])
    store.append(events[1:11])
    store.append(events[11:])
    assert store.read(stream_id) == events
    assert store.read(stream_id, after=9) == events[10:]
    assert store.read(stream_id, after=11) == []


def test_a_stream_that_never_was_is_empty(store: CountedStore) -> None:
    assert store.read(uuid4()) == []


def test_a_slice_is_the_first_events_past_a_version(store: CountedStore) -> None:
    stream_id = uuid4()
    events = store_all(stream_id, [DELETED] * 12)
    store.append(events)
    for after, limit in ((-1, 1), (-1, 12), (-1, 13), (0, 5), (9, 1), (9, 100)):
        assert store.read_slice(stream_id, after, limit) == events[after + 1 : after + 1 + limit]
    assert store.read_slice(stream_id, 11, 5) == store.read_slice(uuid4(), -1, 5) == []


@pytest.mark.parametrize("count", [0, -1])
def test_of_no_events_none_are_read(store: CountedStore, count: int) -> None:
    stream_id = uuid4()
    store.append(store_all(stream_id, [DELETED] * 3))
    before = spent(store.usage)
    assert store.read_last(stream_id, count) == []
    assert store.read_slice(stream_id, -1, count) == []
    assert spent(store.usage) == before


def test_the_newest_events_are_read_in_order(store: CountedStore) -> None:
    stream_id = uuid4()
    events = store_all(stream_id, [DELETED] * 5)
    store.append(events)
    for count in (1, 2, 5, 6):
        assert store.read_last(stream_id, count) == events[-count:]
    assert store.read_last(uuid4(), 3) == []


def test_a_slice_costs_one_request_however_long_the_stream_is(store: CountedStore) -> None:
    stream_id = uuid4()
    store.append(store_all(stream_id, [DELETED] * 50))
    before = store.usage.requests["Query"]
    store.read_slice(stream_id, 10, 20)
    assert store.usage.requests["Query"] == before + 1


def test_a_stream_of_more_than_a_megabyte_is_read_whole(store: CountedStore) -> None:
    stream_id, head = uuid4(), Head()
    events = []
    for _ in range(4):
        events.append(sized(390_000, stream_id, head))
        head = Head.of(events[-1])
        store.append(events[-1:])
    assert store.read(stream_id) == events
    assert store.read(stream_id, after=0) == events[1:]


def test_usage_counts_requests_and_items(store: CountedStore) -> None:
    stream_id = uuid4()
    events = store_all(stream_id, [DELETED] * 3)
    store.append(events[:1])
    store.append(events[1:])
    store.read(stream_id)
    store.read(stream_id, after=2)
    assert as_puts(store.usage.requests) == {"PutItem": 1, "TransactWriteItems": 1, "Query": 2}
    assert (store.usage.writes, store.usage.reads, store.usage.items_written) == (2, 2, 3)


def test_a_metered_log_asks_before_every_request_and_before_every_page(store: CountedStore) -> None:
    stream_id, head, asked = uuid4(), Head(), list[None]()
    for _ in range(4):
        large = sized(390_000, stream_id, head)
        head = Head.of(large)
        store.append([large])
    metered = store.metered(lambda: asked.append(None))
    for read, requests in (
        (lambda: metered.read(stream_id), 2),
        (lambda: metered.read_slice(stream_id, 0, 1), 1),
        (lambda: metered.read_last(stream_id, 4), 2),
        (lambda: metered.pick([(stream_id, 0), (uuid4(), 3)]), 1),
        (lambda: store.read(stream_id), 0),
    ):
        asked.clear()
        before = store.usage.reads
        read()
        assert (len(asked), store.usage.reads - before) == (requests, requests or 2)


def test_a_read_that_is_not_allowed_is_not_sent(store: CountedStore) -> None:
    budget = ReadBudget(2)
    metered = store.metered(budget.spend)
    assert metered.read(uuid4()) == metered.read_last(uuid4(), 1) == []
    before = store.usage.reads
    with pytest.raises(TooMuchToRead):
        metered.pick([(uuid4(), 0)])
    assert (store.usage.reads, budget.left) == (before, 0)
