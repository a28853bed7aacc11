"""Streams that this container has folded already."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Head


@dataclass(frozen=True, slots=True)
class Folded:
    """A stream's state and where it ends."""

    state: Any
    head: Head


class StreamCache:
    """The most recently used streams, `capacity` of them, by aggregate and id: an id that a client names need not be
    one of the aggregate it is taken for. A stream never goes back to an older version."""

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
            if known is not None and known.head.version > folded.head.version:
                return
            self._streams[key] = folded
            self._streams.move_to_end(key)
            if len(self._streams) > self._capacity:
                self._streams.popitem(last=False)
