"""One contract for every event store, and what DynamoDB adds to it."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ClientError

from chalicelib.platform.errors import LogDamaged, Unavailable
from chalicelib.platform.eventsourcing.chain import Log
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.store import (
    MAX_COMMIT_ITEMS,
    MAX_ITEM_BYTES,
    CommitTooLarge,
    ConcurrencyError,
    InvalidCommit,
    StoreUsage,
)
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent, item_bytes
from chalicelib.platform.eventsourcing.stores.dynamodb.items import to_item
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from chalicelib.platform.money import Money
from chalicelib.shop.inventory.events import TicketPoolOpened
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL
from chalicelib.shop.venues.events import VenueCreated, VenueDeleted
from local.ports import free_port
from local.resources import Aws
from tests.support.faults import answer_with_a_page, lose_replies, refuse
from tests.support.operations import Operations, as_puts
from tests.support.shop import HOLD_FOR, Clock, CountedStore
from tests.support.stored import SOME_TIME, SOMEBODY, imported, item, store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

pytest_plugins = ["tests.support.stores"]

THREADS = 32
DELETED = VenueDeleted()
FIVE = {"AggregateId": "S", "AggregateVersion": "N", "Created": "S", "Data": "S", "EventType": "S"}
SINCE_THE_FIRST_DAY = {
    "SchemaVersion": "N",
    "AggregateType": "S",
    "CausationId": "S",
    "CorrelationId": "S",
    "ActorId": "S",
    "PreviousHash": "S",
    "Hash": "S",
}
Result = TypeVar("Result")


def venue(description: str = "") -> VenueCreated:
    return VenueCreated(
        name="Ünïcödé \N{MUSICAL SYMBOL G CLEF}",
        description=description,
        capacity=1,
        address="",
        city="",
        country="",
        time_zone="UTC",
    )


def sized(size: int, stream_id: UUID | None = None, after: Head | None = None) -> StoredEvent:
    """An event whose item has exactly this many bytes by DynamoDB's rule."""
    bare = item_bytes(item(venue(), stream_id, after))
    made = item(venue("x" * (size - bare)), stream_id, after)
    assert item_bytes(made) == size
    return made


def spent(usage: StoreUsage) -> tuple[dict[str, int], float, float, int]:
    return dict(usage.requests), usage.read_units, usage.write_units, usage.items_written


def at_once(work: Callable[[int], Result]) -> list[Result]:
    """The results of 32 threads that begin at the same moment and are interrupted all the time."""
    barrier = Barrier(THREADS)

    def wait_and_work(number: int) -> Result:
        barrier.wait()
        return work(number)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(wait_and_work, range(THREADS)))
    finally:
        sys.setswitchinterval(interval)


def lost(append: Callable[[], None]) -> frozenset[UUID]:
    """The streams whose race this append lost; none if it won."""
    try:
        append()
    except ConcurrencyError as error:
        return error.streams
    return frozenset()


# --- what every store promises ---------------------------------------------------------------------------------------


def test_what_was_appended_is_read_back_to_the_last_byte(store: CountedStore) -> None:
    for event in (item(venue("Straße")), item(venue("""' "; ? :one {'AggregateId': 'x'} -- \\ \n""" + "\0"))):
        store.append([event])
        assert store.read(event.aggregate_id) == [event]


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


def test_events_are_picked_by_their_places_and_what_is_not_there_is_left_out(store: Log) -> None:
    streams = [store_all(uuid4(), [DELETED] * 40) for _ in range(2)]
    for stream in streams:
        store.append(stream)
    wanted = [event for stream in streams for event in stream[::2]]
    places = [(event.aggregate_id, event.aggregate_version) for event in wanted]
    nowhere = [(streams[0][0].aggregate_id, 40), (uuid4(), 0)]
    assert store.pick([*places, *nowhere, *places[:3]]) == dict(zip(places, wanted, strict=True))
    assert store.pick([]) == {}


def test_a_hundred_large_events_are_picked_although_one_reply_cannot_hold_them(store: Log) -> None:
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


def test_an_item_of_the_original_is_kept_as_it_is(store: CountedStore) -> None:
    event = imported("Cloudbash.Domain.Carts.Events.CartCreatedEvent", uuid4(), 3, CustomerId=str(uuid4()))
    store.append([event])
    assert store.read(event.aggregate_id) == [event]


def test_items_of_the_original_can_be_imported_several_at_a_time(store: CountedStore) -> None:
    for _ in range(2):
        stream_id = uuid4()
        events = [imported("Cloudbash.Domain.Venues.Events.VenueDeletedEvent", stream_id, v) for v in (2, 3)]
        store.append(events)
        assert store.read(stream_id) == events


