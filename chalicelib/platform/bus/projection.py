"""The port of a projection: a read model that knows how far it has come in every stream."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.codec import RecordedEvent


class PositionMoved(CloudbashError):
    """Another consumer was first: the read model is not at the version that was expected. Nothing was applied."""

    code = "position_moved"


class Projection(Protocol):
    """Takes whole aggregate types: every event of them advances the position of its stream, wanted or not."""

    @property
    def name(self) -> str:
        """The stable name under which positions and parked streams are kept."""

    @property
    def aggregate_types(self) -> frozenset[str]: ...

    def position(self, stream_id: UUID) -> int:
        """Return the last version applied, -1 for none. Raises Unavailable."""

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        """Apply the events, consecutive in the log, and move the position to the last one, in one transaction.

        Raises:
            PositionMoved: if the stream is not at `position`.
            Unavailable: if a server is away. Anything else is poison.
        """

    def fed_generations(self) -> "Sequence[Projection]":
        """Return the generations that a consumer feeds, the live one first. Raises Unavailable."""
