"""The log in memory, for domain tests: the same contract as DynamoDB, no server."""

from collections.abc import Sequence
from threading import Lock
from uuid import UUID

from chalicelib.eventsourcing.store import ConcurrencyError, StoreUsage, ensure_fits
from chalicelib.eventsourcing.stored import StoredEvent


class MemoryEventStore:
    """Streams as dictionaries by version, behind one lock."""

    def __init__(self) -> None:
        self.usage = StoreUsage()
        self._streams: dict[UUID, dict[int, StoredEvent]] = {}
        self._lock = Lock()

    def append(self, events: Sequence[StoredEvent]) -> None:
        ensure_fits(events)
        if not events:
            return
        self.usage.count_requests("PutItem" if len(events) == 1 else "TransactWriteItems")
        with self._lock:
            if all(self._at(event) == event for event in events):
                return
            taken = frozenset(event.aggregate_id for event in events if self._at(event) is not None)
            if taken:
                raise ConcurrencyError(taken)
            for event in events:
                self._streams.setdefault(event.aggregate_id, {})[event.aggregate_version] = event
        self.usage.count_write(len(events), len(events))

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        self.usage.count_requests("Query")
        with self._lock:
            stream = self._streams.get(stream_id, {})
            return [stream[version] for version in sorted(stream) if version > after]

    def stream_ids(self) -> list[UUID]:
        """Every stream that has an event."""
        with self._lock:
            return list(self._streams)

    def fork(self) -> "MemoryEventStore":
        """Another log that begins as this one stands."""
        other = MemoryEventStore()
        with self._lock:
            other._streams = {key: dict(stream) for key, stream in self._streams.items()}
        return other

    def _at(self, event: StoredEvent) -> StoredEvent | None:
        return self._streams.get(event.aggregate_id, {}).get(event.aggregate_version)
