"""What an event is in DynamoDB, and what reading and writing it costs."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from chalicelib.platform.eventsourcing.stored import Head
from chalicelib.platform.eventsourcing.stores.dynamodb.items import to_item
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from chalicelib.shop.venues.events import VenueDeleted
from tests.contract.event_store.events import DELETED, sized, venue
from tests.support.stored import imported, item, store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

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
