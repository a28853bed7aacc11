"""Converts items of the log to and from DynamoDB's typed JSON."""

from typing import Any
from uuid import UUID

from chalicelib.platform.eventsourcing.stored import StoredEvent, from_attributes, to_attributes


def to_item(event: StoredEvent) -> dict[str, Any]:
    """Return `{"AggregateId": {"S": …}, "AggregateVersion": {"N": "0"}, …}`, as the low-level API takes it."""
    return {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in to_attributes(event).items()
    }


def from_item(item: dict[str, Any]) -> StoredEvent:
    """Read an item of the low-level API or of a stream record's image.

    Raises KeyError, TypeError or ValueError if the item is no event.
    """
    return from_attributes({name: value.get("S", value.get("N")) for name, value in item.items()})


def event_key(stream_id: UUID, version: int) -> dict[str, Any]:
    return {"AggregateId": {"S": str(stream_id)}, "AggregateVersion": {"N": str(version)}}


def result_key(key: UUID) -> dict[str, Any]:
    return {"MarkId": {"S": str(key)}}
