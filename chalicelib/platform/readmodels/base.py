"""Defines what all read models have in common, whatever store they are in."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Self
from uuid import UUID

from chalicelib.platform.readmodels.port import Generations


class GenerationalReadModel(ABC):
    """One generation of a read model: its name, what it follows, and how it finds the other generations."""

    has_effects = False
    readers_lag = 0.0

    def __init__(self, name: str, aggregate_types: Collection[str], generation: int) -> None:
        self.name = name
        self.aggregate_types = frozenset(aggregate_types)
        self.generation = generation

    @abstractmethod
    def at(self, generation: int) -> Self: ...

    @abstractmethod
    def generations(self) -> Generations: ...

    @abstractmethod
    def positions(self, stream_ids: Collection[UUID]) -> Mapping[UUID, int]: ...

    def position(self, stream_id: UUID) -> int:
        return self.positions([stream_id]).get(stream_id, -1)

    def prepare(self) -> None:  # noqa: B027 - where a generation is a prefix of keys, it needs nothing
        """Create what this generation needs in the store, unless it is there."""

    def live_generation(self) -> Self:
        return self._live_at(self.generations().live)

    def fed_generations(self) -> list[Self]:
        found = self.generations()
        candidates = [] if found.candidate is None else [self.at(found.candidate)]
        return [self._live_at(found.live), *candidates]

    def _live_at(self, generation: int) -> Self:
        """Return the live generation, which may have effects that others do not have."""
        return self.at(generation)
