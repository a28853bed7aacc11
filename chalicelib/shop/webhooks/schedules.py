"""Runs what webhooks need from time to time."""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from chalicelib.platform import metrics
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.processes.process import Instance, Instances
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.webhooks.replaying import REPLAY, replay_task
from chalicelib.shop.webhooks.task_kinds import DELIVER_WEBHOOKS

RETRIED_AT_ONCE = 500
_ROUNDS = 20
RETRIED_AGAIN_AFTER = timedelta(minutes=5)
"""What was due and is not changed by then, because its task was lost, is looked after again."""


class WebhookScheduleServices(Protocol):
    """Declares what these schedules use of a container."""

    @property
    def webhook_groups(self) -> Instances: ...

    @property
    def webhook_queue(self) -> WorkQueue: ...

    def clock(self) -> datetime: ...


def retry_webhooks(shop: WebhookScheduleServices) -> int:
    """Send a task for every group whose next attempt is due, and whatever a worker left; return how many.

    Raises Unavailable.
    """
    now, total = shop.clock(), 0
    for _ in range(_ROUNDS):
        due = shop.webhook_groups.list_due(now, RETRIED_AT_ONCE)
        for instance in due:
            if instance.due_at is not None:
                metrics.highest("WebhookDelay", (now - instance.due_at).total_seconds(), "Seconds")
        # As with the watchdog of the processes: of two runs at once only one postpones an instance and sends its task.
        retried = [one for one in due if shop.webhook_groups.postpone(one, now + RETRIED_AGAIN_AFTER)]
        shop.webhook_queue.send([_task_of(one, f"due {format_instant(now)}") for one in retried])
        total += len(retried)
        if len(due) < RETRIED_AT_ONCE:
            break
    return total


def _task_of(instance: Instance, cause: str) -> Task:
    if instance.aggregate_type == REPLAY:
        return replay_task(UUID(instance.state["endpoints_id"]), instance.stream_id, cause)
    return Task(DELIVER_WEBHOOKS, instance.stream_id, cause)
