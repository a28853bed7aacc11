"""What is particular to appending with PartiQL: a refusal brings no item, and `UPDATE` makes none."""

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.eventsourcing.epoch_cache import CachedResult
from chalicelib.platform.eventsourcing.store import ConcurrencyError
from chalicelib.platform.eventsourcing.stores.dynamodb.partiql import Inserts
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from chalicelib.shop.venues.events import VenueDeleted
from tests.support.faults import refuse
from tests.support.operations import OPERATIONS
from tests.support.stored import item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

SINGLE, TRANSACTION = OPERATIONS["partiql"]
DELETED = VenueDeleted()


@pytest.fixture
def partiql_store(client: "DynamoDBClient", events_table: str, marks_table: str) -> DynamoDBEventStore:
    return DynamoDBEventStore(client, events_table, marks_table, Inserts)


@pytest.fixture
def tokens(client: "DynamoDBClient") -> list[str]:
    """The tokens of the transactions that are sent."""
    sent: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        sent.append(params["ClientRequestToken"])

    client.meta.events.register(f"provide-client-params.dynamodb.{TRANSACTION}", note)
    return sent


def cancel(client: "DynamoDBClient", *codes: str, times: int = 1) -> list[str]:
    """The next transactions are cancelled for these reasons, which is how DynamoDB words them: without an item, and
    without the ending that the emulator's have."""
    reasons = [{"Code": code} for code in codes]
    return refuse(client, TRANSACTION, "TransactionCanceledException", times=times, CancellationReasons=reasons)


def requests_of(store: DynamoDBEventStore) -> dict[str, int]:
    return dict(store.usage.requests)


def test_the_first_raise_of_an_epoch_takes_a_second_transaction_and_later_ones_do_not(
    partiql_store: DynamoDBEventStore, tokens: list[str]
) -> None:
    key = uuid4()
    partiql_store.append([item(DELETED)], raising=[key])
    assert requests_of(partiql_store) == {TRANSACTION: 2}
    assert len(set(tokens)) == 2, "DynamoDB refuses a token that comes again with other statements"
    partiql_store.append([item(DELETED)], raising=[key])
    assert requests_of(partiql_store) == {TRANSACTION: 3}
    assert partiql_store.find_result(key) == CachedResult(2, None)


def test_a_mark_that_another_made_meanwhile_is_raised_too(
    partiql_store: DynamoDBEventStore, client: "DynamoDBClient"
) -> None:
    key, event = uuid4(), item(DELETED)
    partiql_store.store_result(key, 0, "sold out")
    cancel(client, "None", "ConditionalCheckFailed")
    partiql_store.append([event], raising=[key])
    assert requests_of(partiql_store)[TRANSACTION] == 3, "it seemed absent, it is there, it is raised"
    assert partiql_store.find_result(key) == CachedResult(1, None)
    assert partiql_store.read(event.aggregate_id) == [event]


@pytest.mark.parametrize("count", [2, 3])
def test_results_of_which_some_are_there_and_some_are_not_are_raised_together(
    partiql_store: DynamoDBEventStore, count: int
) -> None:
    keys = [uuid4() for _ in range(count)]
    partiql_store.store_result(keys[1], 0, "sold out")
    event = item(DELETED)
    partiql_store.append([event], raising=keys)
    assert [partiql_store.find_result(key) for key in keys] == [CachedResult(1, None)] * count
    assert partiql_store.read(event.aggregate_id) == [event]


def test_a_mark_that_seems_to_come_and_go_is_a_lost_race(
    partiql_store: DynamoDBEventStore, client: "DynamoDBClient"
) -> None:
    cancelled = cancel(client, "None", "ConditionalCheckFailed", times=99)
    with pytest.raises(ConcurrencyError):
        partiql_store.append([item(DELETED)], raising=[uuid4()])
    assert len(cancelled) == 3


def test_a_conflict_over_a_mark_is_a_lost_race(partiql_store: DynamoDBEventStore, client: "DynamoDBClient") -> None:
    cancelled = cancel(client, "None", "ConditionalCheckFailed", "TransactionConflict", times=99)
    with pytest.raises(ConcurrencyError):
        partiql_store.append([item(DELETED)], raising=[uuid4(), uuid4()])
    assert len(cancelled) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_a_lost_race_costs_one_read(partiql_store: DynamoDBEventStore, count: int) -> None:
    first = item(DELETED)
    partiql_store.append([first])
    with pytest.raises(ConcurrencyError) as conflict:
        partiql_store.append([*(item(DELETED) for _ in range(count - 1)), item(DELETED, first.aggregate_id)])
    assert conflict.value.streams == {first.aggregate_id}
    assert (partiql_store.usage.reads, partiql_store.usage.read_units) == (1, 1)


def test_of_the_reasons_that_dynamodb_gives_all_streams_that_lost_are_told(
    partiql_store: DynamoDBEventStore, client: "DynamoDBClient"
) -> None:
    events = [item(DELETED) for _ in range(4)]
    partiql_store.append([item(DELETED, events[1].aggregate_id)])
    cancel(client, "None", "DuplicateItem", "TransactionConflict", "None", "ConditionalCheckFailed")
    with pytest.raises(ConcurrencyError) as conflict:
        partiql_store.append(events, raising=[uuid4()])
    assert conflict.value.streams == streams_of(events[1:3])


def test_a_commit_of_ours_is_known_although_its_marks_refuse_as_well(
    partiql_store: DynamoDBEventStore, client: "DynamoDBClient"
) -> None:
    key, events = uuid4(), [item(DELETED), item(DELETED)]
    partiql_store.append(events, raising=[key])
    cancel(client, "DuplicateItem", "DuplicateItem", "ConditionalCheckFailed")
    partiql_store.append(events, raising=[key])
    assert partiql_store.find_result(key).epoch == 1


def streams_of(events: list[Any]) -> set[UUID]:
    return {event.aggregate_id for event in events}
