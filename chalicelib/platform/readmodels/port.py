"""The port of a read model that can be rebuilt: a projection with generations, whose contents can be read and set."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self
from uuid import UUID

from chalicelib.platform.bus.projection import Projection
from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject

Contents = JsonObject
"""All that one stream has contributed to a read model: plain values, the same for the same events."""


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
    """What a read model holds of one stream, and up to which version."""

    version: int
    contents: Contents


class Rewrite(NamedTuple):
    """Make `contents` all there is of the stream, as of `version`, if it is at version `expected` (-1: unknown)."""

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
        """Tell whether applying an event to the live generation does more than to change it.

        What no live generation has applied must then be in no other.
        """

    @property
    def readers_lag(self) -> float:
        """Return the seconds for which queries may go on to read from the old generation after a switch."""

    def at(self, generation: int) -> Self:
        """Return another generation of this read model; it has no effects there."""

    def live_generation(self) -> Self:
        """Return the generation that answers the queries now. Raises Unavailable."""

    def generations(self) -> Generations: ...

    def change(self, before: Generations, after: Generations) -> None:
        """Move queries and consumers from one to the other in one step. Raises GenerationsMoved."""

    def prepare(self) -> None:
        """Make room for this generation, if there is none yet."""

    def retain(self, generations: Collection[int]) -> None:
        """Remove all other generations."""

    def fold(self, contents: Contents | None, event: RecordedEvent) -> Contents:
        """Return what the stream contributes with this event as well. Pure but for `contents`, which it may change.

        What `apply` does to a read model, event by event, adds up to the same.
        """

    def positions(self, stream_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """Return the positions of those streams that have one."""

    def read(self, stream_ids: Collection[UUID]) -> Mapping[UUID, StreamContents]:
        """Return contents and version, of the same instant, of those streams that have a position."""

    def rewrite(self, batch: Sequence[Rewrite]) -> Collection[UUID]:
        """Return the streams that were not at the expected version and are left as they were.

        Raises anything for contents that the store does not take; then any part of the batch may be done.
        """
