"""Runs what mails need from time to time."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from chalicelib.platform import metrics
from chalicelib.platform.processes.overdue import Watchdog
from chalicelib.platform.processes.process import Instance, Instances
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.mails.reminding import REMINDER
from chalicelib.shop.mails.spreading import SPREAD
from chalicelib.shop.mails.task_kinds import REMIND, SEND_MAIL, SPREAD_MAILS


class MailScheduleServices(Protocol):
    """Declares what these schedules use of a container."""

    @property
    def mails(self) -> Instances: ...

    @property
    def mail_queue(self) -> WorkQueue: ...

    def clock(self) -> datetime: ...


def retry_mails(shop: MailScheduleServices) -> int:
    """Send a task for every mail that is due, and whatever a worker left; return how many.

    Raises Unavailable.
    """
    return Watchdog(shop.mails, shop.mail_queue, _task_of, _tell_delay).retry(shop.clock())


def _tell_delay(seconds: float) -> None:
    metrics.highest("MailDelay", seconds, "Seconds")


def _task_of(instance: Instance, cause: str) -> Task:
    if instance.aggregate_type == REMINDER:
        return Task(REMIND, UUID(instance.state["concert_id"]), cause)
    return Task(SPREAD_MAILS if instance.aggregate_type == SPREAD else SEND_MAIL, instance.stream_id, cause)
