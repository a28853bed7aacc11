"""Work that is done later, outside the request and outside the bus: one small, repeatable task a message."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Origin


@dataclass(frozen=True, slots=True)
class Task:
    """What to do, and with which stream; the context that owns the kind has its handler.

    `cause` becomes the causation id of its events; `about` names a second stream or a part of the first.
    """

    kind: str
    stream_id: UUID
    cause: str
    about: UUID | None = None

    @property
    def origin(self) -> Origin:
        """In whose name its events are appended."""
        return Origin(f"worker:{self.kind}", str(self.stream_id), self.cause)

    @property
    def subject(self) -> UUID:
        """What it is about. Raises ValueError for a task that does not say so."""
        if self.about is None:
            raise ValueError(f"A task {self.kind} must name what it is about.")
        return self.about


class WorkQueue(Protocol):
    """Delivers at least once, in any order."""

    def send(self, tasks: Sequence[Task], delay: timedelta = timedelta()) -> None:
        """Raises Unavailable; then some of the tasks may be in the queue."""


class MemoryWorkQueue:
    """For tests without servers. Delays are not kept: the queue is emptied when the test says so."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []

    def send(self, tasks: Sequence[Task], delay: timedelta = timedelta()) -> None:  # noqa: ARG002 - see the class
        self.tasks += tasks


def to_message(task: Task) -> str:
    body = {"kind": task.kind, "stream_id": str(task.stream_id), "cause": task.cause}
    return json.dumps(body | ({} if task.about is None else {"about": str(task.about)}))


def from_message(body: str) -> Task:
    """Raises ValueError, KeyError or TypeError for what is no task of ours."""
    message = json.loads(body)
    about = message.get("about")
    return Task(str(message["kind"]), UUID(message["stream_id"]), message["cause"], UUID(about) if about else None)
