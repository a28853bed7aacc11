"""A table that fails leaves the rest to the next delivery; only a document it cannot hold is poison."""

import json
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, ConnectionClosedError

from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.readmodels.documents.projection import DocumentProjection, DocumentTooLarge
from chalicelib.shop.carts.events import (
    CartCreated,
    CartItemAdded,
)
from tests.contract.documents.histories import (
    SOMEBODY,
    a_line,
    consumer_of,
    count_events,
    folded,
    hooked,
    logged,
    records,
    removals,
)
from tests.support.stored import store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def test_a_crash_between_reading_and_writing_leaves_the_rest_to_the_next_delivery(
    disturbed: DocumentProjection, client: "DynamoDBClient"
) -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(2)])
    consumer = consumer_of(disturbed, logged(stream))
    consumer.consume(records(stream[:1]))
    with hooked(client, "before-send.dynamodb.PutItem", connection_lost):
        assert consumer.consume(records(stream[1:])) == failed_from("sequence 0")
    assert disturbed.position(stream[0].aggregate_id) == 0
    assert consumer.consume(records(stream[1:])) == succeeded()
    assert disturbed.find(stream[0].aggregate_id) == folded(stream)


def test_a_write_whose_reply_was_lost_is_not_done_again_by_the_next_delivery(
    client: "DynamoDBClient", read_table: str
) -> None:
    counting = DocumentProjection("counting", client, read_table, {"Cart": count_events})
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(2)])
    consumer = consumer_of(counting, logged(stream))
    with hooked(client, "after-call.dynamodb.PutItem", connection_lost):
        assert consumer.consume(records(stream)) == failed_from("sequence 0")
    assert consumer.consume(records(stream)) == succeeded()
    found = counting.find(stream[0].aggregate_id)
    assert found is not None
    assert found.document["seen"] == [0, 1, 2]


def test_a_write_that_the_sdk_repeats_meets_its_own_item_and_is_a_success(
    disturbed: DocumentProjection, client: "DynamoDBClient"
) -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(2)])
    sent: list[int] = []

    def repeat_the_first(attempts: int, **_: Any) -> int | None:
        sent.append(attempts)
        return 0 if attempts == 1 else None

    with hooked(client, "needs-retry.dynamodb.PutItem", repeat_the_first):
        disturbed.apply(stream[0].aggregate_id, -1, [recorded(event) for event in stream])
    assert sent == [1, 2]
    assert disturbed.find(stream[0].aggregate_id) == folded(stream)


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ProvisionedThroughputExceededException", "AccessDeniedException"]
)
def test_a_table_that_does_not_answer_now_is_a_transient_failure(
    disturbed: DocumentProjection, client: "DynamoDBClient", code: str
) -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY)])
    parking = MemoryParking()
    consumer = consumer_of(disturbed, logged(stream), parking)
    for operation in ("GetItem", "PutItem"):
        with hooked(client, f"before-send.dynamodb.{operation}", partial(answer_with, code)):
            assert consumer.consume(records(stream)) == failed_from("sequence 0")
    with hooked(client, "before-send.dynamodb.Query", partial(answer_with, code)), pytest.raises(Unavailable):
        disturbed.list_of("order#nobody", 10)
    assert parking.list_parked() == []
    assert consumer.consume(records(stream)) == succeeded()


def test_a_write_that_the_table_calls_wrong_is_poison(disturbed: DocumentProjection, client: "DynamoDBClient") -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY)])
    with (
        hooked(client, "before-send.dynamodb.PutItem", partial(answer_with, "ValidationException")),
        pytest.raises(ClientError),
    ):
        disturbed.apply(stream[0].aggregate_id, -1, [recorded(stream[0])])


def test_a_document_that_no_item_can_hold_parks_its_stream_at_the_event_that_made_it_too_large(
    documents: DocumentProjection,
) -> None:
    lines = [a_line(uuid4()).model_copy(update={"concert_name": "é" * 70_000}) for _ in range(3)]
    added = [CartItemAdded(item=line) for line in lines]
    poisoned = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *added])
    healthy = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY)])
    parking = MemoryParking()
    consumer = consumer_of(documents, logged(poisoned, healthy), parking)
    assert consumer.consume(records([*poisoned, *healthy])) == succeeded()
    (parked,) = parking.list_parked()
    assert (parked.stream_id, parked.version) == (poisoned[0].aggregate_id, 3)
    assert parked.error.startswith(DocumentTooLarge.__name__)
    assert documents.find(poisoned[0].aggregate_id) == folded(poisoned[:3])
    assert documents.find(healthy[0].aggregate_id) == folded(healthy)


def connection_lost(**_: Any) -> None:
    raise ConnectionClosedError(endpoint_url="http://gone")


def answer_with(code: str, request: Any, **_: Any) -> AWSResponse:
    class Raw:
        def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
            yield json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}).encode()

    return AWSResponse(request.url, 400, HTTPHeaders(), Raw())
