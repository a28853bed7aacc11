"""Handles the tasks of the work queue that concerts own; each may come twice, late, or half done."""

from typing import Protocol

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.concerts.commands import close_sales, finish_capacity_change
from chalicelib.shop.concerts.terms import finish_terms_change

CANCEL_POOL = "cancel_pool"
"""The kind of a task that the context of orders handles: its stream is a closed pool, and it is about the concert."""


class ConcertTaskServices(Protocol):
    """Declares what these tasks use of a container."""

    @property
    def repository(self) -> Repository: ...

    @property
    def work_queue(self) -> WorkQueue: ...


def resume_concert(shop: ConcertTaskServices, task: Task) -> None:
    """Bring a change of capacity and one of the terms to their ends, and go on with a cancellation."""
    finish_capacity_change(shop.repository, task.stream_id, task.origin)
    finish_terms_change(shop.repository, task.stream_id, task.origin)
    pools = close_sales(shop.repository, task.stream_id, task.origin)
    shop.work_queue.send([Task(CANCEL_POOL, pool, task.cause, task.stream_id) for pool in pools])
