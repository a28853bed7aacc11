"""What a process is, and where it keeps what it knows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from chalicelib.delivery.projection import PositionMoved
from chalicelib.eventsourcing.codec import RecordedEvent
from chalicelib.eventsourcing.event import JsonObject
from chalicelib.processes.work import Task

FROM_THE_BEGINNING = datetime(2021, 1, 1, tzinfo=UTC)
"""The `since` of processes that have been here as long as the shop: imported logs are older."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where an event leaves a process: its state, when somebody must look after it, and what is to be done at once."""

    state: JsonObject
    due_at: datetime | None = None
    tasks: tuple[Task, ...] = ()


class Process(Protocol):
    """Follows each stream of one aggregate type. Pure; never raises on history."""

    @property
    def aggregate_type(self) -> str: ...

    @property
    def since(self) -> datetime:
        """Events before this set the state and cause nothing."""

    def react(self, state: JsonObject, recorded: RecordedEvent) -> Step:
        """`state` is empty before the first event."""

    def overdue(self, stream_id: UUID, cause: str) -> Task:
        """What to do for a stream that is due."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A process of one stream: how far it has followed it, and when it is due."""

    stream_id: UUID
    aggregate_type: str
    version: int = -1
    state: JsonObject = field(default_factory=dict)
    due_at: datetime | None = None


class Instances(Protocol):
    """Where processes are kept. Every method may raise Unavailable."""

    def find(self, stream_id: UUID) -> Instance | None: ...

    def save(self, instance: Instance, expected_version: int) -> None:
        """Raises PositionMoved unless the instance kept is at `expected_version` (-1: none is kept)."""

    def list_due(self, now: datetime, limit: int) -> Sequence[Instance]:
        """Those due at `now`; one that was just saved may be missing."""

    def postpone(self, instance: Instance, until: datetime) -> bool:
        """Move the due time of an unchanged instance; whether it was unchanged."""


class MemoryInstances:
    """For tests without servers."""

    def __init__(self) -> None:
        self._kept: dict[UUID, Instance] = {}

    def find(self, stream_id: UUID) -> Instance | None:
        return self._kept.get(stream_id)

    def save(self, instance: Instance, expected_version: int) -> None:
        kept = self._kept.get(instance.stream_id)
        if (kept.version if kept else -1) != expected_version:
            raise PositionMoved(f"Process {instance.stream_id} is not at version {expected_version} any more.")
        self._kept[instance.stream_id] = instance

    def list_due(self, now: datetime, limit: int) -> list[Instance]:
        return [kept for kept in self._kept.values() if kept.due_at is not None and kept.due_at <= now][:limit]

    def postpone(self, instance: Instance, until: datetime) -> bool:
        if self._kept.get(instance.stream_id) != instance:
            return False
        self._kept[instance.stream_id] = Instance(
            instance.stream_id, instance.aggregate_type, instance.version, instance.state, until
        )
        return True
