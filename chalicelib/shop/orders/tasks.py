"""The tasks of the work queue that orders own; each may come twice, late, or half done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chalicelib.platform.errors import CloudbashError, Unavailable
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.concerts.commands import complete_cancellation
from chalicelib.shop.inventory.commands import clear_pool, orders_in
from chalicelib.shop.orders import settlement
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.settlement import SettlementContext
from chalicelib.shop.orders.task_kinds import CANCEL_ORDER, SETTLE_ORDER

CONCERT_CANCELLED = "The concert is cancelled."


class OrderTaskServices(Protocol):
    """What these tasks use of a container."""

    @property
    def repository(self) -> Repository: ...

    @property
    def gateways(self) -> Mapping[str, PaymentGateway]: ...

    @property
    def work_queue(self) -> WorkQueue: ...

    def clock(self) -> datetime: ...


def settle_order(shop: OrderTaskServices, task: Task) -> None:
    """Bring the order as far as it can be brought now."""
    settlement.settle(_context(shop, task), task.stream_id, shop.clock())


def settle_payment(shop: OrderTaskServices, task: Task) -> None:
    """Ask the provider what became of one payment."""
    settlement.settle_payment(_context(shop, task), task.stream_id, task.subject)


def settle_reversals(shop: OrderTaskServices, task: Task) -> None:
    """Ask the provider what went back of one payment."""
    settlement.settle_reversals(_context(shop, task), task.stream_id, task.subject)


def cancel_order(shop: OrderTaskServices, task: Task) -> None:
    """Take the order's part in a concert back, also while it is being paid."""
    settlement.cancel_order(_context(shop, task), task.stream_id, task.subject, CONCERT_CANCELLED)


def cancel_pool(shop: OrderTaskServices, task: Task) -> None:
    """Begin the cancellation of every order that a closed pool has, and clear the pool once each has decided.

    The pool is closed, so its events tell of every order there is. What is left to do then is known to the order's own
    process, and is sent to be done at once only to save time. The last pool that is cleared completes the cancellation.
    """
    context, pool_id, concert_id = _context(shop, task), task.stream_id, task.subject
    tasks = [_begun(context, order_id, concert_id) for order_id in orders_in(shop.repository, pool_id)]
    shop.work_queue.send([task for task in tasks if task is not None])
    if not any(task is not None and task.kind == CANCEL_ORDER for task in tasks):
        clear_pool(shop.repository, pool_id, context.origin)
        complete_cancellation(shop.repository, concert_id, context.origin)


def _begun(context: SettlementContext, order_id: UUID, concert_id: UUID) -> Task | None:
    """Return what is left to do for the order, if anything.

    One that is being paid, or cannot be read, holds up no other: it gets a task of its own, and the pool is not cleared
    before it has decided.
    """
    cause = context.origin.causation_id
    try:
        order = settlement.begin_cancellation(context, order_id, concert_id, CONCERT_CANCELLED)
    except Unavailable:
        raise
    except CloudbashError:
        return Task(CANCEL_ORDER, order_id, cause, concert_id)
    return Task(SETTLE_ORDER, order_id, cause) if order.is_unfinished else None


def _context(shop: OrderTaskServices, task: Task) -> SettlementContext:
    return SettlementContext(shop.repository, shop.gateways, task.origin)
