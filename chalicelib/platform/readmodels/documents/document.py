"""Defines a document: made by a fold, with the members that every document has, and its place in its owner's list."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant

Fold = Callable[[JsonObject | None, RecordedEvent], JsonObject]
"""Returns the document with the event in it, and leaves the one it was given as it is.

It begins with `new_document`, never raises on history, and changes nothing for events that it does not know."""

_SORT_KEY = re.compile(r"[0-9TZ:.-]{20,32}#[0-9a-f-]{36}")


class Versioned(NamedTuple):
    """A document and the version of the last event in it."""

    document: JsonObject
    version: int


def new_document(event: RecordedEvent, customer_id: UUID | None = None) -> JsonObject:
    """Make a document with the members that all documents have; without a customer it is in nobody's list."""
    return {
        "type": event.event.aggregate_type,
        "id": str(event.stream_id),
        "customer_id": None if customer_id is None else str(customer_id),
        "created_at": format_instant(as_utc(event.created)),
    }


def owner_key(aggregate_type: str, customer_id: UUID | str) -> str:
    """Return the key that lists a customer's documents of one type: `order#<customer>`."""
    return f"{aggregate_type.lower()}#{customer_id}"


def sort_key_of(versioned: Versioned) -> str:
    """Return the key by which a customer's documents are sorted: the instant of creation, then the id."""
    return f"{versioned.document['created_at']}#{versioned.document['id']}"


def sort_key_in(after: Sequence[str]) -> str:
    """Return the sort key in a cursor.

    Raises InvalidInput for a cursor that no page has given.
    """
    if len(after) != 1 or not _SORT_KEY.fullmatch(after[0]):
        raise InvalidInput("The cursor did not come from this API.", (("?cursor", "did not come from this API"),))
    return after[0]
