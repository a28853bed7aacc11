"""Reads a log, or the part of it that is about one concert."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import from_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def scan(client: "DynamoDBClient", table: str) -> Iterator[StoredEvent]:
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    for page in pages:
        yield from map(from_item, page["Items"])


def of_concert(events: Iterable[StoredEvent], concert_id: UUID | str) -> list[StoredEvent]:
    """Return the concert's stream, and the pools, carts and orders that name it. Empty carts name nothing."""
    events, name = list(events), str(concert_id)
    streams = {event.aggregate_id for event in events if name in event.data}
    return [event for event in events if event.aggregate_id in streams]
