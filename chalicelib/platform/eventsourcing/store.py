"""The port of the event log, and what every store promises."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol
from uuid import UUID

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.epoch_cache import EpochCache
from chalicelib.platform.eventsourcing.stored import StoredEvent, item_bytes

MAX_ITEM_BYTES = 400 * 1024
MAX_COMMIT_ITEMS = 100
MAX_COMMIT_BYTES = 4 * 1024 * 1024
"""DynamoDB's limits: one item, one transaction. Every store keeps them, so that what passes here passes there."""


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
    """The events of an append contradict each other, which only a fault of ours can cause. Nothing was written."""

    code = "invalid_commit"


@dataclass(frozen=True, slots=True)
class ScanPage:
    """Some events of a scan, and the cursor to go on after them: None after the last page."""

    events: list[StoredEvent]
    cursor: str | None


class EventStore(EpochCache, Protocol):
    """An append-only log of streams.

    `append` writes all events or none, and never over an existing version. Appending the same stored events again
    succeeds and changes nothing, so a repeated request whose first reply was lost is a success, once. Whatever else
    stands in an event's place is a lost race, also an item that is no event of ours: reading it then says so.
    """

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        """Append, and raise the epoch of each result with one of these keys, once, in the same transaction.

        Nothing at all to append is done at once, and costs nothing.

        Raises:
            ConcurrencyError: if a version exists; nothing was written.
            InvalidCommit: for two events of one version, or for epochs to raise and no event.
            CommitTooLarge: for more than one transaction can hold.
            Unavailable: the events may have been written all the same.
        """

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        """Every event of the stream past version `after`, in order, strongly consistent. Raises Unavailable."""

    def read_slice(self, stream_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        """The first `limit` events past version `after`, in order, strongly consistent; no more than those is read.

        None for a limit below 1. Raises Unavailable.
        """

    def read_last(self, stream_id: UUID, count: int) -> list[StoredEvent]:
        """The newest `count` events, in order, strongly consistent: all of them if there are fewer.

        None for a count below 1. Raises Unavailable.
        """

    def scan(self, segment: int = 0, segments: int = 1, after: str | None = None) -> Iterator[ScanPage]:
        """Every event that was in the log when the scan began, or of one of `segments` parts that can be read at once.

        The events of a stream are all in one part. They nearly always come in order and with no other stream in
        between, but that is not promised. An item that is no event is left out. `after` is the cursor of a page: there
        it goes on. Raises Unavailable.
        """

    def size(self) -> int:
        """About how many events the log holds; some stores count them a few times a day only. Raises Unavailable."""


@dataclass
class StoreUsage:
    """What a store has cost so far: requests sent by operation (repeats included), capacity units, items written."""

    requests: Counter[str] = field(default_factory=Counter)
    read_units: float = 0.0
    write_units: float = 0.0
    items_written: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def count_requests(self, operation: str, number: int = 1) -> None:
        with self._lock:
            self.requests[operation] += number

    def count_read(self, units: float) -> None:
        with self._lock:
            self.read_units += units

    def count_write(self, units: float, items: int) -> None:
        with self._lock:
            self.write_units += units
            self.items_written += items

    @property
    def reads(self) -> int:
        return self.requests["Query"] + self.requests["GetItem"]

    @property
    def writes(self) -> int:
        return sum(self.requests[operation] for operation in _WRITES)


def ensure_valid(events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
    """Check what every store checks before anything is sent.

    Raises:
        InvalidCommit: if two events are for one place, or if there is no event and yet an epoch to raise.
        CommitTooLarge: naming the limit.
    """
    if raising and not events:
        raise InvalidCommit("An epoch is raised by the event that makes its verdict void, and there is no event.")
    if len({(event.aggregate_id, event.aggregate_version) for event in events}) < len(events):
        raise InvalidCommit("Two events of one commit are for the same version of a stream.")
    items = len(events) + len(set(raising))
    if items > MAX_COMMIT_ITEMS:
        raise CommitTooLarge(f"{items} events in one commit; the log takes {MAX_COMMIT_ITEMS}.")
    sizes = [item_bytes(event) for event in events]
    for event, size in zip(events, sizes, strict=True):
        if size > MAX_ITEM_BYTES:
            raise CommitTooLarge(f"{event.event_type} has {size} bytes; the log takes {MAX_ITEM_BYTES}.")
    if sum(sizes) > MAX_COMMIT_BYTES:
        raise CommitTooLarge(f"{sum(sizes)} bytes in one commit; the log takes {MAX_COMMIT_BYTES}.")