def test_two_items_without_an_event_id_are_not_taken_for_the_same(store: CountedStore) -> None:
    first = replace(imported(VenueDeleted.stored_name, uuid4()), data="{}")
    store.append([first])
    with pytest.raises(ConcurrencyError):
        store.append([replace(first, data='{"Other":1}')])
    assert store.read(first.aggregate_id) == [first]


def test_a_version_that_exists_is_never_overwritten(store: CountedStore) -> None:
    """The predecessor put events without a condition."""
    first = item(DELETED)
    store.append([first])
    with pytest.raises(ConcurrencyError) as conflict:
        store.append([item(DELETED, first.aggregate_id)])
    assert conflict.value.streams == {first.aggregate_id}
    assert store.read(first.aggregate_id) == [first]


def test_several_streams_change_together_or_not_at_all(store: CountedStore) -> None:
    taken, free, other = uuid4(), uuid4(), uuid4()
    first = item(DELETED, taken)
    store.append([first])
    with pytest.raises(ConcurrencyError) as conflict:
        store.append([*store_all(free, [DELETED] * 2), item(DELETED, taken), item(DELETED, other)])
    assert conflict.value.streams == {taken}
    assert [store.read(stream_id) for stream_id in (taken, free, other)] == [[first], [], []]
    both = [*store_all(free, [DELETED] * 2), item(DELETED, other)]
    store.append(both)
    assert store.read(free) + store.read(other) == both


@pytest.mark.parametrize("count", [1, 3])
def test_appending_the_same_events_again_is_a_success_once(store: CountedStore, count: int) -> None:
    stream_id = uuid4()
    events = store_all(stream_id, [DELETED] * count)
    store.append(events)
    store.append(events)
    assert store.read(stream_id) == events
    later = item(DELETED, stream_id, Head.of(events[-1]))
    store.append([later])
    store.append(events)
    assert store.read(stream_id) == [*events, later]


def test_a_commit_of_which_only_a_part_is_there_is_refused(store: CountedStore) -> None:
    stream_id = uuid4()
    events = store_all(stream_id, [DELETED] * 2)
    store.append(events[:1])
    with pytest.raises(ConcurrencyError):
        store.append(events)
    assert store.read(stream_id) == events[:1]


@pytest.mark.parametrize("beside", [0, 1])
def test_two_events_at_one_place_are_refused_before_any_request(store: CountedStore, beside: int) -> None:
    stream_id = uuid4()
    others = [item(DELETED) for _ in range(beside)]
    before = spent(store.usage)
    for second in (item(DELETED, stream_id), item(venue(), stream_id)):
        with pytest.raises(InvalidCommit, match="the same version"):
            store.append([item(DELETED, stream_id), *others, second])
    event = item(DELETED, stream_id)
    with pytest.raises(InvalidCommit, match="the same version"):
        store.append([event, *others, event])
    assert spent(store.usage) == before
    assert store.read(stream_id) == []


def test_an_epoch_is_not_raised_by_an_append_of_nothing(store: CountedStore) -> None:
    key = uuid4()
    before = spent(store.usage)
    with pytest.raises(InvalidCommit, match="no event"):
        store.append([], raising=[key])
    assert spent(store.usage) == before
    assert store.find_result(key).epoch == 0


def test_an_epoch_that_is_named_twice_is_raised_once(store: CountedStore) -> None:
    key = uuid4()
    store.append([item(DELETED)], raising=[key, key])
    assert store.find_result(key).epoch == 1


@pytest.mark.parametrize("beside", [0, 1])
@pytest.mark.parametrize("raised", [0, 1])
def test_a_stray_item_in_our_place_is_a_lost_race(
    store: CountedStore, put_stray: Callable[[UUID, int], None], beside: int, raised: int
) -> None:
    """Whatever it is that another hand has put there, it is not written over; reading it then tells what it is."""
    stream_id, others = uuid4(), [item(DELETED) for _ in range(beside)]
    put_stray(stream_id, 0)
    with pytest.raises(ConcurrencyError) as conflict:
        store.append([*others, item(DELETED, stream_id)], raising=[uuid4()] * raised)
    assert conflict.value.streams == {stream_id}
    assert [store.read(event.aggregate_id) for event in others] == [[]] * beside
    with pytest.raises(LogDamaged):
        store.read(stream_id)


def test_a_hundred_events_are_one_commit(store: CountedStore) -> None:
    stream_id = uuid4()
    events = store_all(stream_id, [DELETED] * MAX_COMMIT_ITEMS)
    store.append(events)
    assert store.read(stream_id) == events
    assert as_puts(store.usage.requests) == {"TransactWriteItems": 1, "Query": 1}


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


