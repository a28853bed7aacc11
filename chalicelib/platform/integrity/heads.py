"""Where signed documents are kept, each for good in its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """The first document that was put in a place; `was_touched` if somebody has since put or deleted another there."""

    shard_id: str
    number: int
    document: bytes
    was_touched: bool = False


class Archive(Protocol):
    """Every method may raise Unavailable."""

    def newest(self, shard_id: str) -> KeptDocument | None: ...

    def put(self, shard_id: str, number: int, document: bytes) -> bool:
        """False if there is a document with this number."""

    def documents(self) -> Iterator[KeptDocument]:
        """Every one, shard by shard, the newest of a shard first."""


class MemoryArchive:
    """In memory, for tests without servers."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], bytes] = {}

    def newest(self, shard_id: str) -> KeptDocument | None:
        return next((kept for kept in self.documents() if kept.shard_id == shard_id), None)

    def put(self, shard_id: str, number: int, document: bytes) -> bool:
        return self.kept.setdefault((shard_id, number), document) is document

    def documents(self) -> Iterator[KeptDocument]:
        for shard_id, number in sorted(self.kept, key=lambda place: (place[0], -place[1])):
            yield KeptDocument(shard_id, number, self.kept[shard_id, number])
