"""Runs the processes: on the events of the bus, and when they are past their due time."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform import metrics
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.processes.overdue import Watchdog
from chalicelib.platform.processes.process import Instance, Instances, Process, Reaction, Step
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.platform.readmodels.base import GenerationalReadModel
from chalicelib.platform.readmodels.port import Contents, Generations, Rewrite, StreamContents

logger = logging.getLogger(__name__)

RETRY_EVERY = timedelta(minutes=1)
"""How long the watchdog waits at least before it retries the same process."""

MOST_STUCK = 1_000
"""No more than so many are counted that wait for an operator."""

BUSY_FROM = 100
"""With so many tasks in the queue, what is overdue most likely has its task there already, and is given more time."""

PATIENCE_WHILE_BUSY = timedelta(hours=1)


class ProcessRunner(GenerationalReadModel):
    """Projects events into processes, fed by a `Consumer` with the same guarantees as a read model.

    The tasks of a step are sent before the step is saved, so a crash in between sends them again, and never loses them.
    Only the live generation sends any. A stream that only reactions follow has an instance too, for its position.
    """

    has_effects = True

    def __init__(
        self,
        instances: Instances,
        queue: WorkQueue,
        processes: Iterable[Process],
        reactions: Iterable[Reaction] = (),
    ) -> None:
        self._instances = instances
        self._queue = queue
        self._processes: Mapping[str, Process] = {process.aggregate_type: process for process in processes}
        self._reactions = tuple(reactions)
        followed = self._processes.keys() | {name for one in self._reactions for name in one.aggregate_types}
        super().__init__("processes", followed, instances.generation)

    def at(self, generation: int) -> "ProcessRunner":
        return self._over(self._instances.at(generation), _NoWork())

    def _live_at(self, generation: int) -> "ProcessRunner":
        """Return the live generation: it alone sends tasks."""
        return self if generation == self.generation else self._over(self._instances.at(generation), self._queue)

    def generations(self) -> Generations:
        return self._instances.generations()

    def change(self, before: Generations, after: Generations) -> None:
        self._instances.change_generations(before, after)

    def retain(self, generations: Collection[int]) -> None:
        self._instances.retain(generations)

    def fold(self, contents: Contents | None, event: RecordedEvent) -> Contents:
        aggregate_type = event.event.aggregate_type
        before = Instance(event.stream_id, aggregate_type) if contents is None else _instance(event.stream_id, contents)
        return _contents(_advanced(self._processes.get(aggregate_type), before, event)[0])

    def positions(self, stream_ids: Collection[UUID]) -> Mapping[UUID, int]:
        return self._instances.versions(stream_ids)

    def read(self, stream_ids: Collection[UUID]) -> dict[UUID, StreamContents]:
        found = self._instances.find_many(stream_ids)
        return {key: StreamContents(instance.version, _contents(instance)) for key, instance in found.items()}

    def rewrite(self, batch: Sequence[Rewrite]) -> Collection[UUID]:
        """Save the instances, and send nothing."""
        return self._instances.save_many(
            {one.stream_id: (_instance(one.stream_id, one.contents, one.version), one.expected) for one in batch}
        )

    def _over(self, instances: Instances, queue: WorkQueue) -> "ProcessRunner":
        return ProcessRunner(instances, queue, self._processes.values(), self._reactions)

    def position(self, stream_id: UUID) -> int:
        instance = self._instances.find(stream_id)
        return -1 if instance is None else instance.version

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        """Apply as the port says; the tasks are sent before the instance is saved."""
        if not events:
            return
        aggregate_type = events[0].event.aggregate_type
        instance = self._instances.find(stream_id) or Instance(stream_id, aggregate_type)
        if instance.version != position:
            raise PositionMoved(f"Process {stream_id} is at version {instance.version}, not {position}.")
        tasks: list[Task] = []
        for event in events:
            instance, caused = _advanced(self._processes.get(aggregate_type), instance, event)
            tasks += [*caused, *self._reacted(event)]
        self._queue.send(tasks)
        self._instances.save(instance, position)

    def _reacted(self, event: RecordedEvent) -> list[Task]:
        aggregate_type = event.event.aggregate_type
        interested = (one for one in self._reactions if aggregate_type in one.aggregate_types)
        return [task for one in interested if event.created >= one.since for task in one.react(event)]

    def retry_overdue(self, now: datetime) -> int:
        """Send a task for every process that is past its due time; return how many there were.

        While the queue is busy, only those are sent that are past it by an hour (ADR 47).
        Raises Unavailable.
        """
        live = self._instances.at(self.generations().live)
        until = now - PATIENCE_WHILE_BUSY if self._queue.count() >= BUSY_FROM else now
        total = Watchdog(live, self._queue, self._overdue, _tell_delay, self._retry_at).retry(now, until)
        metrics.highest("StuckProcesses", len(live.list_stuck(MOST_STUCK)), "Count")
        if total:
            logger.info("%d processes were past their due time", total)
        return total

    def _overdue(self, instance: Instance, cause: str) -> Task:
        return self._processes[instance.aggregate_type].overdue(instance.stream_id, cause)

    def _retry_at(self, instance: Instance, now: datetime) -> datetime:
        at = self._processes[instance.aggregate_type].retry_at(instance.state, now)
        return max(at, now + RETRY_EVERY)


def _tell_delay(seconds: float) -> None:
    metrics.highest("WatchdogDelay", seconds, "Seconds")


class _NoWork:
    """The queue of generations that are not live."""

    def send(self, tasks: Sequence[Task], delay: timedelta = timedelta()) -> None:
        """Send nothing: the live generation has sent these tasks."""

    def count(self) -> int:
        return 0


def _contents(instance: Instance) -> Contents:
    due_at = None if instance.due_at is None else format_instant(instance.due_at)
    return {"aggregate_type": instance.aggregate_type, "state": instance.state, "due_at": due_at}


def _instance(stream_id: UUID, contents: Contents, version: int = -1) -> Instance:
    due_at = contents["due_at"]
    due = None if due_at is None else datetime.fromisoformat(due_at)
    return Instance(stream_id, contents["aggregate_type"], version, contents["state"], due)


def _advanced(
    process: Process | None, instance: Instance, recorded: RecordedEvent
) -> tuple[Instance, tuple[Task, ...]]:
    step = Step({}) if process is None else process.react(instance.state, recorded)
    instance = replace(instance, version=recorded.version, state=step.state)
    if process is None or recorded.created < process.since:
        return instance, ()
    return replace(instance, due_at=step.due_at), step.tasks