def test_appending_nothing_costs_nothing(store: CountedStore) -> None:
    before = spent(store.usage)
    store.append([])
    assert spent(store.usage) == before


def test_the_largest_event_is_stored_and_one_byte_more_is_refused_before_any_request(store: CountedStore) -> None:
    largest = sized(MAX_ITEM_BYTES)
    store.append([largest])
    assert store.read(largest.aggregate_id) == [largest]
    before = spent(store.usage)
    with pytest.raises(CommitTooLarge, match="409600"):
        store.append([sized(MAX_ITEM_BYTES + 1)])
    assert spent(store.usage) == before


def test_the_size_of_an_event_is_counted_in_bytes_and_not_in_characters(store: CountedStore) -> None:
    before = spent(store.usage)
    with pytest.raises(CommitTooLarge):
        store.append([item(venue("Ü" * (MAX_ITEM_BYTES // 2)))])
    assert spent(store.usage) == before


def test_too_many_events_or_bytes_are_refused_before_any_request(store: CountedStore) -> None:
    before = spent(store.usage)
    with pytest.raises(CommitTooLarge, match="101 events"):
        store.append(store_all(uuid4(), [DELETED] * (MAX_COMMIT_ITEMS + 1)))
    with pytest.raises(CommitTooLarge, match="bytes in one commit"):
        store.append([sized(MAX_ITEM_BYTES) for _ in range(11)])
    assert spent(store.usage) == before


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


def test_of_32_writers_of_one_version_one_wins(store: CountedStore) -> None:
    for _ in range(5):
        stream_id = uuid4()
        tries = [item(DELETED, stream_id) for _ in range(THREADS)]
        losses = at_once(lambda number, tries=tries: lost(lambda: store.append([tries[number]])))  # type: ignore[misc]
        assert sorted(losses, key=len) == [frozenset(), *[frozenset({stream_id})] * (THREADS - 1)]
        assert store.read(stream_id) == [tries[losses.index(frozenset())]]


def test_of_32_transactions_over_one_version_one_wins_and_the_others_leave_nothing(store: CountedStore) -> None:
    shared = uuid4()
    tries = [[item(DELETED, shared), item(DELETED)] for _ in range(THREADS)]
    losses = at_once(lambda number: lost(lambda: store.append(tries[number])))
    assert sorted(map(len, losses)) == [0, *[1] * (THREADS - 1)]
    for (contested, own), loss in zip(tries, losses, strict=True):
        won = not loss
        assert (store.read(own.aggregate_id) == [own]) is won
        assert (store.read(shared) == [contested]) is won


def test_32_buyers_of_one_pool_lose_nothing(store: CountedStore) -> None:
    pool_id = uuid4()
    terms = TicketPoolOpened(
        concert_id=uuid4(),
        concert_name="",
        ticket_type_id=uuid4(),
        ticket_type_name="",
        pool_index=0,
        pool_count=1,
        capacity=THREADS,
        price=Money.zero("EUR"),
        max_per_order=1,
        sales_end=SOME_TIME + HOLD_FOR,
        at=SOME_TIME,
    )
    containers = [Repository(store, Clock()) for _ in range(4)]
    containers[0].execute(lambda session: session.append(TICKET_POOL, pool_id, terms), SOMEBODY)
    hold_ids = [uuid4() for _ in range(THREADS)]

    def hold(number: int) -> None:
        def command(session: Session) -> None:
            pool = session.load(TICKET_POOL, pool_id)
            expires_at = session.now + HOLD_FOR
            session.append(TICKET_POOL, pool_id, *pool.hold(hold_ids[number], pool_id, 1, session.now, expires_at))

        containers[number % len(containers)].execute(command, SOMEBODY)

    at_once(hold)
    pool, version = Repository(store, Clock()).load(TICKET_POOL, pool_id)
    assert (set(pool.holds), pool.free, version) == (set(hold_ids), 0, THREADS)
    events = store.read(pool_id)
    assert [event.previous_hash for event in events[1:]] == [event.hash for event in events[:-1]]


# --- what DynamoDB adds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2])
def test_an_item_has_the_five_attributes_of_the_original_and_those_of_the_first_day(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", events_table: str, count: int
) -> None:
    events = store_all(uuid4(), [venue()] * count)
    dynamodb_store.append(events)
    key: Any = {"AggregateId": {"S": str(events[-1].aggregate_id)}, "AggregateVersion": {"N": str(count - 1)}}
    stored = client.get_item(TableName=events_table, Key=key)["Item"]
    assert {name: next(iter(value)) for name, value in stored.items()} == FIVE | SINCE_THE_FIRST_DAY


def test_an_imported_item_has_the_five_attributes_only(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", events_table: str
) -> None:
    event = imported(VenueDeleted.stored_name, uuid4(), 3)
    dynamodb_store.append([event])
    key: Any = {"AggregateId": {"S": str(event.aggregate_id)}, "AggregateVersion": {"N": "3"}}
    stored = client.get_item(TableName=events_table, Key=key)["Item"]
    assert {name: next(iter(value)) for name, value in stored.items()} == FIVE


def test_not_even_a_raw_put_with_the_same_condition_overwrites_an_event(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", events_table: str
) -> None:
    first = item(DELETED)
    dynamodb_store.append([first])
    with pytest.raises(ClientError) as refusal:
        client.put_item(
            TableName=events_table,
            Item=to_item(item(DELETED, first.aggregate_id)),
            ConditionExpression="attribute_not_exists(AggregateId)",
        )
    assert refusal.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert dynamodb_store.read(first.aggregate_id) == [first]


@pytest.mark.parametrize("count", [1, 2])
def test_a_write_whose_reply_was_lost_is_repeated_by_the_sdk_and_is_a_success_once(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", operations: Operations, count: int
) -> None:
    operation = operations[count - 1]
    replies = lose_replies(client, operation)
    events = store_all(uuid4(), [DELETED] * count)
    dynamodb_store.append(events)
    assert replies == [operation]
    assert dynamodb_store.read(events[0].aggregate_id) == events
    assert dynamodb_store.usage.requests[operation] == 2


@pytest.mark.parametrize("count", [1, 2])
def test_when_every_reply_is_lost_the_outcome_is_open_and_another_try_finds_it(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", operations: Operations, count: int
) -> None:
    lose_replies(client, operations[count - 1], times=2)
    events = store_all(uuid4(), [DELETED] * count)
    with pytest.raises(Unavailable):
        dynamodb_store.append(events)
    dynamodb_store.append(events)
    assert dynamodb_store.read(events[0].aggregate_id) == events


def test_a_transaction_found_committed_after_its_token_was_forgotten_is_a_success(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", events_table: str
) -> None:
    """DynamoDB remembers a token for ten minutes; after that the conditions fail, on our own events."""
    events = [*store_all(uuid4(), [DELETED] * 2), item(DELETED)]
    for event in events:
        client.put_item(TableName=events_table, Item=to_item(event))
    dynamodb_store.append(events)
    assert dynamodb_store.read(events[0].aggregate_id) == events[:2]


def test_a_read_whose_reply_was_lost_is_repeated(dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient") -> None:
    event = item(DELETED)
    dynamodb_store.append([event])
    lose_replies(client, "Query")
    assert dynamodb_store.read(event.aggregate_id) == [event]
    assert dynamodb_store.usage.requests["Query"] == 2


THROTTLED = ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"]


@pytest.mark.parametrize(
    "code", [*THROTTLED, "InternalServerError", "ServiceUnavailable", "TransactionInProgressException"]
)
def test_throttling_and_failing_servers_are_transient_failures(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", operations: Operations, code: str
) -> None:
    for operation in (*operations, "Query"):
        refuse(client, operation, code, status=500 if code.startswith(("Internal", "Service")) else 400)
    stream_id = uuid4()
    for work in appends_and_reads(dynamodb_store, stream_id):
        with pytest.raises(Unavailable):
            work()


def test_a_page_of_a_proxy_is_a_transient_failure(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", operations: Operations
) -> None:
    for operation in (*operations, "Query"):
        answer_with_a_page(client, operation)
    for work in appends_and_reads(dynamodb_store, uuid4()):
        with pytest.raises(Unavailable):
            work()


def test_a_server_that_is_gone_is_a_transient_failure(events_table: str) -> None:
    store = DynamoDBEventStore(Aws(f"http://127.0.0.1:{free_port()}").dynamodb, events_table, "marks")
    for work in appends_and_reads(store, uuid4()):
        with pytest.raises(Unavailable):
            work()


def test_throttling_that_passes_while_the_sdk_repeats_is_no_error(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", operations: Operations
) -> None:
    refuse(client, operations.single, "ThrottlingException", times=1)
    event = item(DELETED)
    dynamodb_store.append([event])
    assert dynamodb_store.read(event.aggregate_id) == [event]


def test_a_request_that_dynamodb_calls_wrong_is_a_fault_of_ours_and_no_transient_failure(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", operations: Operations
) -> None:
    for operation in (*operations, "Query"):
        refuse(client, operation, "ValidationException")
    for work in appends_and_reads(dynamodb_store, uuid4()):
        with pytest.raises(ClientError):
            work()


def test_a_conflict_with_another_transaction_is_a_lost_race(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", operations: Operations
) -> None:
    refuse(client, operations.single, "TransactionConflictException")
    refuse(
        client,
        operations.transaction,
        "TransactionCanceledException",
        CancellationReasons=reasons("None", "TransactionConflict"),
    )
    first, second = item(DELETED), item(DELETED)
    assert lost(lambda: dynamodb_store.append([first])) == {first.aggregate_id}
    assert lost(lambda: dynamodb_store.append([first, second])) == {second.aggregate_id}


@pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_cancelled_by_throttling_is_a_transient_failure(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", operations: Operations, code: str
) -> None:
    refuse(client, operations.transaction, "TransactionCanceledException", CancellationReasons=reasons("None", code))
    with pytest.raises(Unavailable):
        dynamodb_store.append([item(DELETED), item(DELETED)])


def test_a_transaction_cancelled_for_a_reason_of_ours_is_no_transient_failure(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", operations: Operations
) -> None:
    refuse(
        client,
        operations.transaction,
        "TransactionCanceledException",
        CancellationReasons=reasons("None", "ValidationError"),
    )
    with pytest.raises(ClientError):
        dynamodb_store.append([item(DELETED), item(DELETED)])


def test_an_append_of_one_event_costs_a_unit_per_kilobyte_and_a_transaction_twice_that(
    client: "DynamoDBClient", events_table: str, marks_table: str
) -> None:
    store = DynamoDBEventStore(client, events_table, marks_table)
    store.append([sized(1024)])
    assert store.usage.write_units == 1
    store.append([sized(3 * 1024)])
    assert store.usage.write_units == 1 + 3
    store.append([sized(1024), sized(1024)])
    assert store.usage.write_units == 1 + 3 + 4


def test_usage_adds_up_what_dynamodb_says_that_appends_cost(dynamodb_store: DynamoDBEventStore) -> None:
    """Of PartiQL's statements the emulator says that they cost a kilobyte each, whatever is in them."""
    dynamodb_store.append([sized(1024)])
    assert dynamodb_store.usage.write_units == 1
    dynamodb_store.append([sized(1024), sized(1024)])
    assert dynamodb_store.usage.write_units == 1 + 4


def test_usage_adds_up_what_dynamodb_says_that_reads_cost(dynamodb_store: DynamoDBEventStore) -> None:
    """The emulator counts one unit a page; DynamoDB one per four kilobytes."""
    event = item(DELETED)
    dynamodb_store.append([event])
    for times in (1, 2):
        dynamodb_store.read(event.aggregate_id)
        assert dynamodb_store.usage.read_units == times


def test_of_a_slice_no_more_is_asked_for_than_is_wanted(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient"
) -> None:
    stream_id, asked = uuid4(), []
    dynamodb_store.append(store_all(stream_id, [DELETED] * 30))
    client.meta.events.register("provide-client-params.dynamodb.Query", lambda params, **_: asked.append(params))
    dynamodb_store.read_slice(stream_id, 4, 7)
    assert [(query["Limit"], query["ExpressionAttributeValues"][":after"]) for query in asked] == [(7, {"N": "4"})]


def test_more_than_a_megabyte_takes_more_than_one_page(dynamodb_store: DynamoDBEventStore) -> None:
    stream_id, head = uuid4(), Head()
    for _ in range(3):
        event = sized(390_000, stream_id, head)
        head = Head.of(event)
        dynamodb_store.append([event])
    assert len(dynamodb_store.read(stream_id)) == 3
    assert dynamodb_store.usage.requests["Query"] == 2


def test_a_store_counts_its_own_requests_and_not_those_of_others_with_the_same_client(
    dynamodb_store: DynamoDBEventStore, client: "DynamoDBClient", events_table: str, marks_table: str
) -> None:
    other = DynamoDBEventStore(client, events_table, marks_table)
    other.append([item(DELETED)])
    assert (dynamodb_store.usage.writes, other.usage.writes) == (0, 1)


def appends_and_reads(store: DynamoDBEventStore, stream_id: UUID) -> Sequence[Callable[[], object]]:
    return (
        lambda: store.append([item(DELETED, stream_id)]),
        lambda: store.append(store_all(stream_id, [DELETED] * 2)),
        lambda: store.read(stream_id),
    )


def reasons(*codes: str) -> list[dict[str, str]]:
    return [{"Code": code} for code in codes]
