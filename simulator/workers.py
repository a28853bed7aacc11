"""Makes a worker with the handlers of all contexts, on whatever replaces the servers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib import contexts
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.processes.work import WorkQueue
from chalicelib.platform.processes.worker import Worker
from chalicelib.shop.orders.payments.port import PaymentGateway


@dataclass(frozen=True)
class WorkerServices:
    """Has what the handlers of tasks use of a container."""

    repository: Repository
    gateways: Mapping[str, PaymentGateway]
    work_queue: WorkQueue
    clock: Callable[[], datetime]

    def worker(self) -> Worker:
        """Make a worker for every kind of task."""
        return Worker(contexts.task_handlers(self))
