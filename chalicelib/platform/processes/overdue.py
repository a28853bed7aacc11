"""Sends tasks for instances that are past their due time, each once however many watchdogs look at the same time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.processes.process import Instance, Instances
from chalicelib.platform.processes.work import Task, WorkQueue

RETRIED_AT_ONCE = 500
_ROUNDS = 20
"""One run retries at most 20 times 500 instances; the rest waits for the next run, a minute later."""

RETRIED_AGAIN_AFTER = timedelta(minutes=5)
"""What is still unchanged by then, because its task was lost, is retried again."""


def _usual(_: Instance, now: datetime) -> datetime:
    return now + RETRIED_AGAIN_AFTER


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Has what retries need: `task_of` takes an instance and a cause, and `tell_delay` the seconds since it was due."""

    instances: Instances
    queue: WorkQueue
    task_of: Callable[[Instance, str], Task]
    tell_delay: Callable[[float], None]
    again_at: Callable[[Instance, datetime], datetime] = _usual

    def retry(self, now: datetime, until: datetime | None = None) -> int:
        """Send a task for every instance that was due by `until`, which is now if not given; return how many.

        Raises Unavailable.
        """
        total = 0
        for _ in range(_ROUNDS):
            listed, retried = self._retry_some(until or now, now)
            total += retried
            if listed < RETRIED_AT_ONCE:
                break
        return total

    def _retry_some(self, until: datetime, now: datetime) -> tuple[int, int]:
        """Return how many were listed, and how many were still unchanged and so retried."""
        due = self.instances.list_due(until, RETRIED_AT_ONCE)
        for instance in due:
            if instance.due_at is not None:
                self.tell_delay((until - instance.due_at).total_seconds())
        # Postponed before the tasks are sent: of two watchdogs only one postpones an instance, so it is retried once.
        # If this one crashes in between, the instance is due again when it was postponed to.
        retried = [instance for instance in due if self.instances.postpone(instance, self.again_at(instance, now))]
        self.queue.send([self.task_of(one, f"due {format_instant(now)}") for one in retried])
        return len(due), len(retried)
