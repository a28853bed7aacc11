"""Stores parked streams and unreadable records in one DynamoDB table."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.aws.conditional import Item, write_if
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.bus.parking import ParkedStream, UnreadableRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_UNREADABLE = "unreadable#"
_OF = "#"
_PART_BYTES = 350_000
"""An item takes 400 KB; a record of the bus may have more."""


class DynamoDBParking:
    """Stores one item per projection and stream, and under `unreadable#<consumer>` an item per 350 KB of a record.

    Every parked stream is a partition of its own, so a bug that parks all carts meets no hot key. Older code had one
    partition for each projection. The first of a record's items is written last: a record that can be listed is
    complete.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def find(self, projection: str, stream_id: UUID) -> ParkedStream | None:
        key = _key_of(projection, stream_id)
        with failures_as_unavailable(self._table):
            reply = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _to_stream(reply["Item"]) if "Item" in reply else None

    def park(self, stream: ParkedStream, known: ParkedStream | None = None) -> bool:
        """Park as the port says. An item that equals ours was written by a try whose reply was lost."""
        item = _from_stream(stream)
        found = self._unless_changed(self._client.put_item, known, Item=item)
        return found in (None, item)

    def release(self, known: ParkedStream) -> bool:
        key = _key_of(known.projection, known.stream_id)
        return not self._unless_changed(self._client.delete_item, known, Key=key)

    def list_parked(self, projection: str | None = None) -> list[ParkedStream]:
        streams = [_to_stream(item) for item in self._items(None) if not _is_of_a_record(item)]
        return [stream for stream in streams if projection in {None, stream.projection}]

    def spread(self) -> int:
        """Move the items of older code as the port says; an item that changes meanwhile waits for the next time."""
        old = [item for item in self._items(None) if not _is_of_a_record(item) and _is_of_older_code(item)]
        return sum(map(self._move, map(_to_stream, old)))

    def _move(self, stream: ParkedStream) -> bool:
        # A stream that stands in both places was parked again, from the log, by code that did not see the old item.
        self._unless_changed(self._client.put_item, None, Item=_from_stream(stream))
        old = _key(stream.projection, str(stream.stream_id))
        return not self._unless_changed(self._client.delete_item, stream, Key=old)

    def store_unreadable(self, record: UnreadableRecord) -> None:
        for item in reversed(_from_record(record)):
            with failures_as_unavailable(self._table):
                self._client.put_item(TableName=self._table, Item=item)

    def discard_unreadable(self, record: UnreadableRecord) -> None:
        for item in _from_record(record):
            with failures_as_unavailable(self._table):
                key = {name: item[name] for name in ("Projection", "StreamId")}
                self._client.delete_item(TableName=self._table, Key=key)

    def list_unreadable(self, consumer: str | None = None) -> list[UnreadableRecord]:
        partition = None if consumer is None else _UNREADABLE + consumer
        parts = {_place(item): item for item in self._items(partition) if _is_of_a_record(item)}
        return [_to_record(item, parts) for item in parts.values() if "Parts" in item]

    def count(self) -> tuple[int, int]:
        items = list(self._items(None))
        records = [item for item in items if _is_of_a_record(item)]
        return len(items) - len(records), sum("Parts" in item for item in records)

    def _unless_changed(self, write: Any, known: ParkedStream | None, **request: Any) -> Item | None:
        """Write if the stream is parked as `known` says; return what `write_if` returns."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(StreamId)"}
        if known is not None:
            condition = {
                "ConditionExpression": "Version = :version AND LastSeen = :seen AND ParkedAt = :at",
                "ExpressionAttributeValues": {
                    ":version": {"N": str(known.version)},
                    ":seen": {"N": str(known.last_seen)},
                    ":at": {"S": known.parked_at},
                },
            }
        return write_if(write, TableName=self._table, **request, **condition)

    def _items(self, partition: str | None) -> Iterator[Any]:
        request: dict[str, Any] = {"TableName": self._table, "ConsistentRead": True}
        operation: Any = "scan"
        if partition is not None:
            operation = "query"
            request |= {
                "KeyConditionExpression": "#projection = :projection",
                "ExpressionAttributeNames": {"#projection": "Projection"},  # a reserved word
                "ExpressionAttributeValues": {":projection": {"S": partition}},
            }
        with failures_as_unavailable(self._table):
            for page in self._client.get_paginator(operation).paginate(**request):
                yield from page["Items"]


def _key_of(projection: str, stream_id: UUID) -> dict[str, Any]:
    return _key(f"{projection}{_OF}{stream_id}", str(stream_id))


def _key(partition: str, place: str) -> dict[str, Any]:
    return {"Projection": {"S": partition}, "StreamId": {"S": place}}


def _from_stream(stream: ParkedStream) -> dict[str, Any]:
    return _key_of(stream.projection, stream.stream_id) | {
        "Version": {"N": str(stream.version)},
        "Error": {"S": stream.error},
        "ParkedAt": {"S": stream.parked_at},
        "LastSeen": {"N": str(stream.last_seen)},
    }


def _to_stream(item: Any) -> ParkedStream:
    return ParkedStream(
        projection=item["Projection"]["S"].partition(_OF)[0],
        stream_id=UUID(item["StreamId"]["S"]),
        version=int(item["Version"]["N"]),
        error=item["Error"]["S"],
        parked_at=item["ParkedAt"]["S"],
        last_seen=int(item["LastSeen"]["N"]),
    )


def _is_of_older_code(item: Any) -> bool:
    return _OF not in item["Projection"]["S"]


def _is_of_a_record(item: Any) -> bool:
    return str(item["Projection"]["S"]).startswith(_UNREADABLE)


def _place(item: Any) -> tuple[str, str]:
    return item["Projection"]["S"], item["StreamId"]["S"]


def _from_record(record: UnreadableRecord) -> list[dict[str, Any]]:
    partition, place = _UNREADABLE + record.consumer, f"{record.shard_id}/{record.sequence_number}"
    parts = [record.data[start : start + _PART_BYTES] for start in range(0, len(record.data), _PART_BYTES)] or [b""]
    first = {
        **_key(partition, place),
        "Parts": {"N": str(len(parts))},
        "Data": {"B": parts[0]},
        "Error": {"S": record.error},
        "ParkedAt": {"S": record.parked_at},
    }
    more = [
        _key(partition, f"{place}#{number}") | {"Data": {"B": part}} for number, part in enumerate(parts[1:], start=1)
    ]
    return [first, *more]


def _to_record(item: Any, parts: dict[tuple[str, str], Any]) -> UnreadableRecord:
    partition, place = _place(item)
    more = [parts[partition, f"{place}#{number}"] for number in range(1, int(item["Parts"]["N"]))]
    shard_id, _, sequence_number = place.rpartition("/")
    return UnreadableRecord(
        consumer=partition.removeprefix(_UNREADABLE),
        shard_id=shard_id,
        sequence_number=sequence_number,
        data=b"".join(bytes(part["Data"]["B"]) for part in [item, *more]),
        error=item["Error"]["S"],
        parked_at=item["ParkedAt"]["S"],
    )
