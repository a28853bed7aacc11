"""Doing the tasks of the work queue."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chalicelib.concerts.commands import close_sales, complete_cancellation
from chalicelib.eventsourcing.codec import Origin
from chalicelib.eventsourcing.repository import Repository
from chalicelib.inventory.commands import orders_in
from chalicelib.orders.payments import PaymentGateway
from chalicelib.orders.settlement import Cashier, cancel_order, settle, settle_payment
from chalicelib.processes.work import Kind, Task, WorkQueue, from_message

logger = logging.getLogger(__name__)

CONCERT_CANCELLED = "The concert is cancelled."


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the queue."""

    id: str
    body: str


class Worker:
    """Every task may come twice, late, or after another worker did half of it."""

    def __init__(
        self,
        repository: Repository,
        gateways: Mapping[str, PaymentGateway],
        queue: WorkQueue,
        clock: Callable[[], datetime],
    ) -> None:
        self._repository = repository
        self._gateways = gateways
        self._queue = queue
        self._clock = clock

    def work(self, messages: Iterable[Message]) -> dict[str, Any]:
        """Handle one batch; returns what Lambda wants to know of it: the messages that are to come again."""
        failed = [{"itemIdentifier": message.id} for message in messages if not self._is_done(message)]
        return {"batchItemFailures": failed}

    def do(self, task: Task) -> None:
        """Raises Unavailable, or whatever stands in the way: then the task comes again."""
        origin = Origin(f"worker:{task.kind}", str(task.stream_id), task.cause)
        cashier = Cashier(self._repository, self._gateways, origin)
        match task.kind:
            case Kind.SETTLE_ORDER:
                settle(cashier, task.stream_id, self._clock())
            case Kind.SETTLE_PAYMENT if task.about is not None:
                settle_payment(cashier, task.stream_id, task.about)
            case Kind.CANCEL_ORDER:
                cancel_order(cashier, task.stream_id, CONCERT_CANCELLED)
            case Kind.CANCEL_POOL:
                self._cancel_orders_of(task.stream_id, task.cause)
            case Kind.CANCEL_CONCERT:
                self._cancel_concert(task.stream_id, origin)

    def _cancel_concert(self, concert_id: UUID, origin: Origin) -> None:
        """Nothing can be sold any more when the pools are closed, so what each of them then tells is complete."""
        pools = close_sales(self._repository, concert_id, origin)
        self._queue.send([Task(Kind.CANCEL_POOL, pool, origin.causation_id) for pool in pools])
        complete_cancellation(self._repository, concert_id, origin)

    def _cancel_orders_of(self, pool_id: UUID, cause: str) -> None:
        orders = orders_in(self._repository, pool_id)
        self._queue.send([Task(Kind.CANCEL_ORDER, order_id, cause) for order_id in orders])

    def _is_done(self, message: Message) -> bool:
        try:
            self.do(from_message(message.body))
        except Exception:
            logger.exception("work message %s comes again: %s", message.id, message.body[:500])
            return False
        return True
