"""Logs that the shop wrote before its code was changed load, verify and rebuild as on their day, and sell on."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.eventsourcing.chain import SegmentCheck, faults_in
from chalicelib.platform.eventsourcing.codec import Origin, aggregate_type_of, decode, encode, recorded
from chalicelib.platform.eventsourcing.event import EVENT_CLASSES
from chalicelib.platform.eventsourcing.stored import GENESIS_HASH, Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import from_item, to_item
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from chalicelib.platform.readmodels.port import ReadModel
from chalicelib.platform.readmodels.rebuild import Rebuilder
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.support import recorded_log
from tests.support.contexts import all_event_classes
from tests.support.recorded_log import Item, RecordedLog, Streams, recorded_logs
from tests.support.shop import Clock, Shop
from tests.support.stored import SOME_TIME

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MODELS = ["programme", "carts", "availability", "processes"]
WRITTEN_AT_ONCE = 25


@pytest.fixture(scope="module", params=recorded_logs(), ids=lambda log: log.directory.name)
def known(request: pytest.FixtureRequest) -> RecordedLog:
    found: RecordedLog = request.param
    return found


@pytest.fixture(scope="module")
def items(known: RecordedLog) -> list[Item]:
    assert all_event_classes()
    return known.items()


@pytest.fixture(scope="module")
def streams(items: list[Item]) -> Streams:
    return recorded_log.streams_of(items)


@pytest.fixture
def log(client: "DynamoDBClient", events_table: str, marks_table: str, items: list[Item]) -> DynamoDBEventStore:
    """The recorded items in a table of their own, put there past the shop."""
    for start in range(0, len(items), WRITTEN_AT_ONCE):
        requests: Any = [{"PutRequest": {"Item": item}} for item in items[start : start + WRITTEN_AT_ONCE]]
        assert not client.batch_write_item(RequestItems={events_table: requests})["UnprocessedItems"]
    return DynamoDBEventStore(client, events_table, marks_table)


# --- the stored format -----------------------------------------------------------------------------------------------


def test_every_item_is_read_and_would_be_stored_as_it_lies_there(items: list[Item]) -> None:
    assert items
    for item in items:
        assert to_item(from_item(item)) == item


def test_every_event_is_understood(streams: Streams) -> None:
    for stream_id, events in streams.items():
        for event in events:
            cls = EVENT_CLASSES.get(event.event_type)
            assert cls is not None, event.event_type
            assert cls.aggregate_type == event.aggregate_type == aggregate_type_of(event)
            assert recorded(event).stream_id == stream_id


def test_every_chain_is_whole_and_begins_at_the_beginning(streams: Streams) -> None:
    for events in streams.values():
        assert faults_in(events) == []
        assert events[0].previous_hash == GENESIS_HASH
        assert all(event.hash for event in events)


def test_an_edited_event_breaks_its_chain(streams: Streams) -> None:
    for events in streams.values():
        edited = [*events[:-1], replace(events[-1], data=events[-1].data.replace(":", ": ", 1))]
        assert [fault.version for fault in faults_in(edited)] == [events[-1].aggregate_version]


def test_what_was_understood_would_be_written_with_the_same_facts(streams: Streams) -> None:
    """What a newer code adds to an event is no fault; what it leaves out or names otherwise is one."""
    for events in streams.values():
        head = Head()
        for event in events:
            written = written_again(event, head)
            head = Head.of(event)
            assert facts(event).items() <= facts(written).items()
            assert replace(written, data=event.data, schema_version=event.schema_version).sealed() == event


def written_again(event: StoredEvent, head: Head) -> StoredEvent:
    origin = Origin(event.actor_id, event.correlation_id, event.causation_id)
    event_id, created = UUID(event.event_id), datetime.fromisoformat(event.created)
    return encode(decode(event), event.aggregate_id, head, origin, event_id, created)


def facts(event: StoredEvent) -> dict[str, str]:
    """The members of an event's data, each as its JSON text, so that sets of them can be compared."""
    return {name: json.dumps(value) for name, value in json.loads(event.data).items()}


