"""Counts that all containers share, each for a while: how often somebody has failed, how often a server was asked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one key, by name, until all of them begin anew."""

    until: datetime
    taken: Mapping[str, int] = field(default_factory=dict)


class Counters(Protocol):
    """Every method may raise Unavailable; then something may have been counted all the same."""

    def take(
        self, key: str, most: Mapping[str, int], now: datetime, until: datetime, amount: int = 1
    ) -> datetime | None:
        """Add the amount, which is no more than its most, to each named count of the key, unless one would exceed it.

        Returns None if that was done, and otherwise until when the key is full. The counts of a key begin anew at the
        `until` of the first who took. However many take at once, no count exceeds its most.
        """

    def give_back(self, key: str, names: Collection[str], now: datetime, amount: int = 1) -> None:
        """Take the amount from each named count again, if they have not begun anew since."""

    def put(self, key: str, name: str, number: int, until: datetime) -> None:
        """Set the named count of the key to a number, and let all its counts last until then."""

    def find(self, key: str, now: datetime) -> Counts | None:
        """Return the counts of the key as they are, or None if there are none at this time."""

    def salt(self, key: str, fresh: bytes, until: datetime) -> bytes:
        """Return the random bytes that all containers share under the key: `fresh` if there were none."""


class MemoryCounters:
    """Counts in memory, for tests without servers."""

    def __init__(self) -> None:
        self.counts: dict[str, Counts] = {}
        self._salts: dict[str, bytes] = {}
        self._lock = Lock()

    def take(
        self, key: str, most: Mapping[str, int], now: datetime, until: datetime, amount: int = 1
    ) -> datetime | None:
        with self._lock:
            counts = self.find(key, now) or Counts(until)
            if any(counts.taken.get(name, 0) + amount > limit for name, limit in most.items()):
                return counts.until
            self._add(key, counts, most, amount)
        return None

    def give_back(self, key: str, names: Collection[str], now: datetime, amount: int = 1) -> None:
        with self._lock:
            counts = self.find(key, now)
            if counts is not None and all(counts.taken.get(name, 0) >= amount for name in names):
                self._add(key, counts, names, -amount)

    def put(self, key: str, name: str, number: int, until: datetime) -> None:
        with self._lock:
            counts = self.counts.get(key)
            self.counts[key] = Counts(until, {**(counts.taken if counts else {}), name: number})

    def find(self, key: str, now: datetime) -> Counts | None:
        counts = self.counts.get(key)
        return counts if counts is not None and now < counts.until else None

    def salt(self, key: str, fresh: bytes, until: datetime) -> bytes:  # noqa: ARG002 - nothing is thrown away here
        return self._salts.setdefault(key, fresh)

    def _add(self, key: str, counts: Counts, names: Collection[str], by: int) -> None:
        added = {name: counts.taken.get(name, 0) + by for name in names}
        self.counts[key] = Counts(counts.until, {**counts.taken, **added})
