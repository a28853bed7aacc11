"""Takes and restores snapshots, so that a cold load does not grow with the length of the stream.

A snapshot is a stream's state as of a version. Snapshots have a table of their own, outside the log, and may be deleted
at any time. One is used only if it was written for the same shape of the state, which `shape_of` computes.
"""

import hashlib
import inspect
import sys
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
    """A stream's state as JSON, with its place in the stream and the shape for which it was written."""

    stream_id: UUID
    version: int
    created: str
    chain_hash: str
    shape: str
    state: str


class Snapshots(Protocol):
    """Stores the newest snapshot of each stream. Both methods may raise Unavailable."""

    def find(self, stream_id: UUID) -> Snapshot | None: ...

    def save(self, snapshot: Snapshot) -> None:
        """Store the snapshot, unless a newer one of its stream is stored already."""


class MemorySnapshots:
    """Stores snapshots in memory, for tests of the domain."""

    def __init__(self) -> None:
        self._stored: dict[UUID, Snapshot] = {}
        self._lock = Lock()

    def find(self, stream_id: UUID) -> Snapshot | None:
        return self._stored.get(stream_id)

    def save(self, snapshot: Snapshot) -> None:
        with self._lock:
            stored = self._stored.get(snapshot.stream_id)
            if stored is None or stored.version < snapshot.version:
                self._stored[snapshot.stream_id] = snapshot


def take(aggregate: Aggregate[Any], stream_id: UUID, folded: Folded) -> Snapshot:
    """Take the snapshot of a folded stream."""
    state = _adapter(aggregate).dump_json(folded.state, by_alias=True).decode()
    head = folded.head
    return Snapshot(stream_id, head.version, head.created, head.chain_hash, shape_of(aggregate), state)


def restore(aggregate: Aggregate[State], snapshot: Snapshot | None) -> Folded | None:
    """Return the folded stream that was taken; None if there is no snapshot or it has another shape."""
    if snapshot is None or snapshot.shape != shape_of(aggregate):
        return None
    state = _adapter(aggregate).validate_json(snapshot.state)
    return Folded(state, Head(snapshot.version, snapshot.created, snapshot.chain_hash))


@cache
def shape_of(aggregate: Aggregate[Any]) -> str:
    """Compute a hash that changes with the fields of the state and with the code that folds it.

    Then the snapshots of before are void.
    """
    # The source of modules, and not of `evolve` alone, because `evolve` calls others. Whatever it costs to take
    # snapshots anew after a harmless edit, nobody has to remember to raise a number.
    schema = repr(_adapter(aggregate).json_schema(mode="serialization"))
    sources = [inspect.getsource(sys.modules[name]) for name in folding_modules(aggregate)]
    return hashlib.sha256("".join([schema, *sources]).encode()).hexdigest()[:16]


def folding_modules(aggregate: Aggregate[Any]) -> list[str]:
    """Name the module of `evolve`, and those of its package that it imports from: they help to fold."""
    module = sys.modules[aggregate.evolve.__module__]
    imported = {str(getattr(value, "__module__", "")) for value in vars(module).values()}
    own = {name for name in imported if name.rpartition(".")[0] == module.__package__}
    return sorted({module.__name__, *own} & sys.modules.keys())


@cache
def _adapter(aggregate: Aggregate[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(type(aggregate.initial))