# --- what it comes to ------------------------------------------------------------------------------------------------


def test_every_aggregate_is_in_the_state_that_it_was_in(known: RecordedLog, streams: Streams) -> None:
    assert recorded_log.states_of(streams) == recorded_log.read_lines(known.states)


@pytest.mark.parametrize("name", MODELS)
def test_every_stream_contributes_to_a_read_model_what_it_did(
    name: str, known: RecordedLog, streams: Streams, make_model: Callable[[str], ReadModel]
) -> None:
    kept = recorded_log.kept_by(make_model(name), streams)
    assert recorded_log.contributions(name, kept) == known.contributions(name)
    assert recorded_log.digest_over(kept) == known.digest(name)


@pytest.mark.parametrize("name", MODELS)
def test_a_read_model_that_is_delivered_and_rebuilt_is_the_one_of_that_day(
    name: str, known: RecordedLog, log: DynamoDBEventStore, streams: Streams, make_model: Callable[[str], ReadModel]
) -> None:
    model, parking = make_model(name), MemoryParking()
    consumer = Consumer(model, log, parking, lambda: SOME_TIME)
    for stream_id, events in streams.items():
        if events[0].aggregate_type in model.aggregate_types:
            consumer.catch_up(stream_id, events)
    rebuilt = Rebuilder(model, log, parking, consumer).run(2, lambda _: None)
    assert parking.list_parked() == []
    for findings in (rebuilt.new, rebuilt.live):
        assert (findings.behind_count, findings.different_count) == (0, 0)
        assert findings.digest == known.digest(name)
    assert rebuilt.new.streams == len(known.contributions(name))


# --- selling on ------------------------------------------------------------------------------------------------------


@pytest.fixture
def recorded_shop(log: DynamoDBEventStore, streams: Streams) -> Shop:
    """A shop that opens a moment after the last recorded event."""
    last = max(event.created for events in streams.values() for event in events)
    return Shop(log, Clock(datetime.fromisoformat(last)))


def test_a_recorded_draft_is_renamed(
    known: RecordedLog, recorded_shop: Shop, log: DynamoDBEventStore, streams: Streams
) -> None:
    concert_id = known.place("draft")
    organiser = Actor(known.place("organiser"), frozenset({Role.ORGANISER}))
    concerts.change_concert(
        recorded_shop.repository,
        recorded_shop.request(organiser),
        concert_id,
        lambda details: replace(details, name="Múm, again"),
    )
    [event] = log.read(concert_id, streams[concert_id][-1].aggregate_version)
    assert event.event_type == "Cloudbash.Domain.Concerts.Events.ConcertDetailsChangedEvent"
    assert event.previous_hash == streams[concert_id][-1].hash
    assert is_whole(log)


def test_tickets_of_a_recorded_pool_are_held_for_a_recorded_cart_and_sold(
    known: RecordedLog, recorded_shop: Shop, log: DynamoDBEventStore, streams: Streams
) -> None:
    cart_id, ticket_type_id = known.place("cart"), known.place("ticket_type")
    pool, customer = pool_id(ticket_type_id, 0), Actor(known.place("customer"), frozenset())
    recorded_shop.add(cart_id, ticket_type_id, 2, recorded_shop.request(customer))
    for stream_id in (cart_id, pool):
        [event] = log.read(stream_id, streams[stream_id][-1].aggregate_version)
        assert event.previous_hash == streams[stream_id][-1].hash
    order = recorded_shop.check_out(cart_id, recorded_shop.request(customer))
    recorded_shop.pay(order.order_id, caller=recorded_shop.request(customer))
    newest = [event.event_type.rpartition(".")[2] for event in log.read(pool, streams[pool][-1].aggregate_version)]
    assert newest == ["TicketsHeldEvent", "HoldPlacedOnOrderEvent", "TicketsSoldEvent"]
    assert is_whole(log)


def is_whole(log: DynamoDBEventStore) -> bool:
    check = SegmentCheck(log)
    for page in log.scan():
        check.take(page.events)
    return check.events > 0 and check.faults == []
