"""Reads a stream once for all its consumers; each consumer has its own place in every shard."""

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from local.streams import IteratorLost, Page, Record, RecordTrimmed, Shard, ShardGone, Stream

LOOK_FOR_SHARDS_EVERY = 1.0


@dataclass
class Waiting:
    """Holds the records of one shard that a consumer has not taken yet."""

    shard: Shard
    records: deque[Record] = field(default_factory=deque)
    ended: bool = False
    failures: int = 0
    retry_at: float = 0.0

    @property
    def finished(self) -> bool:
        return self.ended and not self.records


class Subscription:
    """Gives one consumer its side of a feed. The feed adds at one end while the consumer takes at the other."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._shards: dict[str, Waiting] = {}

    def add(self, shard: Shard, records: Iterable[Record], ended: bool) -> None:
        with self._changed:
            waiting = self._shards.setdefault(shard.id, Waiting(shard))
            waiting.records.extend(records)
            waiting.ended = ended
            self._changed.notify_all()

    def due(self) -> list[Waiting]:
        """Return the shards with something to take now. None is due before its parents are finished or while it backs
        off.
        """
        now = time.monotonic()
        with self._changed:
            return [w for w in self._shards.values() if w.records and w.retry_at <= now and self._parents_finished(w)]

    def first(self, waiting: Waiting, count: int) -> list[Record]:
        with self._changed:
            return list(islice(waiting.records, count))

    def took(self, waiting: Waiting, count: int) -> None:
        with self._changed:
            for _ in range(count):
                waiting.records.popleft()

    @property
    def caught_up(self) -> bool:
        with self._changed:
            return not any(waiting.records for waiting in self._shards.values())

    def wait(self, seconds: float) -> None:
        """Wait until something is added or due again, but no longer than `seconds`."""
        with self._changed:
            now = time.monotonic()
            retries = [w.retry_at for w in self._shards.values() if w.records and self._parents_finished(w)]
            pause = min([now + seconds, *retries]) - now
            if pause > 0:
                self._changed.wait(pause)

    def _parents_finished(self, waiting: Waiting) -> bool:
        """Tell whether all parents are finished. The stream has dropped a parent that the feed never saw: nothing of it
        is left.
        """
        parents = (self._shards.get(parent) for parent in waiting.shard.parents)
        return all(parent is None or parent.finished for parent in parents)


@dataclass
class _Reader:
    shard: Shard
    iterator: str | None = None
    last_read: str | None = None
    ended: bool = False


class Feed:
    def __init__(self, stream: Stream, subscriptions: list[Subscription]) -> None:
        self.stream = stream
        self._subscriptions = subscriptions
        self._readers: dict[str, _Reader] = {}
        self._look_for_shards_at = 0.0

    def read_once(self) -> bool:
        """Read every open shard once, and tell whether anything was new."""
        found = self._look_for_shards() if time.monotonic() >= self._look_for_shards_at else False
        for reader in [reader for reader in self._readers.values() if not reader.ended]:
            found |= self._read(reader)
        return found

    def read_all(self) -> bool:
        """Read every shard to its present end, and tell whether anything was new."""
        found_any = False
        found = True
        while found:
            self._look_for_shards_at = 0.0
            found = self.read_once()
            found_any |= found
        return found_any

    def _look_for_shards(self) -> bool:
        new = [shard for shard in self.stream.shards() if shard.id not in self._readers]
        for shard in new:
            self._readers[shard.id] = _Reader(shard)
            self._publish(self._readers[shard.id], [])
        self._look_for_shards_at = time.monotonic() + LOOK_FOR_SHARDS_EVERY
        return bool(new)

    def _read(self, reader: _Reader) -> bool:
        try:
            page = self._next_page(reader)
        except ShardGone:
            return self._end_if_gone(reader)
        reader.iterator = page.iterator
        reader.ended = page.iterator is None
        if page.records:
            reader.last_read = page.records[-1].sequence_number
        if page.records or reader.ended:
            self._publish(reader, page.records)
        if reader.ended:
            self._look_for_shards_at = 0.0
        return bool(page.records) or reader.ended

    def _next_page(self, reader: _Reader) -> Page:
        try:
            if reader.iterator is not None:
                return self.stream.read(reader.shard.id, reader.iterator)
        except (IteratorLost, RecordTrimmed):
            reader.iterator = None
        try:
            reader.iterator = self.stream.iterator(reader.shard.id, reader.last_read)
        except RecordTrimmed:
            # Trimmed from the old end: whatever is left comes after what we read.
            reader.iterator = self.stream.iterator(reader.shard.id, None)
        return self.stream.read(reader.shard.id, reader.iterator)

    def _end_if_gone(self, reader: _Reader) -> bool:
        """End the reader if its shard is gone, as after a split on ministack.

        Raises:
            ShardGone: the whole stream is gone.
        """
        if any(shard.id == reader.shard.id for shard in self.stream.shards()):
            reader.iterator = None
            return False
        reader.ended = True
        self._publish(reader, [])
        self._look_for_shards_at = 0.0
        return True

    def _publish(self, reader: _Reader, records: list[Record]) -> None:
        for subscription in self._subscriptions:
            subscription.add(reader.shard, records, reader.ended)
