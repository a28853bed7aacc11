"""Defines the port of a projection: a read model with a position in every stream."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.codec import RecordedEvent


class PositionMoved(CloudbashError):
    """Another consumer was first: the read model is not at the version that was expected. Nothing was applied."""

    code = "position_moved"


class Projection(Protocol):
    """Follows all events of some aggregate types: each advances the position of its stream, even if nothing changes."""

    @property
    def name(self) -> str:
        """Return the name under which positions and parked streams are stored, which never changes."""

    @property
    def aggregate_types(self) -> frozenset[str]: ...

    def position(self, stream_id: UUID) -> int:
        """Return the last version applied, -1 for none.

        Raises Unavailable.
        """

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        """Apply the events, consecutive in the log, and move the position to the last one, in one transaction.

        Anything else that is raised is poison.

        Raises:
            PositionMoved: the stream is not at `position`.
            Unavailable: a server is away.
        """

    def fed_generations(self) -> "Sequence[Projection]":
        """Return the generations that a consumer feeds, the live one first.

        Raises Unavailable.
        """
