"""Work that is done later, outside the request and outside the bus: one small, repeatable task a message."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Kind(StrEnum):
    SETTLE_ORDER = "settle_order"
    SETTLE_PAYMENT = "settle_payment"
    CANCEL_ORDER = "cancel_order"
    CANCEL_POOL = "cancel_pool"
    RESUME_CONCERT = "resume_concert"


@dataclass(frozen=True, slots=True)
class Task:
    """What to do, and with which stream. `cause` becomes the causation id of its events; `about` names a part of it."""

    kind: Kind
    stream_id: UUID
    cause: str
    about: UUID | None = None


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
    body = {"kind": task.kind.value, "stream_id": str(task.stream_id), "cause": task.cause}
    return json.dumps(body | ({} if task.about is None else {"about": str(task.about)}))


def from_message(body: str) -> Task:
    """Raises ValueError, KeyError or TypeError for what is no task of ours."""
    message = json.loads(body)
    about = message.get("about")
    return Task(Kind(message["kind"]), UUID(message["stream_id"]), message["cause"], UUID(about) if about else None)
