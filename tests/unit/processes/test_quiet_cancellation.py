"""Cancelling a concert costs what its orders cost, and sends each task once."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.processes.runner import BUSY_FROM, PATIENCE_WHILE_BUSY, RETRY_EVERY
from chalicelib.platform.processes.work import MemoryWorkQueue, Task, to_message
from chalicelib.platform.processes.worker import Message
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.concert import ConcertStatus
from chalicelib.shop.concerts.process import RESUME_CONCERT
from chalicelib.shop.concerts.tasks import CANCEL_POOL
from chalicelib.shop.inventory.commands.closing import CLOSED_AT_ONCE
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.task_kinds import SETTLE_ORDER
from tests.support.machinery import Machinery, machinery
from tests.support.shop import ORGANISER

POOLS = 90


class CountedQueue(MemoryWorkQueue):
    """Remembers every task that was ever sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Task] = []

    def send(self, tasks: list[Task], delay: timedelta = timedelta()) -> None:  # type: ignore[override]
        super().send(tasks, delay)
        self.sent += tasks


@pytest.fixture
def running() -> Machinery:
    made = machinery()
    made.queue = CountedQueue()
    return made


def sent(running: Machinery) -> Counter[str]:
    assert isinstance(running.queue, CountedQueue)
    return Counter(task.kind for task in running.queue.sent)


def on_sale(running: Machinery, orders: int) -> tuple[UUID, list[UUID]]:
    """A concert of 90 pools, with paid orders that each empty a pool."""
    concert_id, ticket_type_id = running.shop.on_sale(POOLS * TICKETS_PER_POOL, max_per_order=TICKETS_PER_POOL)
    paid = []
    for _ in range(orders):
        cart_id = running.shop.cart()
        running.shop.add(cart_id, ticket_type_id, TICKETS_PER_POOL)
        paid.append(running.shop.check_out(cart_id).order_id)
        running.shop.pay(paid[-1])
    return concert_id, paid


def cancel(running: Machinery, concert_id: UUID) -> None:
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)


@pytest.mark.parametrize("orders", [0, 1, 5])
def test_the_tasks_of_a_cancellation_follow_its_orders_and_each_is_sent_once(running: Machinery, orders: int) -> None:
    concert_id, paid = on_sale(running, orders)
    cancel(running, concert_id)
    running.run_until_quiet()
    assert running.shop.concert_state(concert_id).status is ConcertStatus.CANCELLED
    assert {running.shop.order_state(order_id).status for order_id in paid} <= {OrderStatus.REFUNDED}
    expected = {RESUME_CONCERT: 1, CANCEL_POOL: orders, SETTLE_ORDER: orders}
    assert sent(running) == {kind: number for kind, number in expected.items() if number}


def test_the_pools_are_closed_and_cleared_many_a_commit(running: Machinery) -> None:
    concert_id, _ = on_sale(running, 0)
    before = running.store.usage.writes
    cancel(running, concert_id)
    commits = -(-POOLS // CLOSED_AT_ONCE)
    assert running.store.usage.writes - before == 1 + commits
    running.run()
    assert running.store.usage.writes - before == 1 + commits + 2  # that the pools are closed, and that is all


def test_whoever_resumes_while_another_worker_closes_the_pools_sends_nothing(running: Machinery) -> None:
    concert_id, _ = on_sale(running, 3)
    cancel(running, concert_id)
    running.deliver()
    for task in running.take() * 2:
        running.worker().do(task)
    assert sent(running)[CANCEL_POOL] == 6, "the second one finds the pools closed long ago"


def test_a_watchdog_sends_nothing_again_while_the_queue_is_busy(running: Machinery) -> None:
    concert_id, _ = on_sale(running, 3)
    cancel(running, concert_id)
    running.deliver()
    running.worker().work([Message("one", to_message(task)) for task in running.take()])
    others = [Task(SETTLE_ORDER, UUID(int=number), "other") for number in range(BUSY_FROM)]
    running.queue.send(others)
    before = sent(running)
    for _ in range(5):
        running.deliver()
        assert running.runner().retry_overdue(running.shop.clock.advance(RETRY_EVERY)) == 0
    assert sent(running) == before


def test_a_queue_that_stays_busy_holds_nothing_up_for_more_than_an_hour(running: Machinery) -> None:
    concert_id, _ = on_sale(running, 0)
    cancel(running, concert_id)
    running.deliver()
    running.take()
    running.queue.send([Task(SETTLE_ORDER, UUID(int=number), "other") for number in range(BUSY_FROM)])
    assert running.runner().retry_overdue(running.shop.clock.advance(PATIENCE_WHILE_BUSY)) == 0
    assert running.runner().retry_overdue(running.shop.clock.advance(2 * RETRY_EVERY)) == 1
