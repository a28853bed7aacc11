"""Sends tasks to the work queue in SQS."""

from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Any

from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.processes.work import Task, to_message

_BATCH = 10
_LONGEST_DELAY = timedelta(minutes=15)
_COUNTS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
]


class SqsWorkQueue:
    """Sends to a standard queue. A task may come twice, in any order, and is a dead letter if it fails too often."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, tasks: Sequence[Task], delay: timedelta = timedelta()) -> None:
        # Rounded up: a task that comes before its time finds nothing to do.
        seconds = ceil(min(delay, _LONGEST_DELAY).total_seconds())
        for start in range(0, len(tasks), _BATCH):
            with failures_as_unavailable("The work queue"):
                self._send_batch([to_message(task) for task in tasks[start : start + _BATCH]], seconds)

    def count(self) -> int:
        with failures_as_unavailable("The work queue"):
            reply = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=_COUNTS)
        return sum(int(reply["Attributes"][name]) for name in _COUNTS)

    def _send_batch(self, bodies: list[str], delay_seconds: int) -> None:
        reply = self._client.send_message_batch(
            QueueUrl=self._url,
            Entries=[
                {"Id": str(number), "MessageBody": body, "DelaySeconds": delay_seconds}
                for number, body in enumerate(bodies)
            ],
        )
        if reply.get("Failed"):
            raise Unavailable("The work queue did not take all tasks.")
