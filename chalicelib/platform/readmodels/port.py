"""Defines the port of a read model that can be rebuilt: it has generations, and its contents can be read and set."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self
from uuid import UUID

from chalicelib.platform.bus.projection import Projection
from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject

Contents = JsonObject
"""Everything that one stream has contributed to a read model: plain values, the same for the same events."""


class GenerationsMoved(CloudbashError):
    """Somebody else began, ended or switched a generation meanwhile. Nothing was done."""

    code = "generations_moved"


@dataclass(frozen=True, slots=True)
class Generations:
    """The generations of a read model by their numbers, of which none is given twice.

    `live` answers the queries. `candidate` is being built, or is the one that was live before and can be again: only
    then it `is_complete`. The stores call these two `beside` and `is_whole`.
    """

    live: int = 1
    candidate: int | None = None
    is_complete: bool = False
    newest: int = 1


class StreamContents(NamedTuple):
    """The contents that a read model has of one stream, as of a version."""

    version: int
    contents: Contents


class Rewrite(NamedTuple):
    """Replaces everything of a stream by `contents`, as of `version`, if it is at version `expected` (-1: unknown)."""

    stream_id: UUID
    expected: int
    version: int
    contents: Contents


class ReadModel(Projection, Protocol):
    """One generation of a read model that can be rebuilt. Every method that asks a server may raise Unavailable."""

    @property
    def generation(self) -> int: ...

    @property
    def has_effects(self) -> bool:
        """Tell whether applying an event to the live generation does more than change it, such as sending a task.

        No other generation may then hold what the live one has not applied.
        """

    @property
    def readers_lag(self) -> float:
        """Return for how many seconds after a switch queries may still read from the old generation."""

    def at(self, generation: int) -> Self:
        """Return another generation of this read model; it has no effects there."""

    def live_generation(self) -> Self:
        """Return the generation that answers the queries now.

        Raises Unavailable.
        """

    def generations(self) -> Generations: ...

    def change(self, before: Generations, after: Generations) -> None:
        """Replace the generations, for queries and consumers in one step.

        Raises GenerationsMoved.
        """

    def prepare(self) -> None:
        """Create what this generation needs in the store, unless it is there."""

    def retain(self, generations: Collection[int]) -> None:
        """Remove all other generations."""

    def fold(self, contents: Contents | None, event: RecordedEvent) -> Contents:
        """Return the stream's contents with this event. It is pure, except that it may change `contents`.

        What `apply` does to a read model, event by event, adds up to the same.
        """

    def positions(self, stream_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """Return the positions of those streams that have one."""

    def read(self, stream_ids: Collection[UUID]) -> Mapping[UUID, StreamContents]:
        """Return the contents and the version, both of one instant, of those streams that have a position."""

    def rewrite(self, batch: Sequence[Rewrite]) -> Collection[UUID]:
        """Replace contents; return the streams that were not at the expected version and are left as they were.

        Raises the driver's error for contents that the store does not take; then any part of the batch may be done.
        """
