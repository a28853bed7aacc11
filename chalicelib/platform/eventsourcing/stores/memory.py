"""Stores the log in memory, for tests of the domain: the same contract as DynamoDB, without a server."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from copy import copy
from datetime import datetime
from threading import Lock
from typing import Self
from uuid import UUID

from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.changes import ChangesPage, LogChange, Seen
from chalicelib.platform.eventsourcing.epoch_cache import CachedResult
from chalicelib.platform.eventsourcing.history import created_at
from chalicelib.platform.eventsourcing.store import MAX_ITEM_BYTES, ConcurrencyError, ScanPage, StoreUsage, ensure_valid
from chalicelib.platform.eventsourcing.stored import StoredEvent, item_bytes

PAGE_BYTES = 1024 * 1024
"""DynamoDB's limit of one page of a query."""


class MemoryEventStore:
    """Stores streams as dictionaries by version, behind one lock."""

    def __init__(self, events_a_page: int = 500) -> None:
        self._events_a_page = events_a_page
        self.usage = StoreUsage()
        self._streams: dict[UUID, dict[int, StoredEvent | None]] = {}
        self._appended: list[StoredEvent] = []
        self._results: dict[UUID, CachedResult] = {}
        self._lock = Lock()
        self.before_read: Callable[[], None] = _nothing

    def metered(self, spend: Callable[[], None]) -> Self:
        metered = copy(self)
        metered.before_read = spend
        return metered

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        ensure_valid(events, raising)
        if not events:
            return
        self.usage.count_requests("PutItem" if len(events) == 1 and not raising else "TransactWriteItems")
        with self._lock:
            if all(self._at(event) == event for event in events):
                return
            taken = frozenset(event.aggregate_id for event in events if self._is_taken(event))
            if taken:
                raise ConcurrencyError(taken)
            self._appended += events
            for event in events:
                self._streams.setdefault(event.aggregate_id, {})[event.aggregate_version] = event
            for key in set(raising):
                self._results[key] = CachedResult(self._results.get(key, CachedResult()).epoch + 1)
        self.usage.count_write(len(events), len(events))

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        return self._queried(self._items(stream_id, after))

    def read_slice(self, stream_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        if limit < 1:
            return []
        return self._queried(self._items(stream_id, after)[:limit])

    def read_last(self, stream_id: UUID, count: int) -> list[StoredEvent]:
        if count < 1:
            return []
        return self._queried(self._items(stream_id)[-count:])

    def scan(self, segment: int = 0, segments: int = 1, after: str | None = None) -> Iterator[ScanPage]:
        """Scan as the port says; a cursor is `<stream> <version>`, the place of the page's last event."""
        with self._lock:
            streams = sorted(key for key in self._streams if key.int % segments == segment)
        place = None if after is None else (UUID(after.split()[0]), int(after.split()[1]))
        streams = streams if place is None else streams[bisect_right(streams, place[0]) - 1 :]
        events: list[StoredEvent] = []
        for key in streams:
            self.usage.count_requests("Query")
            past = place[1] if place is not None and key == place[0] else -1
            events += [found for _, found in self._items(key, past) if found is not None]
            while len(events) > self._events_a_page:
                page, events = events[: self._events_a_page], events[self._events_a_page :]
                yield ScanPage(page, f"{page[-1].aggregate_id} {page[-1].aggregate_version}")
        yield ScanPage(events, None)

    def changes(self, seen: Seen, until: datetime) -> Iterator[ChangesPage]:
        """Read the changes as `ChangeFeed` says; nothing is ever forgotten, and `Created` is when it was written."""
        place = int(seen.get("log", "0"))
        while True:
            self.usage.count_requests("GetRecords")
            with self._lock:
                events = self._appended[place : place + self._events_a_page]
            page = [LogChange(event, created_at(event)) for event in events if created_at(event) < until]
            if not page:
                return
            place += len(page)
            yield ChangesPage(page, {"log": str(place)})

    def size(self) -> int:
        with self._lock:
            return sum(map(len, self._streams.values()))

    def pick(self, places: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], StoredEvent]:
        if not places:
            return {}
        self.before_read()
        self.usage.count_requests("BatchGetItem")
        with self._lock:
            found = {place: self._streams.get(place[0], {}).get(place[1]) for place in places}
        picked = {place: event for place, event in found.items() if event is not None}
        self.usage.count_read(0, len(picked))
        return picked

    def find_result(self, key: UUID) -> CachedResult:
        self.usage.count_requests("GetItem")
        with self._lock:
            return self._results.get(key, CachedResult())

    def store_result(self, key: UUID, epoch: int, value: str) -> bool:
        self.usage.count_requests("UpdateItem")
        with self._lock:
            if self._results.get(key, CachedResult()).epoch != epoch:
                return False
            self._results[key] = CachedResult(epoch, value)
            return True

    def _queried(self, items: Sequence[tuple[int, StoredEvent | None]]) -> list[StoredEvent]:
        """Return the events, and count as many requests as DynamoDB would take for them."""
        fits = len(items) * MAX_ITEM_BYTES <= PAGE_BYTES
        size = 0 if fits else sum(item_bytes(found) for _, found in items if found is not None)
        for _ in range(1 + size // PAGE_BYTES):
            self.before_read()
            self.usage.count_requests("Query")
        self.usage.count_read(0, len(items))
        return [_readable(version, found) for version, found in items]

    def put_stray(self, stream_id: UUID, version: int) -> None:
        """Put an item that is no event into a stream, as somebody with access to the table could; for tests."""
        with self._lock:
            self._streams.setdefault(stream_id, {})[version] = None

    def stream_ids(self) -> list[UUID]:
        """Return every stream that has an event."""
        with self._lock:
            return list(self._streams)

    def fork(self) -> "MemoryEventStore":
        """Return another log with the same events; what is appended to one is not in the other."""
        other = MemoryEventStore()
        with self._lock:
            other._appended = list(self._appended)
            other._streams = {key: dict(stream) for key, stream in self._streams.items()}
        return other

    def _at(self, event: StoredEvent) -> StoredEvent | None:
        return self._streams.get(event.aggregate_id, {}).get(event.aggregate_version)

    def _is_taken(self, event: StoredEvent) -> bool:
        return event.aggregate_version in self._streams.get(event.aggregate_id, {})

    def _items(self, stream_id: UUID, after: int = -1) -> list[tuple[int, StoredEvent | None]]:
        with self._lock:
            return sorted(item for item in self._streams.get(stream_id, {}).items() if item[0] > after)


def _nothing() -> None:
    """Do nothing before a read that is not metered."""


def _readable(version: int, found: StoredEvent | None) -> StoredEvent:
    if found is None:
        raise LogDamaged("An item of the stream is no event.", version=str(version))
    return found
