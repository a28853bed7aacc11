"""Defines the archive of signed documents, each of which stays in its place for good."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ArchivedDocument:
    """Holds the first document that was put in a place.

    `was_touched` says that somebody has put or deleted another one there since.
    """

    shard_id: str
    number: int
    document: bytes
    was_touched: bool = False


class Archive(Protocol):
    """Stores signed documents. Every method may raise Unavailable."""

    def newest(self, shard_id: str) -> ArchivedDocument | None: ...

    def put(self, shard_id: str, number: int, document: bytes) -> bool:
        """Put a document in its place, and return False if there is one with this number already."""

    def documents(self) -> Iterator[ArchivedDocument]:
        """Give every document, shard by shard, the newest of a shard first."""


class MemoryArchive:
    """Stores documents in memory, for tests without servers."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], bytes] = {}

    def newest(self, shard_id: str) -> ArchivedDocument | None:
        return next((found for found in self.documents() if found.shard_id == shard_id), None)

    def put(self, shard_id: str, number: int, document: bytes) -> bool:
        return self.stored.setdefault((shard_id, number), document) is document

    def documents(self) -> Iterator[ArchivedDocument]:
        for shard_id, number in sorted(self.stored, key=lambda place: (place[0], -place[1])):
            yield ArchivedDocument(shard_id, number, self.stored[shard_id, number])
