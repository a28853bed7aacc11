"""Writes and reads events on the bus: the stored attributes as one JSON object, with exactly the log's strings."""

import json

from chalicelib.platform.eventsourcing.stored import StoredEvent, from_attributes, to_attributes


def to_bus(event: StoredEvent) -> bytes:
    """Write an event."""
    return json.dumps(to_attributes(event), ensure_ascii=False, separators=(",", ":")).encode()


def from_bus(data: bytes) -> StoredEvent:
    """Read an event.

    Raises ValueError, KeyError or TypeError for anything else.
    """
    return from_attributes(json.loads(data))
