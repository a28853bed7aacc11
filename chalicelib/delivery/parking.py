"""Where streams wait whose next event a projection cannot apply."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ParkedStream:
    """`version` is the event that failed, `error` why; `last_seen` the newest version known to wait behind it."""

    projection: str
    stream_id: UUID
    version: int
    error: str
    parked_at: str
    last_seen: int


class Parking(Protocol):
    """Every method may raise Unavailable."""

    def find(self, projection: str, stream_id: UUID) -> ParkedStream | None: ...

    def park(self, stream: ParkedStream) -> None:
        """Park the stream, or note that more waits behind it."""

    def release(self, projection: str, stream_id: UUID) -> None:
        """The stream is whole again."""

    def list_parked(self, projection: str | None = None) -> list[ParkedStream]: ...


class MemoryParking:
    """Parked streams in memory, for tests without servers."""

    def __init__(self) -> None:
        self._parked: dict[tuple[str, UUID], ParkedStream] = {}

    def find(self, projection: str, stream_id: UUID) -> ParkedStream | None:
        return self._parked.get((projection, stream_id))

    def park(self, stream: ParkedStream) -> None:
        self._parked[stream.projection, stream.stream_id] = stream

    def release(self, projection: str, stream_id: UUID) -> None:
        self._parked.pop((projection, stream_id), None)

    def list_parked(self, projection: str | None = None) -> list[ParkedStream]:
        return [stream for stream in self._parked.values() if projection in {None, stream.projection}]
