"""Snapshots: a stream's state as of a version, so that a cold load does not grow with the length of the stream.

They lie in a table of their own, never in the log, and may be dropped at any time. One is used only if it was written
for the same shape of the state, which `shape_of` tells.
"""

import hashlib
import inspect
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, Protocol
from uuid import UUID

from pydantic import TypeAdapter

from chalicelib.platform.eventsourcing.aggregate import Aggregate, Folded, State
from chalicelib.platform.eventsourcing.stored import Head


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`state` is JSON; the rest tells where in the stream it stands and for which code it was written."""

    stream_id: UUID
    version: int
    created: str
    chain_hash: str
    shape: str
    state: str


class Snapshots(Protocol):
    """Both methods may raise Unavailable."""

    def find(self, stream_id: UUID) -> Snapshot | None: ...

    def save(self, snapshot: Snapshot) -> None:
        """Keep it, unless a newer one is kept already."""


class MemorySnapshots:
    """For domain tests."""

    def __init__(self) -> None:
        self._kept: dict[UUID, Snapshot] = {}
        self._lock = Lock()

    def find(self, stream_id: UUID) -> Snapshot | None:
        return self._kept.get(stream_id)

    def save(self, snapshot: Snapshot) -> None:
        with self._lock:
            kept = self._kept.get(snapshot.stream_id)
            if kept is None or kept.version < snapshot.version:
                self._kept[snapshot.stream_id] = snapshot


def take(aggregate: Aggregate[Any], stream_id: UUID, folded: Folded) -> Snapshot:
    """The snapshot of a folded stream."""
    state = _adapter(aggregate).dump_json(folded.state, by_alias=True).decode()
    head = folded.head
    return Snapshot(stream_id, head.version, head.created, head.chain_hash, shape_of(aggregate), state)


def restore(aggregate: Aggregate[State], snapshot: Snapshot | None) -> Folded | None:
    """The folded stream that was taken; None if there is no snapshot or it has another shape."""
    if snapshot is None or snapshot.shape != shape_of(aggregate):
        return None
    state = _adapter(aggregate).validate_json(snapshot.state)
    return Folded(state, Head(snapshot.version, snapshot.created, snapshot.chain_hash))


@cache
def shape_of(aggregate: Aggregate[Any]) -> str:
    """Changes with the fields of the state and with the code that folds it: then the snapshots of before are void."""
    schema = repr(_adapter(aggregate).json_schema(mode="serialization"))
    module = inspect.getsource(inspect.getmodule(aggregate.evolve) or aggregate.evolve)
    return hashlib.sha256((schema + module).encode()).hexdigest()[:16]


@cache
def _adapter(aggregate: Aggregate[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(type(aggregate.initial))
