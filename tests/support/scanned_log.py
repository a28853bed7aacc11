"""The log's stream, made from the log itself: the emulator streams nothing that PartiQL inserts."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.resources import REGION
from local.streams import Page, Record, Shard

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class ScannedLog:
    """Every item once, those of a stream from the newest to the oldest: no order is promised between items."""

    name = "the log"

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._seen: set[tuple[str, int]] = set()
        self._is_losing = False

    @contextmanager
    def losing(self) -> Iterator[None]:
        """What is new meanwhile is never delivered."""
        self._is_losing = True
        try:
            yield
        finally:
            self._is_losing = False

    def shards(self) -> Iterator[Shard]:
        yield Shard("the only one")

    def iterator(self, shard_id: str, after: str | None) -> str:  # noqa: ARG002 - there is one place to read from
        return "what is new"

    def read(self, shard_id: str, iterator: str) -> Page:  # noqa: ARG002 - see above
        pages = self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True)
        items = {_place(item): item for page in pages for item in page["Items"]}
        new = sorted(items.keys() - self._seen, reverse=True)
        records = [_record(number, items[place]) for number, place in enumerate(new, start=len(self._seen))]
        self._seen.update(new)
        return Page([] if self._is_losing else records, "what is new")


def _place(item: Any) -> tuple[str, int]:
    return item["AggregateId"]["S"], int(item["AggregateVersion"]["N"])


def _record(number: int, item: Any) -> Record:
    change = {
        "ApproximateCreationDateTime": datetime.fromisoformat(item["Created"]["S"]).timestamp(),
        "Keys": {name: item[name] for name in ("AggregateId", "AggregateVersion")},
        "NewImage": item,
        "SequenceNumber": str(number),
        "SizeBytes": len(str(item)),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    body = {"eventID": str(number), "eventName": "INSERT", "awsRegion": REGION, "dynamodb": change}
    return Record(str(number), body | {"eventSourceARN": "arn:aws:dynamodb"})
