"""Checks that a log still is what was written, by the hash chain of each stream.

Every event carries a hash over itself and the hash of the event before it (ADR 15 adds what a chain cannot show: that
the end of a stream was cut off).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from uuid import UUID

from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import GENESIS_HASH, StoredEvent


@dataclass(frozen=True, slots=True)
class Fault:
    """States what is wrong with the event at a place, or that an event is missing there."""

    stream_id: UUID
    version: int
    reason: str


def faults_in(stream: Sequence[StoredEvent]) -> list[Fault]:
    """Return every fault of a complete stream.

    Imported events carry no hash: those may begin at any version, and only what was written after them can tell whether
    they have been changed.
    """
    if not stream:
        return []
    faults = _faults_at_the_beginning(stream[0])
    faults += [fault for event in stream for fault in _faults_of_itself(event)]
    faults += [fault for before, event in pairwise(stream) for fault in _faults_between(before, event)]
    return sorted(faults, key=lambda fault: fault.version)


def faults_of(log: EventStore, stream_id: UUID) -> list[Fault]:
    """Return the faults of a stream as it is in the log.

    Raises Unavailable.
    """
    try:
        return faults_in(log.read(stream_id))
    except LogDamaged as error:
        return [Fault(stream_id, int(error.facts.get("version", 0)), "is no event")]


def _faults_of_itself(event: StoredEvent) -> list[Fault]:
    if not event.hash or event.hash == event.expected_hash():
        return []
    return [Fault(event.aggregate_id, event.aggregate_version, "is not what was written: its hash is another")]


def _faults_at_the_beginning(event: StoredEvent) -> list[Fault]:
    if not event.hash or (event.aggregate_version == 0 and event.previous_hash == GENESIS_HASH):
        return []
    return [Fault(event.aggregate_id, event.aggregate_version - 1, "is missing, and all before it")]


def _faults_between(before: StoredEvent, event: StoredEvent) -> list[Fault]:
    stream_id, version = event.aggregate_id, event.aggregate_version
    if version != before.aggregate_version + 1:
        return [Fault(stream_id, missing, "is missing") for missing in range(before.aggregate_version + 1, version)]
    if not event.hash and before.hash:
        return [Fault(stream_id, version, "carries no hash, and the event before it does")]
    if event.hash and event.previous_hash != before.chain_hash:
        return [Fault(stream_id, before.aggregate_version, f"is not the event that version {version} follows")]
    return []


@dataclass
class SegmentCheck:
    """Checks one segment of a scan, page by page, holding no more than the last event.

    A scan is no snapshot, and its order within a stream is not promised. So what looks wrong is checked again in the
    stream itself, read with strong consistency, before it is called a fault.
    """

    log: EventStore
    events: int = 0
    streams: int = 0
    faults: list[Fault] = field(default_factory=list)
    _last: StoredEvent | None = None
    _looked_at: UUID | None = None

    def take(self, events: Iterable[StoredEvent]) -> None:
        """Check the events of the next page.

        Raises Unavailable.
        """
        for event in _in_order(events):
            self.events += 1
            before = self._last if self._last and self._last.aggregate_id == event.aggregate_id else None
            self.streams += before is None
            self._last = event
            if event.aggregate_id != self._looked_at and _looks_wrong(before, event):
                self._looked_at = event.aggregate_id
                self.faults += faults_of(self.log, event.aggregate_id)


def _in_order(events: Iterable[StoredEvent]) -> Iterator[StoredEvent]:
    """Sort what a page has of each stream by version: an emulator sorts numbers as if they were texts."""
    for _, run in groupby(events, key=lambda event: event.aggregate_id):
        yield from sorted(run, key=lambda event: event.aggregate_version)


def _looks_wrong(before: StoredEvent | None, event: StoredEvent) -> bool:
    neighbours = _faults_at_the_beginning(event) if before is None else _faults_between(before, event)
    # A scan that gives a stream backwards would have no fault between its events.
    backwards = before is not None and before.aggregate_version >= event.aggregate_version
    return bool(neighbours or backwards or _faults_of_itself(event))
