"""Defines the port of parked streams and unreadable records.

A stream is parked when a projection cannot apply its next event; a record is unreadable when nobody can read it.
"""

from dataclasses import dataclass
from threading import Lock
from typing import Protocol
from uuid import UUID

MAX_REASON = 1000


def reason_of(error: Exception) -> str:
    """Return the error as an operator sees it, at most `MAX_REASON` characters long."""
    return f"{type(error).__name__}: {error}"[:MAX_REASON]


@dataclass(frozen=True, slots=True)
class ParkedStream:
    """A stream that waits for one projection.

    `version` is the event that failed, `error` the reason, `last_seen` the newest version known to wait behind it.
    """

    projection: str
    stream_id: UUID
    version: int
    error: str
    parked_at: str
    last_seen: int


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A record that is no event, byte for byte as it came to `consumer`. `shard_id` may be empty."""

    consumer: str
    shard_id: str
    sequence_number: str
    data: bytes
    error: str
    parked_at: str


class Parking(Protocol):
    """Stores parked streams and unreadable records. Every method may raise Unavailable.

    A parked stream is changed only by who knows how it is parked now.
    """

    def find(self, projection: str, stream_id: UUID) -> ParkedStream | None:
        """Find how a stream is parked, strongly consistent."""

    def park(self, stream: ParkedStream, known: ParkedStream | None = None) -> bool:
        """Park a stream in the place of `known`, or where nothing is parked; return False if that has changed."""

    def release(self, known: ParkedStream) -> bool:
        """Let the stream go on; return False if it is parked in another way by now."""

    def list_parked(self, projection: str | None = None) -> list[ParkedStream]:
        """List what is parked, wherever it lies; it costs a look at every item."""

    def spread(self) -> int:
        """Move what older code has parked to where `find` looks; return how many streams were moved.

        What is not moved yet is not found: its next event is tried again, and parks the stream anew.
        """

    def store_unreadable(self, record: UnreadableRecord) -> None:
        """Store a record of any size; one with the same consumer, shard and sequence number is replaced."""

    def discard_unreadable(self, record: UnreadableRecord) -> None:
        """Remove a record that has been read after all."""

    def list_unreadable(self, consumer: str | None = None) -> list[UnreadableRecord]: ...

    def count(self) -> tuple[int, int]:
        """Count the parked streams and the unreadable records, of all projections and consumers."""


class MemoryParking:
    """Stores parked streams and unreadable records in memory, for tests without servers."""

    def __init__(self) -> None:
        self._parked: dict[tuple[str, UUID], ParkedStream] = {}
        self._unreadable: dict[tuple[str, str, str], UnreadableRecord] = {}
        self._lock = Lock()

    def find(self, projection: str, stream_id: UUID) -> ParkedStream | None:
        return self._parked.get((projection, stream_id))

    def park(self, stream: ParkedStream, known: ParkedStream | None = None) -> bool:
        with self._lock:
            if self.find(stream.projection, stream.stream_id) not in (known, stream):
                return False
            self._parked[stream.projection, stream.stream_id] = stream
            return True

    def release(self, known: ParkedStream) -> bool:
        with self._lock:
            if self.find(known.projection, known.stream_id) not in (known, None):
                return False
            self._parked.pop((known.projection, known.stream_id), None)
            return True

    def list_parked(self, projection: str | None = None) -> list[ParkedStream]:
        return [stream for stream in self._parked.values() if projection in {None, stream.projection}]

    def spread(self) -> int:
        return 0

    def store_unreadable(self, record: UnreadableRecord) -> None:
        self._unreadable[_place(record)] = record

    def discard_unreadable(self, record: UnreadableRecord) -> None:
        self._unreadable.pop(_place(record), None)

    def list_unreadable(self, consumer: str | None = None) -> list[UnreadableRecord]:
        return [record for record in self._unreadable.values() if consumer in {None, record.consumer}]

    def count(self) -> tuple[int, int]:
        return len(self._parked), len(self._unreadable)


def _place(record: UnreadableRecord) -> tuple[str, str, str]:
    return record.consumer, record.shard_id, record.sequence_number
