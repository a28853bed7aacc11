"""Runs what webhooks need from time to time."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from chalicelib.platform import metrics
from chalicelib.platform.processes.overdue import Watchdog
from chalicelib.platform.processes.process import Instance, Instances
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.webhooks.replaying import REPLAY, replay_task
from chalicelib.shop.webhooks.task_kinds import DELIVER_WEBHOOKS


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
    return Watchdog(shop.webhook_groups, shop.webhook_queue, _task_of, _tell_delay).retry(shop.clock())


def _tell_delay(seconds: float) -> None:
    metrics.highest("WebhookDelay", seconds, "Seconds")


def _task_of(instance: Instance, cause: str) -> Task:
    if instance.aggregate_type == REPLAY:
        return replay_task(UUID(instance.state["endpoints_id"]), instance.stream_id, cause)
    return Task(DELIVER_WEBHOOKS, instance.stream_id, cause)
