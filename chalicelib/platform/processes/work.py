"""Defines tasks: work that is done later, outside the request and the bus, in small pieces that may be done twice."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Origin


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work on one stream; the context that owns the kind has its handler.

    `cause` becomes the causation id of its events; `about` names a second stream or a part of the first.
    """

    kind: str
    stream_id: UUID
    cause: str
    about: UUID | None = None

    @property
    def origin(self) -> Origin:
        """Return the origin of the events that the task appends."""
        return Origin(f"worker:{self.kind}", str(self.stream_id), self.cause)

    @property
    def subject(self) -> UUID:
        """Return `about`, for kinds of tasks that must have it.

        Raises ValueError if it is None.
        """
        if self.about is None:
            raise ValueError(f"A task {self.kind} must name what it is about.")
        return self.about


class WorkQueue(Protocol):
    """Delivers tasks at least once, in any order."""

    def send(self, tasks: Sequence[Task], delay: timedelta = timedelta()) -> None:
        """Send the tasks, to be delivered after the delay.

        Raises Unavailable; then some of the tasks may be in the queue.
        """

    def count(self) -> int:
        """Return about how many tasks are in the queue, those included that a worker has or that come again later.

        Raises Unavailable.
        """


class RoutedWorkQueue:
    """Sends each kind of task to the queue of its context, so that a busy context keeps no other waiting."""

    def __init__(self, queue: WorkQueue, others: Mapping[str, Callable[[], WorkQueue]]) -> None:
        """`others` makes the queue of each kind that does not go to `queue`, when the first such task is sent."""
        self._queue = queue
        self._others = others

    def send(self, tasks: Sequence[Task], delay: timedelta = timedelta()) -> None:
        own = [task for task in tasks if task.kind not in self._others]
        if own:
            self._queue.send(own, delay)
        for kind in dict.fromkeys(task.kind for task in tasks if task.kind in self._others):
            self._others[kind]().send([task for task in tasks if task.kind == kind], delay)

    def count(self) -> int:
        """Return about how many tasks wait in the queue of most contexts."""
        return self._queue.count()


class MemoryWorkQueue:
    """Collects tasks in memory, for tests without servers. It ignores delays: a test decides when a task is done."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []

    def send(self, tasks: Sequence[Task], delay: timedelta = timedelta()) -> None:  # noqa: ARG002 - see the class
        self.tasks += tasks

    def count(self) -> int:
        return len(self.tasks)


def to_message(task: Task) -> str:
    body = {"kind": task.kind, "stream_id": str(task.stream_id), "cause": task.cause}
    return json.dumps(body | ({} if task.about is None else {"about": str(task.about)}))


def from_message(body: str) -> Task:
    """Read a task from the body of a message.

    Raises ValueError, KeyError or TypeError if it is none.
    """
    message = json.loads(body)
    about = message.get("about")
    return Task(str(message["kind"]), UUID(message["stream_id"]), message["cause"], UUID(about) if about else None)
