"""What the change feed of a log promises, in memory and as a DynamoDB stream."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ClientError

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.changes import ChangeFeed, ChangesLost, Seen
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.changes import MAX_EMPTY_PAGES, DynamoDBChanges
from chalicelib.platform.eventsourcing.stores.dynamodb.items import to_item
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.inventory.events import TicketPoolClosed
from local.emulator import Emulator
from local.resources import Aws, Resources
from tests.support.stored import store_all

WRITTEN = datetime(2030, 1, 1, 12, tzinfo=UTC)
AN_ARN = "arn:aws:dynamodb:eu-west-1:000000000000:table/log/stream/now"
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def a_stream(length: int = 3) -> list[StoredEvent]:
    return store_all(uuid4(), [TicketPoolClosed(at=WRITTEN)] * length)


@pytest.fixture(params=["memory", "dynamodb"])
def log_and_feed(request: pytest.FixtureRequest) -> tuple[EventStore, ChangeFeed]:
    if request.param == "memory":
        store = MemoryEventStore(events_a_page=2)
        return store, store
    resources: Resources = request.getfixturevalue("contract_resources")
    aws: Aws = request.getfixturevalue("contract_aws")
    names = resources.names
    log = DynamoDBEventStore(request.getfixturevalue("client"), names["EventsTable"], names["MarksTable"])
    return log, DynamoDBChanges(aws.dynamodbstreams, resources.stream_arns["EventsTable"])


def read_all(feed: ChangeFeed, seen: Seen, until: datetime = LATER) -> tuple[list[StoredEvent], Seen]:
    events: list[StoredEvent] = []
    for page in feed.changes(seen, until):
        events += [change.event for change in page.changes]
        seen = page.seen
    return events, seen


def versions(events: list[StoredEvent], stream_id: UUID) -> list[int]:
    return [event.aggregate_version for event in events if event.aggregate_id == stream_id]


def test_every_appended_event_is_read_once_and_a_stream_in_order(log_and_feed: tuple[EventStore, ChangeFeed]) -> None:
    log, feed = log_and_feed
    _, seen = read_all(feed, {})
    one, other = a_stream(), a_stream()
    for events in zip(one, other, strict=True):
        for event in events:
            log.append([event])
    found, seen = read_all(feed, seen)
    assert versions(found, one[0].aggregate_id) == versions(found, other[0].aggregate_id) == [0, 1, 2]
    assert len(found) == 6
    assert read_all(feed, seen)[0] == []
    more = a_stream(1)
    log.append(more)
    assert read_all(feed, seen)[0] == more


def test_what_was_written_from_then_on_is_left_for_later(log_and_feed: tuple[EventStore, ChangeFeed]) -> None:
    log, feed = log_and_feed
    _, seen = read_all(feed, {})
    events = a_stream()
    log.append(events)
    found, unchanged = read_all(feed, seen, until=datetime(2020, 1, 1, tzinfo=UTC))
    assert (found, unchanged) == ([], seen)
    assert sorted(versions(read_all(feed, seen)[0], events[0].aggregate_id)) == [0, 1, 2]


def test_a_reader_who_stops_after_a_page_goes_on_after_it(log_and_feed: tuple[EventStore, ChangeFeed]) -> None:
    log, feed = log_and_feed
    _, seen = read_all(feed, {})
    events = a_stream(5)
    log.append(events)
    page = next(feed.changes(seen, LATER))
    rest, _ = read_all(feed, page.seen)
    assert sorted(versions([*(change.event for change in page.changes), *rest], events[0].aggregate_id)) == [*range(5)]


class Shards:
    """A stream of DynamoDB: shards with pages of records, of which an open one has no end."""

    def __init__(self, **shards: list[list[Any]]) -> None:
        self.shards = shards
        self.open: set[str] = set()
        self.requests = 0

    def describe_stream(self, **_: Any) -> Any:
        return {"StreamDescription": {"Shards": [{"ShardId": name} for name in self.shards]}}

    def get_shard_iterator(self, *, ShardId: str, SequenceNumber: str = "", **_: Any) -> Any:  # noqa: N803 - boto3's names
        numbers = [record["dynamodb"]["SequenceNumber"] for page in self.shards[ShardId] for record in page]
        return {"ShardIterator": f"{ShardId} {numbers.index(SequenceNumber) + 1 if SequenceNumber else 0}"}

    def get_records(self, *, ShardIterator: str, **_: Any) -> Any:  # noqa: N803 - boto3's names
        self.requests += 1
        name, place = ShardIterator.split()
        pages, start = self.shards[name], 0
        for number, page in enumerate(pages):
            if start >= int(place.partition(".")[0]) and number >= int(place.partition(".")[2] or 0):
                following = f"{name} {start + len(page)}.{number + 1}"
                is_last = number + 1 == len(pages) and name not in self.open
                return {"Records": page} if is_last else {"Records": page, "NextShardIterator": following}
            start += len(page)
        return {"Records": [], "NextShardIterator": ShardIterator} if name in self.open else {"Records": []}


def records(events: list[StoredEvent], name: str = "INSERT") -> list[Any]:
    return [
        {
            "eventName": name,
            "dynamodb": {
                "NewImage": to_item(event),
                "SequenceNumber": f"{event.aggregate_id} {event.aggregate_version}",
                "ApproximateCreationDateTime": WRITTEN,
            },
        }
        for event in events
    ]


def feed_of(shards: Shards) -> DynamoDBChanges:
    client: Any = shards
    return DynamoDBChanges(client, "an arn")


def test_a_closed_shard_is_read_to_its_end_and_never_again() -> None:
    stream = a_stream(2)
    shards = Shards(closed=[records(stream[:1]), *[[]] * (MAX_EMPTY_PAGES - 1), records(stream[1:])])
    found, seen = read_all(feed_of(shards), {})
    assert (found, seen) == (stream, {"closed": "end"})
    before = shards.requests
    assert read_all(feed_of(shards), seen) == ([], seen)
    assert shards.requests == before


def test_of_an_open_shard_no_more_than_some_empty_pages_are_read() -> None:
    shards = Shards(open=[])
    shards.open.add("open")
    assert read_all(feed_of(shards), {}) == ([], {})
    assert shards.requests == MAX_EMPTY_PAGES


def test_a_shard_that_is_gone_is_forgotten_if_it_was_read_and_otherwise_its_changes_are_lost() -> None:
    stream = a_stream(1)
    shards = Shards(new=[records(stream)])
    assert read_all(feed_of(shards), {"old": "end"}) == (stream, {"new": "end"})
    with pytest.raises(ChangesLost):
        read_all(feed_of(shards), {"old": "some number"})


def test_what_is_no_append_or_no_event_is_passed_over() -> None:
    stream = a_stream(1)
    nonsense: Any = {"eventName": "INSERT", "dynamodb": {**records(stream)[0]["dynamodb"], "NewImage": {}}}
    shards = Shards(one=[[*records(stream, "MODIFY"), nonsense, *records(stream)]])
    assert read_all(feed_of(shards), {})[0] == stream


def test_a_change_tells_when_it_was_written() -> None:
    [page, _] = list(feed_of(Shards(one=[records(a_stream(1))])).changes({}, LATER))
    assert [change.written_at for change in page.changes] == [WRITTEN]


def test_a_place_that_the_stream_has_forgotten_is_a_loss() -> None:
    shards: Any = Shards(one=[records(a_stream(1))])

    def forgotten(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "TrimmedDataAccessException", "Message": ""}}, "GetShardIterator")

    shards.get_shard_iterator = forgotten
    with pytest.raises(ChangesLost):
        read_all(DynamoDBChanges(shards, "an arn"), {"one": "a number"})


def test_a_stream_that_is_away_is_a_transient_failure(tmp_path_factory: pytest.TempPathFactory) -> None:
    nobody = Emulator(tmp_path_factory.mktemp("nobody"))  # never started
    with pytest.raises(Unavailable):
        read_all(DynamoDBChanges(Aws(nobody.url).dynamodbstreams, AN_ARN), {})
