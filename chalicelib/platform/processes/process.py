"""Defines the ports of a process and of the store of its instances."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, Self
from uuid import UUID

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.processes.work import Task
from chalicelib.platform.readmodels.port import Generations, GenerationsMoved

FROM_THE_BEGINNING = datetime(2021, 1, 1, tzinfo=UTC)
"""The `since` of processes that have been here as long as the shop: imported logs are older."""

STUCK = datetime(9999, 1, 1, tzinfo=UTC)
"""The due time of a process that nothing can finish but an operator."""


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one event: the new state, the due time, and the tasks to send at once."""

    state: JsonObject
    due_at: datetime | None = None
    tasks: tuple[Task, ...] = ()


class Process(Protocol):
    """Follows each stream of one aggregate type. Its methods are pure, and never raise on history."""

    @property
    def aggregate_type(self) -> str: ...

    @property
    def since(self) -> datetime:
        """Return the instant before which events only set the state, and cause no tasks and no due time."""

    def react(self, state: JsonObject, recorded: RecordedEvent) -> Step:
        """Return where the event leaves the process; `state` is empty before the first event."""

    def overdue(self, stream_id: UUID, cause: str) -> Task:
        """Return the task to send for a stream that is past its due time."""

    def retry_at(self, state: JsonObject, now: datetime) -> datetime:
        """Return when to look again after a stream that was overdue at `now`, if nothing has changed by then."""


class Reaction(Protocol):
    """Sends tasks for events of several aggregate types, and remembers nothing. Its methods are pure."""

    @property
    def aggregate_types(self) -> frozenset[str]: ...

    @property
    def since(self) -> datetime:
        """Return the instant before which events cause no tasks."""

    def react(self, recorded: RecordedEvent) -> tuple[Task, ...]: ...


@dataclass(frozen=True, slots=True)
class Instance:
    """The process of one stream: its state as of `version`, and when it is due."""

    stream_id: UUID
    aggregate_type: str
    version: int = -1
    state: JsonObject = field(default_factory=dict)
    due_at: datetime | None = None


class Instances(Protocol):
    """Stores the instances of processes. Every method may raise Unavailable."""

    def find(self, stream_id: UUID) -> Instance | None: ...

    def save(self, instance: Instance, expected_version: int) -> None:
        """Store the instance in the place of the one at `expected_version` (-1: none).

        Raises PositionMoved if that is not the stored version any more.
        """

    def list_due(self, now: datetime, limit: int) -> Sequence[Instance]:
        """List the instances that are due at `now`; one that was just saved may be missing."""

    def list_stuck(self, limit: int) -> Sequence[Instance]:
        """List the instances that wait for an operator."""

    def postpone(self, instance: Instance, until: datetime) -> bool:
        """Move the due time of an unchanged instance; tell whether it was unchanged."""

    @property
    def generation(self) -> int: ...

    def at(self, generation: int) -> Self:
        """Return the instances of another generation."""

    def generations(self) -> Generations: ...

    def change_generations(self, before: Generations, after: Generations) -> None:
        """Replace the generations.

        Raises GenerationsMoved.
        """

    def retain(self, generations: Collection[int]) -> None:
        """Remove the instances of all other generations."""

    def versions(self, stream_ids: Collection[UUID]) -> Mapping[UUID, int]: ...

    def find_many(self, stream_ids: Collection[UUID]) -> Mapping[UUID, Instance]:
        """Find instances as they were saved: a due time that was moved since then is as it was."""

    def save_many(self, instances: Mapping[UUID, tuple[Instance, int]]) -> Collection[UUID]:
        """Save each instance whose expected version, given with it, is the stored one; return the other streams."""


class MemoryInstances:
    """Stores instances in memory, for tests without servers."""

    def __init__(self, generation: int = 1, shared: "_Shared | None" = None) -> None:
        self._shared = shared or _Shared()
        self._generation = generation
        self._stored = self._shared.stored.setdefault(generation, {})
        self._saved = self._shared.saved.setdefault(generation, {})

    def find(self, stream_id: UUID) -> Instance | None:
        return self._stored.get(stream_id)

    def save(self, instance: Instance, expected_version: int) -> None:
        stored = self._stored.get(instance.stream_id)
        if (stored.version if stored else -1) != expected_version:
            raise PositionMoved(f"Process {instance.stream_id} is not at version {expected_version} any more.")
        self._stored[instance.stream_id] = self._saved[instance.stream_id] = instance

    def list_due(self, now: datetime, limit: int) -> list[Instance]:
        return [one for one in self._stored.values() if one.due_at is not None and one.due_at <= now][:limit]

    def list_stuck(self, limit: int) -> list[Instance]:
        return [one for one in self._stored.values() if one.due_at == STUCK][:limit]

    def postpone(self, instance: Instance, until: datetime) -> bool:
        if self._stored.get(instance.stream_id) != instance:
            return False
        self._stored[instance.stream_id] = Instance(
            instance.stream_id, instance.aggregate_type, instance.version, instance.state, until
        )
        return True

    @property
    def generation(self) -> int:
        return self._generation

    def at(self, generation: int) -> "MemoryInstances":
        return MemoryInstances(generation, self._shared)

    def generations(self) -> Generations:
        return self._shared.generations

    def change_generations(self, before: Generations, after: Generations) -> None:
        if self._shared.generations != before:
            raise GenerationsMoved(f"The generations are not {before} any more.")
        self._shared.generations = after

    def retain(self, generations: Collection[int]) -> None:
        for number in self._shared.stored.keys() - set(generations):
            del self._shared.stored[number], self._shared.saved[number]

    def versions(self, stream_ids: Collection[UUID]) -> dict[UUID, int]:
        return {key: self._stored[key].version for key in stream_ids if key in self._stored}

    def find_many(self, stream_ids: Collection[UUID]) -> dict[UUID, Instance]:
        return {key: self._saved[key] for key in stream_ids if key in self._saved}

    def save_many(self, instances: Mapping[UUID, tuple[Instance, int]]) -> set[UUID]:
        moved = set()
        for key, (instance, expected) in instances.items():
            try:
                self.save(instance, expected)
            except PositionMoved:
                moved.add(key)
        return moved


@dataclass
class _Shared:
    """Holds what all generations of one store have in common."""

    stored: dict[int, dict[UUID, Instance]] = field(default_factory=dict)
    saved: dict[int, dict[UUID, Instance]] = field(default_factory=dict)
    generations: Generations = field(default_factory=Generations)
