"""Doing the tasks of the work queue."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chalicelib.platform import logs
from chalicelib.platform.errors import CloudbashError, Unavailable
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.processes.work import Kind, Task, WorkQueue, from_message
from chalicelib.shop.concerts.commands import close_sales, finish_capacity_change
from chalicelib.shop.inventory.commands import clear_pool, orders_in
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.settlement import (
    SettlementContext,
    begin_cancellation,
    cancel_order,
    settle,
    settle_payment,
)

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
        context = SettlementContext(self._repository, self._gateways, origin)
        match task.kind:
            case Kind.SETTLE_ORDER:
                settle(context, task.stream_id, self._clock())
            case Kind.SETTLE_PAYMENT if task.about is not None:
                settle_payment(context, task.stream_id, task.about)
            case Kind.CANCEL_ORDER if task.about is not None:
                cancel_order(context, task.stream_id, task.about, CONCERT_CANCELLED)
            case Kind.CANCEL_POOL if task.about is not None:
                self._cancel_orders_of(task.stream_id, task.about, context)
            case Kind.RESUME_CONCERT:
                finish_capacity_change(self._repository, task.stream_id, origin)
                pools = close_sales(self._repository, task.stream_id, origin)
                self._queue.send([Task(Kind.CANCEL_POOL, pool, task.cause, task.stream_id) for pool in pools])
            case _:
                raise ValueError(f"A task {task.kind} must name what it is about.")

    def _cancel_orders_of(self, pool_id: UUID, concert_id: UUID, context: SettlementContext) -> None:
        """The pool is closed, so what its events tell is complete. It is cleared once every order has decided: what is
        left to do then is known to the order's own process, and sent to be done at once only to save time."""
        tasks = [self._begun(order_id, concert_id, context) for order_id in orders_in(self._repository, pool_id)]
        self._queue.send([task for task in tasks if task is not None])
        if not any(task is not None and task.kind is Kind.CANCEL_ORDER for task in tasks):
            clear_pool(self._repository, pool_id, context.origin)

    def _begun(self, order_id: UUID, concert_id: UUID, context: SettlementContext) -> Task | None:
        """What is left to do for the order, if anything. One that is being paid, or cannot be read, holds up no other:
        it gets a task of its own, and the pool is not cleared before it has decided."""
        cause = context.origin.causation_id
        try:
            order = begin_cancellation(context, order_id, concert_id, CONCERT_CANCELLED)
        except Unavailable:
            raise
        except CloudbashError:
            return Task(Kind.CANCEL_ORDER, order_id, cause, concert_id)
        return Task(Kind.SETTLE_ORDER, order_id, cause) if order.is_unfinished else None

    def _is_done(self, message: Message) -> bool:
        with logs.about(messageId=message.id):
            try:
                task = from_message(message.body)
                stream = str(task.stream_id)
                logs.note(task=task.kind.value, stream=stream, correlationId=stream, causationId=task.cause)
                self.do(task)
            except Exception:
                logger.exception("the message comes again")
                return False
            logger.info("done")
            return True
