"""The log in DynamoDB."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable
from chalicelib.eventsourcing.dynamodb_json import from_item, to_item
from chalicelib.eventsourcing.store import ConcurrencyError, StoreUsage, ensure_fits
from chalicelib.eventsourcing.stored import StoredEvent

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_TOKEN_NAMESPACE = UUID("5f0c1a52-7f60-4f5e-9a0e-6f1c0f6a9d11")
_LOST_RACE = {"ConditionalCheckFailed", "TransactionConflict"}
_WEATHER = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ThrottlingError",
    "ThrottlingException",
    "TransactionInProgressException",
}
_SERVER_ERROR = 500


class DynamoDBEventStore:
    """Append is one conditional `PutItem`, or one `TransactWriteItems` for several events, of several streams too."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self.usage = StoreUsage()
        self._client = client
        self._table = table

    def append(self, events: Sequence[StoredEvent]) -> None:
        ensure_fits(events)
        if not events:
            return
        with _weather():
            if len(events) == 1:
                self._put(events[0])
            else:
                self._transact(events)

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "AggregateId = :id AND AggregateVersion > :after",
            "ExpressionAttributeValues": {":id": {"S": str(stream_id)}, ":after": {"N": str(after)}},
            "ConsistentRead": True,
            "ReturnConsumedCapacity": "TOTAL",
        }
        events: list[StoredEvent] = []
        with _weather():
            while True:
                page = self._counted("Query", self._client.query, query)
                self.usage.count_read(page["ConsumedCapacity"]["CapacityUnits"])
                events += map(from_item, page["Items"])
                if "LastEvaluatedKey" not in page:
                    return events
                query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _put(self, event: StoredEvent) -> None:
        try:
            request = {**self._conditional_put(event), "ReturnConsumedCapacity": "TOTAL"}
            reply = self._counted("PutItem", self._client.put_item, request)
        except ClientError as error:
            if _code(error) == "ConditionalCheckFailedException":
                if _is_ours(error.response.get("Item"), event):
                    return
                raise ConcurrencyError(frozenset({event.aggregate_id})) from error
            if _code(error) in _LOST_RACE | {"TransactionConflictException"}:
                raise ConcurrencyError(frozenset({event.aggregate_id})) from error
            raise
        self.usage.count_write(reply["ConsumedCapacity"]["CapacityUnits"], 1)

    def _transact(self, events: Sequence[StoredEvent]) -> None:
        try:
            request = {
                "TransactItems": [{"Put": self._conditional_put(event)} for event in events],
                "ClientRequestToken": str(uuid5(_TOKEN_NAMESPACE, "".join(event.chain_hash for event in events))),
                "ReturnConsumedCapacity": "TOTAL",
            }
            reply = self._counted("TransactWriteItems", self._client.transact_write_items, request)
        except ClientError as error:
            if _code(error) != "TransactionCanceledException":
                raise
            self._interpret_cancellation(events, error)
            return
        self.usage.count_write(sum(c["CapacityUnits"] for c in reply["ConsumedCapacity"]), len(events))

    def _interpret_cancellation(self, events: Sequence[StoredEvent], error: ClientError) -> None:
        """Returns if the transaction had been committed by an earlier try of ours; raises what it really was."""
        reasons: Sequence[Any] = error.response.get("CancellationReasons", [])
        if len(reasons) != len(events):
            raise error
        if all(_is_ours(reason.get("Item"), event) for reason, event in zip(reasons, events, strict=True)):
            return
        lost = [e.aggregate_id for r, e in zip(reasons, events, strict=True) if r.get("Code") in _LOST_RACE]
        if lost:
            raise ConcurrencyError(frozenset(lost)) from error
        if any(reason.get("Code") in _WEATHER for reason in reasons):
            raise Unavailable("The event log is throttled.") from error
        raise error

    def _conditional_put(self, event: StoredEvent) -> Any:
        return {
            "TableName": self._table,
            "Item": to_item(event),
            "ConditionExpression": "attribute_not_exists(AggregateId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _counted(self, operation: str, call: Callable[..., Any], request: dict[str, Any]) -> Any:
        """Send the request, and count it as often as the SDK sent it."""
        reply: Any = {}
        try:
            reply = call(**request)
        except ClientError as error:
            reply = error.response
            raise
        finally:
            self.usage.count_requests(operation, 1 + _retries(reply))
        return reply


@contextmanager
def _weather() -> Iterator[None]:
    """What the SDK still could not do after its own retries is weather, unless DynamoDB calls the request wrong."""
    try:
        yield
    except ClientError as error:
        if _code(error) in _WEATHER or _status(error) >= _SERVER_ERROR:
            raise Unavailable("The event log is away or throttled.") from error
        raise
    except BotoCoreError as error:
        raise Unavailable("The event log cannot be reached.") from error


def _is_ours(item: Any, event: StoredEvent) -> bool:
    """Whether the item that stands in our place is our own, written by a try whose reply was lost: the same `EventId`
    and everything else."""
    return bool(item) and from_item(item) == event


def _retries(reply: Any) -> int:
    return int(reply.get("ResponseMetadata", {}).get("RetryAttempts", 0))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
