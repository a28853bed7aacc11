"""Processes in a DynamoDB table, with a sparse index of those that have a due time."""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from chalicelib.delivery.dynamodb import error_code, weather
from chalicelib.delivery.projection import PositionMoved
from chalicelib.eventsourcing.event import format_instant
from chalicelib.processes.process import Instance

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_INDEX = "ByDueTime"
_SHARDS = 8
"""The due index is spread over so many partitions, each of which takes 1,000 writes a second."""


class DynamoDBInstances:
    """One item per process; `DueAt` and `DueShard` only while it is due some time."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def find(self, stream_id: UUID) -> Instance | None:
        with weather(self._table):
            reply = self._client.get_item(TableName=self._table, Key=_key(stream_id), ConsistentRead=True)
        return _from_item(reply["Item"]) if "Item" in reply else None

    def save(self, instance: Instance, expected_version: int) -> None:
        item = _to_item(instance)
        try:
            with weather(self._table):
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(StreamId) OR Version = :expected",
                    ExpressionAttributeValues={":expected": {"N": str(expected_version)}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            if error.response.get("Item") != item:
                raise PositionMoved(f"Process {instance.stream_id} is not at {expected_version} any more.") from error

    def list_due(self, now: datetime, limit: int) -> list[Instance]:
        with weather(self._table):
            return [_from_item(item) for item in islice(self._due(now), limit)]

    def postpone(self, instance: Instance, until: datetime) -> bool:
        if instance.due_at is None:
            return False
        try:
            with weather(self._table):
                self._client.update_item(
                    TableName=self._table,
                    Key=_key(instance.stream_id),
                    UpdateExpression="SET DueAt = :until",
                    ConditionExpression="Version = :version AND DueAt = :due",
                    ExpressionAttributeValues={
                        ":until": {"S": format_instant(until)},
                        ":version": {"N": str(instance.version)},
                        ":due": {"S": format_instant(instance.due_at)},
                    },
                )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _due(self, now: datetime) -> Iterator[Any]:
        for shard in range(_SHARDS):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName=_INDEX,
                KeyConditionExpression="DueShard = :shard AND DueAt <= :now",
                ExpressionAttributeValues={":shard": {"S": str(shard)}, ":now": {"S": format_instant(now)}},
            )
            for page in pages:
                yield from page["Items"]


def _key(stream_id: UUID) -> dict[str, Any]:
    return {"StreamId": {"S": str(stream_id)}}


def _to_item(instance: Instance) -> dict[str, Any]:
    item = {
        **_key(instance.stream_id),
        "AggregateType": {"S": instance.aggregate_type},
        "Version": {"N": str(instance.version)},
        "State": {"S": json.dumps(instance.state, separators=(",", ":"))},
    }
    if instance.due_at is None:
        return item
    shard = str(instance.stream_id.int % _SHARDS)
    return item | {"DueAt": {"S": format_instant(instance.due_at)}, "DueShard": {"S": shard}}


def _from_item(item: Any) -> Instance:
    due_at = item.get("DueAt")
    return Instance(
        UUID(item["StreamId"]["S"]),
        item["AggregateType"]["S"],
        int(item["Version"]["N"]),
        json.loads(item["State"]["S"]),
        datetime.fromisoformat(due_at["S"]) if due_at else None,
    )
