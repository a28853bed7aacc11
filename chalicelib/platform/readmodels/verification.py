"""Compares a read model with the log, by position and by row, while both go on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from threading import Lock
from typing import Any
from uuid import UUID

from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.parking import Parking
from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.diff import changes_between
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.readmodels.folding import FoldedStream, refolded
from chalicelib.platform.readmodels.port import Contents, ReadModel, Rewrite, StreamContents

TOLD_SINGLY = 1000
"""The most streams that findings name one by one; more are only counted."""

_DIGESTS = 2**256


@dataclass(frozen=True, slots=True)
class Behind:
    """A stream of which the read model has less than the log."""

    stream_id: UUID
    position: int
    newest: int
    is_parked: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """A stream of which the read model does not have what its events up to `version` add up to.

    `changes` lead from the stored contents to the right ones: `{"path", "before", "after"}`.
    """

    stream_id: UUID
    version: int
    changes: list[JsonObject]


@dataclass
class Findings:
    """Collects what a comparison finds; `digest` is the same for the same rows, in whatever order they come."""

    streams: int = 0
    behind_count: int = 0
    different_count: int = 0
    behind: list[Behind] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    _digest: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def digest(self) -> str:
        return f"{self._digest:064x}"

    def add(self, streams: int, digest: int, behind: list[Behind], differences: list[Difference]) -> None:
        with self._lock:
            self.streams += streams
            self._digest = (self._digest + digest) % _DIGESTS
            self.behind_count += len(behind)
            self.different_count += len(differences)
            self.behind += behind[: TOLD_SINGLY - len(self.behind)]
            self.differences += differences[: TOLD_SINGLY - len(self.differences)]


class Verifier:
    """Compares one generation with the log.

    What a read model has of a stream is read together with its version, and compared with the log up to that version.
    So a stream that is only behind never counts as different, however fast it moves.
    """

    def __init__(self, model: ReadModel, store: EventStore, parking: Parking) -> None:
        self._model = model
        self._store = store
        self._parking = parking
        self.findings = Findings()

    def compare(self, streams: Iterable[FoldedStream]) -> tuple[list[Behind], list[Difference]]:
        """Compare these streams; return the findings on them, and add them to `findings`.

        Raises Unavailable.
        """
        compared = [folded for folded in streams if folded.newest >= 0]
        stored = self._model.read([folded.stream_id for folded in compared])
        behind, differences, digest = [], [], 0
        for folded in compared:
            found = stored.get(folded.stream_id)
            position = -1 if found is None else found.version
            if position < folded.newest:
                is_parked = self._parking.find(self._model.name, folded.stream_id) is not None
                behind.append(Behind(folded.stream_id, position, folded.newest, is_parked))
            if found is not None:
                differences += self._difference(folded, found)
                digest += digest_of(folded.stream_id, found)
        self.findings.add(len(compared), digest, behind, differences)
        return behind, differences

    def _difference(self, folded: FoldedStream, found: StreamContents) -> list[Difference]:
        try:
            should = self._at(folded, found.version)
        except LogDamaged:
            return []  # nobody can tell what it should be; the stream is behind, and parked
        if should.version == found.version and canonical(should.contents) == canonical(found.contents):
            return []
        changes = changes_between(found.contents, should.contents or {})
        if should.version != found.version:
            changes = [{"path": "/version", "before": found.version, "after": should.version}, *changes]
        return [Difference(folded.stream_id, found.version, changes)]

    def _at(self, folded: FoldedStream, version: int) -> FoldedStream:
        if folded.version == version:
            return folded
        return refolded(self._store, self._model, folded.stream_id, version)

    def repair(self, difference: Difference) -> None:
        """Write the stream again from the log, as of the version that it is at.

        Raises LogDamaged or Unavailable.
        """
        should = refolded(self._store, self._model, difference.stream_id, difference.version)
        contents = should.contents or {}
        self._model.rewrite([Rewrite(difference.stream_id, difference.version, should.version, contents)])


def catch_up(consumer: Consumer, store: EventStore, stream_id: UUID) -> None:
    """Give the newest event of the log to the consumer, as if the bus had brought it.

    Raises LogDamaged or Unavailable.
    """
    newest = store.read_last(stream_id, 1)
    if newest:
        consumer.catch_up(stream_id, newest)


def digest_of(stream_id: UUID, found: StreamContents) -> int:
    """Compute the digest of one stream; the sum of these, modulo 2^256, is that of a read model."""
    text = f"{stream_id} {found.version} {canonical(found.contents)}"
    return int.from_bytes(sha256(text.encode()).digest())


def canonical(contents: Contents | None) -> str:
    """Serialise contents so that equal contents give equal texts."""
    return json.dumps(contents, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return format_instant(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)
