"""Does the tasks of the work queue."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.platform import logs
from chalicelib.platform.processes.work import Task, from_message

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the queue."""

    id: str
    body: str


class Worker:
    """Has every task done by the handler of its kind; a task may come twice, late, or half done."""

    def __init__(self, handlers: Mapping[str, Callable[[Task], None]]) -> None:
        self._handlers = handlers

    def work(self, messages: Iterable[Message]) -> dict[str, Any]:
        """Handle one batch, and return the reply for Lambda: the messages that must come again."""
        failed = [{"itemIdentifier": message.id} for message in messages if not self._is_done(message)]
        return {"batchItemFailures": failed}

    def do(self, task: Task) -> None:
        """Do one task.

        Raises Unavailable, or whatever the handler raises: then the task comes again.
        """
        if task.kind not in self._handlers:
            raise ValueError(f"No context handles tasks of kind {task.kind}.")
        self._handlers[task.kind](task)

    def _is_done(self, message: Message) -> bool:
        with logs.about(messageId=message.id):
            try:
                task = from_message(message.body)
                stream = str(task.stream_id)
                logs.note(task=task.kind, stream=stream, correlationId=stream, causationId=task.cause)
                self.do(task)
            except Exception:
                logger.exception("the message comes again")
                return False
            logger.info("done")
            return True
