"""Stores the log in DynamoDB."""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from copy import copy
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from chalicelib.platform.aws.conditional import write_if
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.epoch_cache import CachedResult
from chalicelib.platform.eventsourcing.store import ScanPage, ensure_valid
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.appending import Appender, AppendRequests
from chalicelib.platform.eventsourcing.stores.dynamodb.items import event_key, from_item, result_key
from chalicelib.platform.eventsourcing.stores.dynamodb.puts import Puts
from chalicelib.platform.eventsourcing.stores.dynamodb.requests import Requests

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_SERVER = "The event log"

logger = logging.getLogger(__name__)


AppendingWith = Callable[["DynamoDBClient", str, str, Requests], AppendRequests]
"""Makes the builder of append requests from the client, the names of the two tables, and a sender."""


class DynamoDBEventStore:
    """Appends in one request: a write for one event, a transaction for several or for one that raises an epoch.

    Cached results and their epochs have a table of their own (setting `MARKS_TABLE`, attribute `Verdict`): nothing in
    the table of the log is ever updated.
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, results_table: str, appending_with: AppendingWith = Puts
    ) -> None:
        self._requests = Requests()
        self.usage = self._requests.usage
        self._client = client
        self._table = table
        self._results_table = results_table
        self.before_read: Callable[[], None] = _nothing
        self._appender = Appender(appending_with(client, table, results_table, self._requests), self._requests)

    def metered(self, spend: Callable[[], None]) -> Self:
        metered = copy(self)
        metered.before_read = spend
        return metered

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        ensure_valid(events, raising)
        if not events:
            return
        with failures_as_unavailable(_SERVER):
            self._appender.append(events, raising)

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        return list(self._pages(_past(stream_id, after)))

    def read_slice(self, stream_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        if limit < 1:
            return []
        return list(islice(self._pages({**_past(stream_id, after), "Limit": limit}), limit))

    def read_last(self, stream_id: UUID, count: int) -> list[StoredEvent]:
        if count < 1:
            return []
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
            with failures_as_unavailable(_SERVER):
                page = self._requests.send("Scan", self._client.scan, request)
            self.usage.count_read(page["ConsumedCapacity"]["CapacityUnits"], len(page["Items"]))
            after = json.dumps(page["LastEvaluatedKey"]) if "LastEvaluatedKey" in page else None
            yield ScanPage(_events_among(page["Items"]), after)
            if after is None:
                return

    def size(self) -> int:
        with failures_as_unavailable(_SERVER):
            return int(self._client.describe_table(TableName=self._table)["Table"]["ItemCount"])

    def pick(self, places: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], StoredEvent]:
        keys: Any = [event_key(*place) for place in dict.fromkeys(places)]
        found: list[StoredEvent] = []
        while keys:
            wanted = {self._table: {"Keys": keys, "ConsistentRead": True}}
            request = {"RequestItems": wanted, "ReturnConsumedCapacity": "TOTAL"}
            self.before_read()
            with failures_as_unavailable(_SERVER):
                reply = self._requests.send("BatchGetItem", self._client.batch_get_item, request)
            items = reply["Responses"].get(self._table, [])
            self.usage.count_read(
                sum(table["CapacityUnits"] for table in reply.get("ConsumedCapacity", [])), len(items)
            )
            found += _events_among(items)
            keys = reply.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return {(event.aggregate_id, event.aggregate_version): event for event in found}

    def find_result(self, key: UUID) -> CachedResult:
        request = {"TableName": self._results_table, "Key": result_key(key), "ConsistentRead": True}
        with failures_as_unavailable(_SERVER):
            reply = self._requests.send(
                "GetItem", self._client.get_item, {**request, "ReturnConsumedCapacity": "TOTAL"}
            )
        self.usage.count_read(reply["ConsumedCapacity"]["CapacityUnits"], int("Item" in reply))
        item = reply.get("Item")
        return CachedResult(int(item["Epoch"]["N"]), item.get("Verdict", {}).get("S")) if item else CachedResult()

    def store_result(self, key: UUID, epoch: int, value: str) -> bool:
        found = write_if(
            partial(self._send, "UpdateItem", self._client.update_item),
            TableName=self._results_table,
            Key=result_key(key),
            UpdateExpression="SET Verdict = :verdict, Epoch = :epoch",
            ConditionExpression="Epoch = :epoch" + (" OR attribute_not_exists(Epoch)" if epoch == 0 else ""),
            ExpressionAttributeValues={":verdict": {"S": value}, ":epoch": {"N": str(epoch)}},
        )
        return found is None

    def _send(self, operation: str, call: Callable[..., Any], **request: Any) -> Any:
        return self._requests.send(operation, call, request)

    def _pages(self, query: dict[str, Any]) -> Iterator[StoredEvent]:
        request = {"TableName": self._table, "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL", **query}
        while True:
            self.before_read()
            with failures_as_unavailable(_SERVER):
                page = self._requests.send("Query", self._client.query, request)
            self.usage.count_read(page["ConsumedCapacity"]["CapacityUnits"], len(page["Items"]))
            yield from map(_readable, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _nothing() -> None:
    """Do nothing before a read that is not metered."""


def _readable(item: Any) -> StoredEvent:
    """Read an item as an event.

    Raises LogDamaged if it is none.
    """
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


def _past(stream_id: UUID, after: int) -> dict[str, Any]:
    values = {":id": {"S": str(stream_id)}, ":after": {"N": str(after)}}
    condition = "AggregateId = :id AND AggregateVersion > :after"
    return {"KeyConditionExpression": condition, "ExpressionAttributeValues": values}
