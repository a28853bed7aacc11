"""Stores processes in a DynamoDB table, with a sparse index of those that have a due time."""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.aws.conditional import write_if
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.processes.process import STUCK, Instance
from chalicelib.platform.readmodels.documents.versioned_items import VersionedItems
from chalicelib.platform.readmodels.port import Generations

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_INDEX = "ByDueTime"
_SHARDS = 8
"""The due index is spread over so many partitions, each of which takes 1,000 writes a second."""


class DynamoDBInstances:
    """Stores one item per process.

    While the process has a due time, the item has `DueAt` and `DueShard`, the keys of the index, and `Due`. The
    watchdog moves `DueAt`; `Due` stays as it was saved, so that a comparison with the log sees what the events add up
    to. Instances of another `space` share nothing with these but the table.
    """

    def __init__(self, client: "DynamoDBClient", table: str, generation: int = 1, space: str = "") -> None:
        self._client = client
        self._table = table
        self._space = space
        self._items = VersionedItems(client, table, "StreamId", generation, space)

    def find(self, stream_id: UUID) -> Instance | None:
        with failures_as_unavailable(self._table):
            reply = self._client.get_item(TableName=self._table, Key=self._items.key_of(stream_id), ConsistentRead=True)
        return self._from_item(reply["Item"]) if "Item" in reply else None

    def save(self, instance: Instance, expected_version: int) -> None:
        item = self._to_item(instance)
        found = write_if(
            self._client.put_item,
            TableName=self._table,
            Item=item,
            ConditionExpression="attribute_not_exists(StreamId) OR Version = :expected",
            ExpressionAttributeValues={":expected": {"N": str(expected_version)}},
        )
        if found not in (None, item):
            raise PositionMoved(f"Process {instance.stream_id} is not at {expected_version} any more.")

    def list_due(self, now: datetime, limit: int) -> list[Instance]:
        with failures_as_unavailable(self._table):
            return [self._from_item(item) for item in islice(self._due("DueAt <= :at", now), limit)]

    def list_stuck(self, limit: int) -> list[Instance]:
        with failures_as_unavailable(self._table):
            return [self._from_item(item) for item in islice(self._due("DueAt = :at", STUCK), limit)]

    def postpone(self, instance: Instance, until: datetime) -> bool:
        if instance.due_at is None:
            return False
        found = write_if(
            self._client.update_item,
            TableName=self._table,
            Key=self._items.key_of(instance.stream_id),
            UpdateExpression="SET DueAt = :until",
            ConditionExpression="Version = :version AND DueAt = :due",
            ExpressionAttributeValues={
                ":until": {"S": format_instant(until)},
                ":version": {"N": str(instance.version)},
                ":due": {"S": format_instant(instance.due_at)},
            },
        )
        return found is None

    def _due(self, condition: str, at: datetime) -> Iterator[Any]:
        for shard in range(_SHARDS):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName=_INDEX,
                KeyConditionExpression=f"DueShard = :shard AND {condition}",
                ExpressionAttributeValues={
                    ":shard": {"S": f"{self._items.prefix}{shard}"},
                    ":at": {"S": format_instant(at)},
                },
            )
            for page in pages:
                yield from page["Items"]

    @property
    def generation(self) -> int:
        return self._items.generation

    def at(self, generation: int) -> "DynamoDBInstances":
        return DynamoDBInstances(self._client, self._table, generation, self._space)

    def generations(self) -> Generations:
        return self._items.pointer.read()

    def change_generations(self, before: Generations, after: Generations) -> None:
        self._items.pointer.change(before, after)

    def retain(self, generations: Collection[int]) -> None:
        self._items.retain(generations)

    def versions(self, stream_ids: Collection[UUID]) -> dict[UUID, int]:
        return self._items.versions(stream_ids)

    def find_many(self, stream_ids: Collection[UUID]) -> dict[UUID, Instance]:
        found = self._items.find_many(stream_ids)
        return {
            key: self._from_item(item | {"DueAt": item["Due"]} if "Due" in item else item)
            for key, item in found.items()
        }

    def save_many(self, instances: Mapping[UUID, tuple[Instance, int]]) -> set[UUID]:
        return self._items.put_many({key: (self._to_item(one), expected) for key, (one, expected) in instances.items()})

    def _to_item(self, instance: Instance) -> dict[str, Any]:
        item = {
            **self._items.key_of(instance.stream_id),
            "AggregateType": {"S": instance.aggregate_type},
            "Version": {"N": str(instance.version)},
            "State": {"S": json.dumps(instance.state, separators=(",", ":"))},
        }
        if instance.due_at is None:
            return item
        shard = f"{self._items.prefix}{instance.stream_id.int % _SHARDS}"
        due = {"S": format_instant(instance.due_at)}
        return item | {"DueAt": due, "Due": due, "DueShard": {"S": shard}}

    def _from_item(self, item: Any) -> Instance:
        due_at = item.get("DueAt")
        return Instance(
            self._items.stream_of(item),
            item["AggregateType"]["S"],
            int(item["Version"]["N"]),
            json.loads(item["State"]["S"]),
            datetime.fromisoformat(due_at["S"]) if due_at else None,
        )
