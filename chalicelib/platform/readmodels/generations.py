"""Generations of a read model: beside the live one another can be built, kept current, and made live in one step."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
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


class NothingToSwitchTo(CloudbashError):
    """There is no whole generation beside the live one."""

    code = "nothing_to_switch_to"


@dataclass(frozen=True, slots=True)
class Generations:
    """`live` answers the queries. `beside` is being built, or is the one that was live before and can be again:
    only then it `is_whole`. No number is given twice."""

    live: int = 1
    beside: int | None = None
    is_whole: bool = False
    newest: int = 1


class Kept(NamedTuple):
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
        """Whether applying an event to the live generation does more than to change it. What no live generation has
        applied must then be in no other."""

    @property
    def readers_lag(self) -> float:
        """For how many seconds after a switch queries may still read from the generation that was live before."""

    def at(self, generation: int) -> Self:
        """Another generation of this read model; one with effects has none there."""

    def generations(self) -> Generations: ...

    def change(self, before: Generations, after: Generations) -> None:
        """Move queries and consumers from one to the other in one step. Raises GenerationsMoved."""

    def prepare(self) -> None:
        """Make room for this generation, if there is none yet."""

    def keep_only(self, generations: Collection[int]) -> None:
        """Remove all others."""

    def fold(self, contents: Contents | None, event: RecordedEvent) -> Contents:
        """Pure but for `contents`, which it may change: what the stream contributes with this event as well. What
        `apply` does to a read model, event by event, adds up to the same."""

    def positions(self, stream_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """Of those that have one."""

    def read(self, stream_ids: Collection[UUID]) -> Mapping[UUID, Kept]:
        """Of those that have a position: contents and version of the same instant."""

    def rewrite(self, batch: Sequence[Rewrite]) -> Collection[UUID]:
        """The streams that were not at the expected version and are left as they were.

        Raises anything for contents that the store does not take; then any part of the batch may be done.
        """


def begin(model: ReadModel) -> ReadModel:
    """The generation that is being built, or a new one; consumers feed it from now on.

    A whole one beside the live one is fed no longer. Raises GenerationsMoved or Unavailable.
    """
    before = model.generations()
    if before.beside is not None and not before.is_whole:
        return model.at(before.beside)
    new = before.newest + 1
    building = model.at(new)
    building.prepare()
    model.change(before, Generations(before.live, new, is_whole=False, newest=new))
    return building


def switch(model: ReadModel) -> Generations:
    """Make the generation beside the live one, and the live one that beside it.

    Raises NothingToSwitchTo, GenerationsMoved or Unavailable.
    """
    before = model.generations()
    if before.beside is None or not before.is_whole:
        raise NothingToSwitchTo(f"{model.name} has no whole generation beside the live one.")
    after = replace(before, live=before.beside, beside=before.live)
    model.change(before, after)
    return after


def complete(model: ReadModel) -> None:
    """The generation that was being built is whole. Raises GenerationsMoved or Unavailable."""
    before = model.generations()
    model.change(before, replace(before, is_whole=before.beside is not None))
