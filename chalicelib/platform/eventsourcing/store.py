"""Defines the port of the event log, and what every store promises."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol, Self
from uuid import UUID

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.epoch_cache import EpochCache
from chalicelib.platform.eventsourcing.stored import StoredEvent, item_bytes

MAX_ITEM_BYTES = 400 * 1024
MAX_COMMIT_ITEMS = 100
MAX_COMMIT_BYTES = 4 * 1024 * 1024
"""DynamoDB's limits of one item and of one transaction. Every store enforces them, so that what passes in memory passes
on AWS."""


_READS = ("Query", "GetItem", "BatchGetItem")
_WRITES = ("PutItem", "TransactWriteItems", "ExecuteStatement", "ExecuteTransaction", "UpdateItem")


class ConcurrencyError(CloudbashError):
    """Another writer was first. Nothing was written; `streams` are those to read again before deciding anew."""

    code = "concurrency"

    def __init__(self, streams: frozenset[UUID]) -> None:
        super().__init__("Another writer changed the same stream first.")
        self.streams = streams


class CommitTooLarge(CloudbashError):
    """An event or a transaction exceeds what the log can hold. Nothing was written."""

    code = "commit_too_large"


class InvalidCommit(CloudbashError):
    """The events of an append contradict each other, which only a fault in this code can cause. Nothing was written."""

    code = "invalid_commit"


Place = tuple[UUID, int]
"""Stream and version."""


@dataclass(frozen=True, slots=True)
class ScanPage:
    """Some events of a scan, and the cursor to go on after them: None after the last page."""

    events: list[StoredEvent]
    cursor: str | None


class EventStore(EpochCache, Protocol):
    """An append-only log of streams.

    `append` writes all events or none, and never over an existing version. Appending the same stored events again
    succeeds and changes nothing, so a repeated request whose first reply was lost is a success, once. Whatever else
    stands in an event's place is a lost race, also an item that is no event: reading it then raises LogDamaged.
    """

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        """Append, and raise the epoch of each result with one of these keys, once, in the same transaction.

        Without events and keys nothing is sent.

        Raises:
            ConcurrencyError: a version exists already; nothing was written.
            InvalidCommit: two events are for one version, or epochs are to be raised without an event.
            CommitTooLarge: there is more than one transaction can hold.
            Unavailable: the events may have been written all the same.
        """

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        """Read every event of the stream after version `after`, in order, strongly consistent.

        Raises LogDamaged or Unavailable.
        """

    def read_slice(self, stream_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        """Read the first `limit` events after version `after`, in order, strongly consistent, and no more.

        A limit below 1 gives no events.
        Raises LogDamaged or Unavailable.
        """

    def read_last(self, stream_id: UUID, count: int) -> list[StoredEvent]:
        """Read the newest `count` events, in order, strongly consistent: all of them if there are fewer.

        A count below 1 gives no events.
        Raises LogDamaged or Unavailable.
        """

    def pick(self, places: Sequence[Place]) -> Mapping[Place, StoredEvent]:
        """Find the events at these places, at most 100, strongly consistent.

        A place with no item, or with an item that is no event, is left out.
        Raises Unavailable.
        """

    def metered(self, spend: Callable[[], None]) -> Self:
        """Return the same log, which calls `spend` before each request that reads a stream, each page of it included.

        What `spend` raises ends the read before its request is sent.
        """

    def scan(self, segment: int = 0, segments: int = 1, after: str | None = None) -> Iterator[ScanPage]:
        """Read every event that was in the log when the scan began, page by page.

        With `segments`, only one part of the log is read. Parts can be read at the same time, and the events of a
        stream are all in one part. They nearly always come in order and with no other stream in between, but that is
        not promised. An item that is no event is left out. `after` is the cursor of a page: the scan goes on after it.
        Raises Unavailable.
        """

    def size(self) -> int:
        """Return roughly how many events the log holds: DynamoDB counts them about every six hours.

        Raises Unavailable.
        """


@dataclass
class StoreUsage:
    """Counts what a store has cost so far.

    `requests` counts what was sent, by operation, the SDK's repeats included; units are DynamoDB's capacity units.
    """

    requests: Counter[str] = field(default_factory=Counter)
    read_units: float = 0.0
    write_units: float = 0.0
    items_read: int = 0
    items_written: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def count_requests(self, operation: str, number: int = 1) -> None:
        with self._lock:
            self.requests[operation] += number

    def count_read(self, units: float, items: int) -> None:
        with self._lock:
            self.read_units += units
            self.items_read += items

    def count_write(self, units: float, items: int) -> None:
        with self._lock:
            self.write_units += units
            self.items_written += items

    @property
    def reads(self) -> int:
        return sum(self.requests[operation] for operation in _READS)

    @property
    def writes(self) -> int:
        return sum(self.requests[operation] for operation in _WRITES)


def ensure_valid(events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
    """Check what every store checks before anything is sent.

    Raises:
        InvalidCommit: two events are for one place, or an epoch is to be raised without an event.
        CommitTooLarge: the detail names the limit.
    """
    if raising and not events:
        raise InvalidCommit("The commit raises an epoch and has no event that makes the cached result void.")
    if len({(event.aggregate_id, event.aggregate_version) for event in events}) < len(events):
        raise InvalidCommit("Two events of one commit are for the same version of a stream.")
    items = len(events) + len(set(raising))
    if items > MAX_COMMIT_ITEMS:
        raise CommitTooLarge(
            f"There are {items} events and raised epochs in one commit; the log takes {MAX_COMMIT_ITEMS}."
        )
    sizes = [item_bytes(event) for event in events]
    for event, size in zip(events, sizes, strict=True):
        if size > MAX_ITEM_BYTES:
            raise CommitTooLarge(f"{event.event_type} has {size} bytes; the log takes {MAX_ITEM_BYTES}.")
    if sum(sizes) > MAX_COMMIT_BYTES:
        raise CommitTooLarge(f"There are {sum(sizes)} bytes in one commit; the log takes {MAX_COMMIT_BYTES}.")
