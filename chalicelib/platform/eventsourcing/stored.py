"""Defines the stored format: one event as the log, the bus and the archive hold it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from uuid import UUID

GENESIS_HASH = "0" * 64
"""`PreviousHash` of the first event of a stream."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One item of the log; every string is exactly what is stored, because `hash` covers the strings.

    Items that the original wrote have the first five attributes only: then `schema_version` is 0 and the rest is empty.
    """

    aggregate_id: UUID
    aggregate_version: int
    created: str
    event_type: str
    data: str
    schema_version: int = 0
    aggregate_type: str = ""
    causation_id: str = ""
    correlation_id: str = ""
    actor_id: str = ""
    previous_hash: str = ""
    hash: str = ""

    def expected_hash(self) -> str:
        """Compute SHA-256 over every attribute but `hash`, each preceded by its length in bytes, in order."""
        # Without the lengths, text could be moved from the end of one attribute to the beginning of the next unnoticed.
        encoded = [str(value).encode() for value in _values(self)[:-1]]
        return hashlib.sha256(b"".join([b"%d:%b" % (len(value), value) for value in encoded])).hexdigest()

    def sealed(self) -> "StoredEvent":
        """Return the event with its hash."""
        return StoredEvent(*(*_values(self)[:-1], self.expected_hash()))

    @property
    def chain_hash(self) -> str:
        """Return the hash that the next event names as its `PreviousHash`, also for an imported event without one."""
        return self.hash or self.expected_hash()

    @property
    def event_id(self) -> str | None:
        """Return the `EventId` inside `data`, or None where the data has none or is not JSON."""
        return self._member("EventId")

    @property
    def request_hash(self) -> str | None:
        """Return the `RequestHash` inside `data`: that of the request by which this event happened, if it says so."""
        return self._member("RequestHash")

    def _member(self, name: str) -> str | None:
        try:
            data = json.loads(self.data)
        except ValueError:
            return None
        return data.get(name) if isinstance(data, dict) else None


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a stream, which the next event has to follow. Version -1 means that the stream is empty."""

    version: int = -1
    created: str = ""
    chain_hash: str = GENESIS_HASH

    @classmethod
    def of(cls, event: StoredEvent) -> "Head":
        return cls(event.aggregate_version, event.created, event.chain_hash)


_ATTRIBUTES = {
    "AggregateId": "aggregate_id",
    "AggregateVersion": "aggregate_version",
    "Created": "created",
    "EventType": "event_type",
    "Data": "data",
    "SchemaVersion": "schema_version",
    "AggregateType": "aggregate_type",
    "CausationId": "causation_id",
    "CorrelationId": "correlation_id",
    "ActorId": "actor_id",
    "PreviousHash": "previous_hash",
    "Hash": "hash",
}
_ORIGINAL_ATTRIBUTES = list(_ATTRIBUTES)[:5]
_values: Callable[[StoredEvent], tuple[Any, ...]] = attrgetter(*_ATTRIBUTES.values())
_STRINGS = tuple(set(_ATTRIBUTES.values()) - {"aggregate_id", "aggregate_version", "schema_version"})


def to_attributes(event: StoredEvent) -> dict[str, Any]:
    """Return the item as plain values under its stored attribute names; imported events have only five of them."""
    attributes = dict(zip(_ATTRIBUTES if event.hash else _ORIGINAL_ATTRIBUTES, _values(event), strict=False))
    attributes["AggregateId"] = str(event.aggregate_id)
    return attributes


def from_attributes(item: dict[str, Any]) -> StoredEvent:
    """Read a stored event from an item; unknown attributes are ignored.

    Raises KeyError, TypeError or ValueError if the item is no event.
    """
    values = {field: item[name] for name, field in _ATTRIBUTES.items() if name in item}
    values["aggregate_id"] = UUID(values["aggregate_id"])
    values["aggregate_version"] = int(values["aggregate_version"])
    values["schema_version"] = int(values.get("schema_version", 0))
    event = StoredEvent(**values)
    if not all(isinstance(getattr(event, field), str) for field in _STRINGS):
        raise TypeError("an attribute that must be a string is not one")
    return event


def item_bytes(event: StoredEvent) -> int:
    """Compute the item's size by DynamoDB's rule: UTF-8 bytes of names and strings, and at most 21 for a number."""
    attributes = to_attributes(event)
    strings = [value for value in attributes.values() if isinstance(value, str)]
    return len("".join([*attributes, *strings]).encode()) + 21 * (len(attributes) - len(strings))
