"""The log in DynamoDB."""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import LogDamaged, Unavailable
from chalicelib.eventsourcing.dynamodb_json import from_item, to_item
from chalicelib.eventsourcing.marks import Mark
from chalicelib.eventsourcing.store import ConcurrencyError, ScanPage, StoreUsage, ensure_fits
from chalicelib.eventsourcing.stored import StoredEvent

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

logger = logging.getLogger(__name__)

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
    """Append is one conditional `PutItem`, or one `TransactWriteItems` for several events, of several streams too, or
    for an event that raises an epoch. Marks lie in a table of their own: nothing in the log's is ever updated."""

    def __init__(self, client: "DynamoDBClient", table: str, marks_table: str) -> None:
        self.usage = StoreUsage()
        self._client = client
        self._table = table
        self._marks_table = marks_table

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        ensure_fits(events, raising)
        if not events:
            return
        with _weather():
            if len(events) == 1 and not raising:
                self._put(events[0])
            else:
                self._transact(events, raising)

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        return list(self._pages(_past(stream_id, after)))

    def read_slice(self, stream_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        return list(islice(self._pages({**_past(stream_id, after), "Limit": limit}), limit))

    def read_last(self, stream_id: UUID, count: int) -> list[StoredEvent]:
        values = {":id": {"S": str(stream_id)}}
        query = {"KeyConditionExpression": "AggregateId = :id", "ExpressionAttributeValues": values}
        newest_first = self._pages({**query, "ScanIndexForward": False, "Limit": count})
        return list(islice(newest_first, count))[::-1]

    def scan(self, segment: int = 0, segments: int = 1, after: str | None = None) -> Iterator[ScanPage]:
        request = {
            "TableName": self._table,
            "Segment": segment,
            "TotalSegments": segments,
            "ConsistentRead": True,
            "ReturnConsumedCapacity": "TOTAL",
        }
        while True:
            if after is not None:
                request["ExclusiveStartKey"] = json.loads(after)
            with _weather():
                page = self._counted("Scan", self._client.scan, request)
            self.usage.count_read(page["ConsumedCapacity"]["CapacityUnits"])
            after = json.dumps(page["LastEvaluatedKey"]) if "LastEvaluatedKey" in page else None
            yield ScanPage(_events_among(page["Items"]), after)
            if after is None:
                return

    def size(self) -> int:
        with _weather():
            return int(self._client.describe_table(TableName=self._table)["Table"]["ItemCount"])

    def pick(self, places: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], StoredEvent]:
        """As `chain.Log` says."""
        keys: Any = [_event_key(*place) for place in dict.fromkeys(places)]
        found: list[StoredEvent] = []
        while keys:
            request = {"RequestItems": {self._table: {"Keys": keys, "ConsistentRead": True}}}
            with _weather():
                reply = self._counted("BatchGetItem", self._client.batch_get_item, request)
            found += _events_among(reply["Responses"].get(self._table, []))
            keys = reply.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return {(event.aggregate_id, event.aggregate_version): event for event in found}

    def find_mark(self, key: UUID) -> Mark:
        request = {"TableName": self._marks_table, "Key": _mark_key(key), "ConsistentRead": True}
        with _weather():
            reply = self._counted("GetItem", self._client.get_item, {**request, "ReturnConsumedCapacity": "TOTAL"})
        self.usage.count_read(reply["ConsumedCapacity"]["CapacityUnits"])
        item = reply.get("Item")
        return Mark(int(item["Epoch"]["N"]), item.get("Verdict", {}).get("S")) if item else Mark()

    def keep_verdict(self, key: UUID, epoch: int, verdict: str) -> bool:
        request = {
            "TableName": self._marks_table,
            "Key": _mark_key(key),
            "UpdateExpression": "SET Verdict = :verdict, Epoch = :epoch",
            "ConditionExpression": "Epoch = :epoch" + (" OR attribute_not_exists(Epoch)" if epoch == 0 else ""),
            "ExpressionAttributeValues": {":verdict": {"S": verdict}, ":epoch": {"N": str(epoch)}},
        }
        try:
            with _weather():
                self._counted("UpdateItem", self._client.update_item, request)
        except ClientError as error:
            if _code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _pages(self, query: dict[str, Any]) -> Iterator[StoredEvent]:
        request = {"TableName": self._table, "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL", **query}
        while True:
            with _weather():
                page = self._counted("Query", self._client.query, request)
            self.usage.count_read(page["ConsumedCapacity"]["CapacityUnits"])
            yield from map(_readable, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

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

    def _transact(self, events: Sequence[StoredEvent], raising: Collection[UUID]) -> None:
        puts = [{"Put": self._conditional_put(event)} for event in events]
        try:
            request = {
                "TransactItems": [*puts, *({"Update": self._raise_epoch(key)} for key in raising)],
                "ClientRequestToken": str(uuid5(_TOKEN_NAMESPACE, "".join(event.chain_hash for event in events))),
                "ReturnConsumedCapacity": "TOTAL",
            }
            reply = self._counted("TransactWriteItems", self._client.transact_write_items, request)
        except ClientError as error:
            if _code(error) != "TransactionCanceledException":
                raise
            self._interpret_cancellation(events, error)
            return
        units = sum(consumed["CapacityUnits"] for consumed in reply["ConsumedCapacity"])
        self.usage.count_write(units, len(events) + len(raising))

    def _interpret_cancellation(self, events: Sequence[StoredEvent], error: ClientError) -> None:
        """Returns if the transaction had been committed by an earlier try of ours; raises what it really was."""
        reasons: Sequence[Any] = error.response.get("CancellationReasons", [])
        if len(reasons) < len(events):
            raise error
        outcomes = list(zip(reasons, events, strict=False))
        if all(_is_ours(reason.get("Item"), event) for reason, event in outcomes):
            return
        if any(reason.get("Code") in _LOST_RACE for reason in reasons):
            lost = [event.aggregate_id for reason, event in outcomes if reason.get("Code") in _LOST_RACE]
            raise ConcurrencyError(frozenset(lost)) from error
        if any(reason.get("Code") in _WEATHER for reason in reasons):
            raise Unavailable("The event log is throttled.") from error
        raise error

    def _raise_epoch(self, key: UUID) -> Any:
        return {
            "TableName": self._marks_table,
            "Key": _mark_key(key),
            "UpdateExpression": "ADD Epoch :one REMOVE Verdict",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }

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


def _readable(item: Any) -> StoredEvent:
    """Raises LogDamaged for an item that is none of ours."""
    try:
        return from_item(item)
    except (KeyError, ValueError, TypeError) as error:
        version = item.get("AggregateVersion", {}).get("N")
        raise LogDamaged("An item of the stream is no event.", version=version) from error


def _events_among(items: Sequence[Any]) -> list[StoredEvent]:
    events = []
    for item in items:
        try:
            events.append(_readable(item))
        except LogDamaged:
            logger.warning("no event: the item %s %s", item.get("AggregateId"), item.get("AggregateVersion"))
    return events


def _event_key(stream_id: UUID, version: int) -> Any:
    return {"AggregateId": {"S": str(stream_id)}, "AggregateVersion": {"N": str(version)}}


def _past(stream_id: UUID, after: int) -> dict[str, Any]:
    values = {":id": {"S": str(stream_id)}, ":after": {"N": str(after)}}
    condition = "AggregateId = :id AND AggregateVersion > :after"
    return {"KeyConditionExpression": condition, "ExpressionAttributeValues": values}


def _mark_key(key: UUID) -> Any:
    return {"MarkId": {"S": str(key)}}


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
