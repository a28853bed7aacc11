"""Lost replies, throttling and conflicts of DynamoDB."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ClientError

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.stores.dynamodb.items import to_item
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from local.ports import free_port
from local.resources import Aws
from tests.contract.event_store.events import DELETED, lost
from tests.support.faults import answer_with_a_page, lose_replies, refuse
from tests.support.operations import Operations
from tests.support.stored import item, store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


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


def appends_and_reads(store: DynamoDBEventStore, stream_id: UUID) -> Sequence[Callable[[], object]]:
    return (
        lambda: store.append([item(DELETED, stream_id)]),
        lambda: store.append(store_all(stream_id, [DELETED] * 2)),
        lambda: store.read(stream_id),
    )


def reasons(*codes: str) -> list[dict[str, str]]:
    return [{"Code": code} for code in codes]
