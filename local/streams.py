"""Reads streams shard by shard into the very records that Lambda hands to a function; the log's is DynamoDB's."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_dynamodbstreams.type_defs import RecordTypeDef as DynamoDbRecord

READ_AT_ONCE = 1000


@dataclass(frozen=True)
class Shard:
    id: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    sequence_number: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Page:
    records: list[Record]
    iterator: str | None
    """Reading goes on here; None means that the shard is closed and read to its end."""


class ShardGone(Exception):
    """The stream or the shard does not exist, or no longer."""


class IteratorLost(Exception):
    """The iterator is too old, or unknown because the stream was made anew."""


class RecordTrimmed(Exception):
    """The record to continue after is older than what the stream retains."""


class Stream(Protocol):
    name: str

    def shards(self) -> Iterator[Shard]: ...

    def iterator(self, shard_id: str, after: str | None) -> str: ...

    def read(self, shard_id: str, iterator: str) -> Page: ...


class DynamoDbStream:
    name = "DynamoDB stream"

    def __init__(self, client: "DynamoDBStreamsClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def shards(self) -> Iterator[Shard]:
        start: dict[str, str] = {}
        while True:
            answer = self._client.describe_stream(StreamArn=self._arn, **start)["StreamDescription"]  # type: ignore[arg-type]  # one optional key
            for shard in answer["Shards"]:
                yield Shard(shard["ShardId"], present(shard.get("ParentShardId")))
            if "LastEvaluatedShardId" not in answer:
                return
            start = {"ExclusiveStartShardId": answer["LastEvaluatedShardId"]}

    def iterator(self, shard_id: str, after: str | None) -> str:
        kind: Literal["TRIM_HORIZON", "AFTER_SEQUENCE_NUMBER"] = "AFTER_SEQUENCE_NUMBER" if after else "TRIM_HORIZON"
        position = {"SequenceNumber": after} if after else {}
        with stream_errors():
            answer = self._client.get_shard_iterator(
                StreamArn=self._arn, ShardId=shard_id, ShardIteratorType=kind, **position
            )
        return answer["ShardIterator"]

    def read(self, shard_id: str, iterator: str) -> Page:  # noqa: ARG002 - those of other streams name their shard, these do not
        with stream_errors():
            answer = self._client.get_records(ShardIterator=iterator, Limit=READ_AT_ONCE)
        return Page([self._record(record) for record in answer["Records"]], answer.get("NextShardIterator"))

    def _record(self, record: "DynamoDbRecord") -> Record:
        change = raw_json(record["dynamodb"])
        body = {
            "eventID": record["eventID"],
            "eventName": record["eventName"],
            "eventVersion": record["eventVersion"],
            "eventSource": record["eventSource"],
            "awsRegion": record["awsRegion"],
            "dynamodb": change,
            "eventSourceARN": self._arn,
        }
        if "userIdentity" in record:
            body["userIdentity"] = raw_json(record["userIdentity"])
        return Record(change["SequenceNumber"], body)


class stream_errors:  # noqa: N801 - reads as the block it is used as
    """Raise the errors that a reader acts on; transient failures pass through."""

    MEANING: dict[str, type[Exception]] = {  # noqa: RUF012 - never changed
        "ExpiredIteratorException": IteratorLost,
        "TrimmedDataAccessException": RecordTrimmed,
        "ResourceNotFoundException": ShardGone,
    }

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ClientError) and (meaning := self.MEANING.get(error.response["Error"]["Code"])):
            raise meaning(str(error)) from error


def raw_json(value: Any) -> Any:
    """Turn boto3's values back into DynamoDB's JSON on the wire: numbers for instants, base64 for bytes."""
    if isinstance(value, dict):
        return {key: raw_json(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [raw_json(part) for part in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    return value


def present(*ids: str | None) -> tuple[str, ...]:
    return tuple(found for found in ids if found)
