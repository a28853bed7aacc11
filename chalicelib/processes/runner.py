"""Running the processes: on the events of the bus, and past their due time."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.delivery.projection import PositionMoved
from chalicelib.eventsourcing.codec import RecordedEvent
from chalicelib.eventsourcing.event import format_instant
from chalicelib.processes.process import Instance, Instances, Process
from chalicelib.processes.work import Task, WorkQueue

logger = logging.getLogger(__name__)

PUSH_EVERY = timedelta(minutes=1)
"""How long the watchdog waits before it pushes the same process again."""

PUSHED_AT_ONCE = 500
_ROUNDS = 20
"""At most so many times 500 in one run: the rest is due a minute later as well."""


class ProcessRunner:
    """A projection whose read model is the processes: fed by a `Consumer`, with the same guarantees.

    The tasks of a step are sent before the step is saved, so a crash in between sends them again, and never loses them.
    """

    name = "processes"

    def __init__(self, instances: Instances, queue: WorkQueue, processes: Iterable[Process]) -> None:
        self._instances = instances
        self._queue = queue
        self._processes: Mapping[str, Process] = {process.aggregate_type: process for process in processes}

    @property
    def aggregate_types(self) -> frozenset[str]:
        return frozenset(self._processes)

    def position(self, stream_id: UUID) -> int:
        instance = self._instances.find(stream_id)
        return -1 if instance is None else instance.version

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        """As the port says."""
        if not events:
            return
        aggregate_type = events[0].event.aggregate_type
        instance = self._instances.find(stream_id) or Instance(stream_id, aggregate_type)
        if instance.version != position:
            raise PositionMoved(f"Process {stream_id} is at version {instance.version}, not {position}.")
        tasks: list[Task] = []
        for event in events:
            instance, caused = _advanced(self._processes[aggregate_type], instance, event)
            tasks += caused
        self._queue.send(tasks)
        self._instances.save(instance, position)

    def push_on(self, now: datetime) -> int:
        """Have everything done that is past its due time; how many processes were pushed. Raises Unavailable."""
        total = 0
        for _ in range(_ROUNDS):
            listed, pushed = self._push_some(now)
            total += pushed
            if listed < PUSHED_AT_ONCE:
                break
        if total:
            logger.info("%d processes were past their due time", total)
        return total

    def _push_some(self, now: datetime) -> tuple[int, int]:
        """How many were listed, and how many of them no other watchdog had pushed."""
        due = self._instances.list_due(now, PUSHED_AT_ONCE)
        pushed = [instance for instance in due if self._instances.postpone(instance, now + PUSH_EVERY)]
        cause = f"due {format_instant(now)}"
        self._queue.send([self._processes[one.aggregate_type].overdue(one.stream_id, cause) for one in pushed])
        return len(due), len(pushed)


def _advanced(process: Process, instance: Instance, recorded: RecordedEvent) -> tuple[Instance, tuple[Task, ...]]:
    step = process.react(instance.state, recorded)
    instance = replace(instance, version=recorded.version, state=step.state)
    if recorded.created < process.since:
        return instance, ()
    return replace(instance, due_at=step.due_at), step.tasks
