"""Keeps signed documents, each for good in its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """Holds the first document that was put in a place.

    `was_touched` says that somebody has put or deleted another one there since.
    """

    shard_id: str
    number: int
    document: bytes
    was_touched: bool = False


class Archive(Protocol):
    """Keeps signed documents. Every method may raise Unavailable."""

    def newest(self, shard_id: str) -> KeptDocument | None: ...

    def put(self, shard_id: str, number: int, document: bytes) -> bool:
        """Put a document in its place, and return False if there is one with this number already."""

    def documents(self) -> Iterator[KeptDocument]:
        """Give every document, shard by shard, the newest of a shard first."""


class MemoryArchive:
    """Keeps documents in memory, for tests without servers."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], bytes] = {}

    def newest(self, shard_id: str) -> KeptDocument | None:
        return next((kept for kept in self.documents() if kept.shard_id == shard_id), None)

    def put(self, shard_id: str, number: int, document: bytes) -> bool:
        return self.kept.setdefault((shard_id, number), document) is document

    def documents(self) -> Iterator[KeptDocument]:
        for shard_id, number in sorted(self.kept, key=lambda place: (place[0], -place[1])):
            yield KeptDocument(shard_id, number, self.kept[shard_id, number])
