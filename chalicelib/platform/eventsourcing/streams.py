"""Folds and caches the streams that a container uses, and reads on from the log where they must be current."""

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.aggregate import Aggregate, Folded, State
from chalicelib.platform.eventsourcing.codec import aggregate_type_of, decode
from chalicelib.platform.eventsourcing.snapshots import Snapshots, restore, take
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """A stream as it stood before and as it stands after a commit."""

    aggregate: Aggregate[Any]
    before: Head
    after: Folded

    @property
    def snapshot_is_due(self) -> bool:
        every = self.aggregate.snapshot_every
        return every is not None and (self.after.head.version + 1) // every > (self.before.version + 1) // every


class StreamCache:
    """Caches the most recently used streams, `capacity` of them; a stream never goes back to an older version.

    The key is the aggregate with the id: an id that a client names need not be one of the aggregate it is taken for.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._streams: OrderedDict[tuple[str, UUID], Folded] = OrderedDict()
        self._lock = Lock()

    def get(self, aggregate: str, stream_id: UUID) -> Folded | None:
        key = aggregate, stream_id
        with self._lock:
            folded = self._streams.get(key)
            if folded is not None:
                self._streams.move_to_end(key)
            return folded

    def put(self, aggregate: str, stream_id: UUID, folded: Folded) -> None:
        key = aggregate, stream_id
        with self._lock:
            known = self._streams.get(key)
            # Two threads of a container may read one stream, and the older read may arrive last.
            if known is not None and known.head.version > folded.head.version:
                return
            self._streams[key] = folded
            self._streams.move_to_end(key)
            if len(self._streams) > self._capacity:
                self._streams.popitem(last=False)


class Streams:
    """Reads the streams of a log, and remembers how they were last known.

    `hint_choices` holds what commands of this container chose last among streams that would all do, by what they chose
    for.
    """

    def __init__(self, store: EventStore, cache: StreamCache | None = None, snapshots: Snapshots | None = None) -> None:
        self.store = store
        self.hint_choices: dict[UUID, UUID] = {}
        self._cache = StreamCache() if cache is None else cache
        self._snapshots = snapshots

    def through(self, log: EventStore) -> "Streams":
        """Return the same streams and cache, read through another view of the log, such as a metered one."""
        return Streams(log, self._cache, self._snapshots)

    def load(self, aggregate: Aggregate[State], stream_id: UUID) -> tuple[State, int]:
        """Return the current state and version (-1: no such stream), strongly consistent.

        Raises LogDamaged or Unavailable.
        """
        folded = self.refresh(aggregate, stream_id)
        return folded.state, folded.head.version

    def cached(self, aggregate: Aggregate[Any], stream_id: UUID) -> Folded | None:
        """Return what this container knows of the stream without asking; it may be old."""
        return self._cache.get(aggregate.name, stream_id)

    def snapshot(self, aggregate: Aggregate[Any], stream_id: UUID) -> Folded | None:
        """Return the stream as of its newest snapshot, or None if it has none that can be used.

        Raises Unavailable.
        """
        if aggregate.snapshot_every is None or self._snapshots is None:
            return None
        return restore(aggregate, self._snapshots.find(stream_id))

    def refresh(self, aggregate: Aggregate[State], stream_id: UUID) -> Folded:
        """Read what follows the cached state, or all, and fold it. A stream of another aggregate counts as empty.

        Raises LogDamaged or Unavailable.
        """
        known = self._cache.get(aggregate.name, stream_id)
        if known is None:
            folded = self._read_cold(aggregate, stream_id)
        else:
            tail = self.store.read(stream_id, known.head.version)
            if not tail:
                return known
            folded = _folded(aggregate, known, tail)
        if folded.head.version >= 0:
            self._cache.put(aggregate.name, stream_id, folded)
        return folded

    def remember(self, stream_id: UUID, change: Change) -> None:
        """Cache the stream as a commit left it, and take a snapshot if one is due."""
        self._cache.put(change.aggregate.name, stream_id, change.after)
        if self._snapshots is None or not change.snapshot_is_due:
            return
        try:
            self._snapshots.save(take(change.aggregate, stream_id, change.after))
        except Unavailable:  # the command has succeeded; the snapshot is taken next time
            logger.warning("no snapshot of %s %s", change.aggregate.name, stream_id, exc_info=True)

    def _read_cold(self, aggregate: Aggregate[State], stream_id: UUID) -> Folded:
        """Load a stream that is not cached, in one request, or two for a long stream with snapshots."""
        nothing = Folded(aggregate.initial, Head())
        if aggregate.snapshot_every is None or self._snapshots is None:
            return _folded(aggregate, nothing, self.store.read(stream_id))
        # Backwards first (ADR 9): a stream shorter than two intervals needs no snapshot, and behind a longer one these
        # events reach back to the newest snapshot even if the last one due could not be saved. Only if that one is
        # missing too, or has another shape, is there a gap, and the log is read from the snapshot, or all of it.
        newest = self.store.read_last(stream_id, 2 * aggregate.snapshot_every)
        if len(newest) < 2 * aggregate.snapshot_every or newest[0].aggregate_version == 0:
            return _folded(aggregate, nothing, newest)
        taken = self.snapshot(aggregate, stream_id) or nothing
        if newest[0].aggregate_version > taken.head.version + 1:
            return _folded(aggregate, taken, self.store.read(stream_id, taken.head.version))
        return _folded(aggregate, taken, [event for event in newest if event.aggregate_version > taken.head.version])


def _folded(aggregate: Aggregate[State], known: Folded, tail: Sequence[StoredEvent]) -> Folded:
    if not tail or aggregate_type_of(tail[0]) != aggregate.name:
        return known
    return Folded(aggregate.fold(map(decode, tail), known.state), Head.of(tail[-1]))
