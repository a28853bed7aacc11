"""Reads the change feed of the log: the table's DynamoDB stream, which forgets after 24 hours."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.platform.aws.failures import error_code, failures_as_unavailable
from chalicelib.platform.eventsourcing.changes import ChangesLost, ChangesPage, LogChange, Seen
from chalicelib.platform.eventsourcing.stores.dynamodb.items import from_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams.client import DynamoDBStreamsClient

MAX_EMPTY_PAGES = 5
"""An open shard has no end that could be met: after so many pages without a record it is taken to have no more."""

_SERVER = "The log's stream"
_READ_AT_ONCE = 1000
_END = "end"
_FORGOTTEN = "TrimmedDataAccess"


class DynamoDBChanges:
    """Reads every shard that the stream still has; `seen` has the last sequence number of each, or `end`."""

    def __init__(self, client: "DynamoDBStreamsClient", stream_arn: str) -> None:
        self._client = client
        self._stream_arn = stream_arn

    def changes(self, seen: Seen, until: datetime) -> Iterator[ChangesPage]:
        shards = list(self._shards())
        if any(place != _END for shard, place in seen.items() if shard not in shards):
            raise ChangesLost("A shard is gone that was not read to its end.")
        now = {shard: seen[shard] for shard in shards if shard in seen}
        for shard in shards:
            for changes, place in self._read(shard, now.get(shard, ""), until):
                now = {**now, shard: place}
                yield ChangesPage(changes, now)

    def _shards(self) -> Iterator[str]:
        start: dict[str, str] = {}
        while True:
            answer = self._ask(self._client.describe_stream, StreamArn=self._stream_arn, **start)["StreamDescription"]
            yield from (shard["ShardId"] for shard in answer["Shards"])
            if "LastEvaluatedShardId" not in answer:
                return
            start = {"ExclusiveStartShardId": answer["LastEvaluatedShardId"]}

    def _read(self, shard: str, place: str, until: datetime) -> Iterator[tuple[list[LogChange], str]]:
        iterator = None if place == _END else self._iterator(shard, place)
        empty = 0
        while iterator and empty < MAX_EMPTY_PAGES:
            page = self._ask(self._client.get_records, ShardIterator=iterator, Limit=_READ_AT_ONCE)
            due = list(takewhile(lambda record: _written_at(record) < until, page["Records"]))
            if due:
                yield list(_changes_in(due)), due[-1]["dynamodb"]["SequenceNumber"]
            if len(due) < len(page["Records"]):
                return
            empty = 0 if due else empty + 1
            iterator = page.get("NextShardIterator")
            if not iterator:
                yield [], _END

    def _iterator(self, shard: str, place: str) -> str:
        start = {"ShardIteratorType": "TRIM_HORIZON"}
        if place:
            start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": place}
        answer = self._ask(self._client.get_shard_iterator, StreamArn=self._stream_arn, ShardId=shard, **start)
        return str(answer["ShardIterator"])

    def _ask(self, operation: Callable[..., Any], **request: Any) -> Any:
        try:
            with failures_as_unavailable(_SERVER):
                return operation(**request)
        except ClientError as error:
            if error_code(error) == _FORGOTTEN:
                raise ChangesLost("The stream has forgotten what follows.") from error
            raise


def _written_at(record: Any) -> datetime:
    at: datetime = record["dynamodb"]["ApproximateCreationDateTime"]
    return at


def _changes_in(records: list[Any]) -> Iterator[LogChange]:
    """Yield the appended events; what is none, or no append, is the forwarder's to report."""
    for record in records:
        with suppress(KeyError, ValueError, TypeError):
            if record["eventName"] == "INSERT":
                yield LogChange(from_item(record["dynamodb"]["NewImage"]), _written_at(record))
