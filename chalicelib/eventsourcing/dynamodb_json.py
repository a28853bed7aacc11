"""DynamoDB's typed JSON for the two scalar types that a log item has."""

from typing import Any

from chalicelib.eventsourcing.stored import StoredEvent, from_attributes, to_attributes


def to_item(event: StoredEvent) -> dict[str, Any]:
    """`{"AggregateId": {"S": …}, "AggregateVersion": {"N": "0"}, …}`, as the low-level API wants it."""
    return {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in to_attributes(event).items()
    }


def from_item(item: dict[str, Any]) -> StoredEvent:
    """Read an item of the low-level API or of a stream record's image."""
    return from_attributes({name: value.get("S", value.get("N")) for name, value in item.items()})
