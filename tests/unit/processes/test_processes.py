"""Processes: what they wait for, and what they have done."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import CloudbashError, Unavailable
from chalicelib.platform.eventsourcing.codec import Origin, recorded
from chalicelib.platform.processes.process import FROM_THE_BEGINNING
from chalicelib.platform.processes.runner import RETRY_EVERY, ProcessRunner
from chalicelib.platform.processes.work import MemoryWorkQueue, Task, from_message, to_message
from chalicelib.platform.processes.worker import Message
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.concert import ConcertStatus
from chalicelib.shop.concerts.process import FINISHED_WITHIN, RESUME_CONCERT
from chalicelib.shop.concerts.tasks import CANCEL_POOL
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import pool_id
from chalicelib.shop.orders import tasks
from chalicelib.shop.orders.order_facts import REQUEST_TIME
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from chalicelib.shop.orders.task_kinds import CANCEL_ORDER, SETTLE_ORDER, SETTLE_PAYMENT
from tests.support.crashes import Crash, Trap
from tests.support.machinery import PROCESSES, Machinery, machinery
from tests.support.shop import CUSTOMER, ORGANISER, PAY_WITHIN, some_id


def due_at(running: Machinery, stream_id: UUID) -> timedelta | None:
    """How long after now the stream's process is due."""
    instance = running.instances.find(stream_id)
    assert instance is not None
    return None if instance.due_at is None else instance.due_at - running.shop.clock()


def test_an_unpaid_order_expires_by_itself(running: Machinery) -> None:
    _, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    running.deliver()
    assert due_at(running, order_id) == PAY_WITHIN
    running.run_until_quiet()
    assert running.shop.order_state(order_id).status is OrderStatus.EXPIRED
    assert running.shop.pool(ticket_type_id).held == 0


def test_a_paid_order_waits_for_nothing(running: Machinery) -> None:
    _, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    running.shop.pay(order_id)
    running.deliver()
    assert due_at(running, order_id) is None


def test_a_payment_whose_request_died_is_recovered_within_two_minutes(running: Machinery) -> None:
    _, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    with pytest.raises(Unavailable):
        running.shop.pay(order_id, "tok_lost_reply")
    running.deliver()
    assert due_at(running, order_id) == REQUEST_TIME
    running.run_until_quiet()
    assert running.shop.order_state(order_id).status is OrderStatus.CONFIRMED


def test_a_payment_that_never_reached_the_provider_makes_room_for_another(running: Machinery) -> None:
    _, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    running.shop.gateway.unreachable = True
    with suppress(CloudbashError):
        running.shop.pay(order_id)
    running.shop.gateway.unreachable = False
    running.deliver()
    running.shop.clock.advance(REQUEST_TIME)
    running.runner().retry_overdue(running.shop.clock())
    running.run()
    states = [payment.status for payment in running.shop.order_state(order_id).payments.values()]
    assert states == [PaymentStatus.FAILED]
    running.shop.pay(order_id)
    assert running.shop.order_state(order_id).status is OrderStatus.CONFIRMED


def test_a_refund_that_could_not_be_made_is_made_later(running: Machinery) -> None:
    concert_id, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    running.shop.pay(order_id)
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    running.shop.gateway.lose_refund_replies = 3
    running.run_until_quiet()
    assert running.shop.order_state(order_id).status is OrderStatus.REFUNDED
    assert running.shop.gateway.taken_for(order_id) == 0


def test_cancelling_a_concert_refunds_and_cancels_every_order_of_it(running: Machinery) -> None:
    concert_id, ticket_type_id = running.shop.on_sale(quantity=3 * TICKETS_PER_POOL)
    _, other_type_id = running.shop.on_sale()
    paid = [running.shop.order(ticket_type_id) for _ in range(4)]
    for order_id in paid:
        running.shop.pay(order_id)
    unpaid, of_another_concert = running.shop.order(ticket_type_id), running.shop.order(other_type_id)
    running.shop.pay(of_another_concert)
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    assert running.shop.concert_state(concert_id).status is ConcertStatus.CANCELLING
    running.run_until_quiet()
    assert {running.shop.order_state(order_id).status for order_id in paid} == {OrderStatus.REFUNDED}
    assert sum(running.shop.gateway.taken_for(order_id) for order_id in paid) == 0
    assert running.shop.order_state(unpaid).status is OrderStatus.CANCELLED
    assert running.shop.order_state(of_another_concert).status is OrderStatus.CONFIRMED
    assert running.shop.concert_state(concert_id).status is ConcertStatus.CANCELLED
    assert due_at(running, concert_id) is None
    before = running.shop.log(running.store.stream_ids())
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    running.queue.send([Task(RESUME_CONCERT, concert_id, "again")])
    running.run()
    assert running.shop.log(running.store.stream_ids()) == before


def test_a_concert_is_cancelled_as_soon_as_its_last_order_has_decided_and_no_watchdog_is_waited_for(
    running: Machinery,
) -> None:
    concert_id, ticket_type_id = running.shop.on_sale(quantity=3 * TICKETS_PER_POOL)
    order_id = running.shop.order(ticket_type_id)
    running.shop.pay(order_id)
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    running.run()
    assert running.shop.concert_state(concert_id).status is ConcertStatus.CANCELLED
    assert running.shop.order_state(order_id).status is OrderStatus.REFUNDED
    assert due_at(running, concert_id) is None


def test_a_worker_that_died_before_it_completed_the_cancellation_is_replaced_by_the_watchdog(
    running: Machinery, monkeypatch: pytest.MonkeyPatch
) -> None:
    concert_id, ticket_type_id = running.shop.on_sale()
    running.shop.order(ticket_type_id)
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    with monkeypatch.context() as patched:
        patched.setattr(tasks, "complete_cancellation", lambda *_: None)
        running.run()
    assert running.shop.concert_state(concert_id).status is ConcertStatus.CANCELLING
    running.run_until_quiet()
    assert running.shop.concert_state(concert_id).status is ConcertStatus.CANCELLED


def test_asking_whether_the_cancellation_is_complete_reads_one_pool_as_long_as_it_is_not(running: Machinery) -> None:
    concert_id, ticket_type_id = running.shop.on_sale(20 * TICKETS_PER_POOL, max_per_order=TICKETS_PER_POOL)
    for _ in range(3):
        running.shop.pay(running.shop.order(ticket_type_id, TICKETS_PER_POOL))
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    origin = Origin("worker", "correlation", "cause")
    assert len(concerts.close_sales(running.shop.repository, concert_id, origin)) == 3
    before = running.store.usage.requests["Query"]
    concerts.complete_cancellation(running.shop.repository, concert_id, origin)
    assert running.store.usage.requests["Query"] - before == 2  # the concert and its last pool
    assert len(running.shop.pools(ticket_type_id)) > 2


def test_a_cancellation_that_was_interrupted_is_taken_up_by_the_watchdog(running: Machinery) -> None:
    concert_id, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    running.shop.pay(order_id)
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    running.deliver()
    running.queue.tasks.clear()
    running.run_until_quiet()
    assert running.shop.order_state(order_id).status is OrderStatus.REFUNDED


@pytest.mark.parametrize("lost", [RESUME_CONCERT, CANCEL_POOL, CANCEL_ORDER, SETTLE_ORDER])
def test_no_message_that_is_lost_loses_a_refund(running: Machinery, lost: str) -> None:
    """Not even if for some minutes all of a kind end among the dead letters."""
    concert_id, ticket_type_id = running.shop.on_sale(quantity=3 * TICKETS_PER_POOL)
    orders = [running.shop.order(ticket_type_id) for _ in range(3)]
    running.shop.pay(orders[0])
    running.shop.pay(orders[1], "tok_delayed")
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    for _ in range(4):
        running.deliver()
        running.lose(lost)
        running.worker().work([Message("one", to_message(task)) for task in running.take()])
        running.lose(lost)
        running.runner().retry_overdue(running.shop.clock.advance(RETRY_EVERY))
    running.run_until_quiet()
    endings = [running.shop.order_state(order_id).status for order_id in orders]
    assert endings == [OrderStatus.REFUNDED, OrderStatus.CANCELLED, OrderStatus.CANCELLED]
    assert [running.shop.gateway.taken_for(order_id) for order_id in orders] == [0, 0, 0]
    assert running.shop.concert_state(concert_id).status is ConcertStatus.CANCELLED


def test_a_concert_is_cancelling_as_long_as_an_order_of_it_is_being_paid(running: Machinery) -> None:
    concert_id, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    running.shop.gateway.unreachable = True
    with pytest.raises(Unavailable):
        running.shop.pay(order_id)
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    with pytest.raises(AssertionError, match="still due"):
        running.run_until_quiet(pushes=10)
    assert running.shop.concert_state(concert_id).status is ConcertStatus.CANCELLING
    assert not running.shop.pool(ticket_type_id).cleared
    running.shop.gateway.unreachable = False
    running.run_until_quiet()
    assert running.shop.concert_state(concert_id).status is ConcertStatus.CANCELLED
    assert running.shop.order_state(order_id).status is OrderStatus.CANCELLED


def test_an_order_that_cannot_be_read_holds_up_its_pool_and_no_other_order(running: Machinery) -> None:
    concert_id, ticket_type_id = running.shop.on_sale()
    damaged, sound = running.shop.order(ticket_type_id), running.shop.order(ticket_type_id)
    running.shop.pay(sound)
    last = running.store.read(damaged)[-1]
    version = last.aggregate_version + 1
    running.store.append([replace(last, aggregate_version=version, event_type="Cloudbash.Domain.Orders.Events.Odd")])
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    pool = pool_id(ticket_type_id, 0)
    running.worker().do(Task(CANCEL_POOL, pool, "cause", concert_id))
    assert [(task.kind, task.stream_id) for task in running.take()] == [
        (CANCEL_ORDER, damaged),
        (SETTLE_ORDER, sound),
    ]
    assert running.shop.order_state(sound).status is OrderStatus.REFUNDING
    assert not running.shop.pool(ticket_type_id).cleared


@pytest.mark.parametrize("kind", [SETTLE_PAYMENT, CANCEL_ORDER, CANCEL_POOL])
def test_a_task_that_does_not_say_what_it_is_about_is_not_taken_for_done(running: Machinery, kind: str) -> None:
    answer = running.worker().work([Message("this", to_message(Task(kind, some_id("stream"), "cause")))])
    assert answer == {"batchItemFailures": [{"itemIdentifier": "this"}]}


def test_what_the_request_leaves_open_is_closed_at_once_by_the_process(
    running: Machinery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concerts, "CLOSED_IN_THE_REQUEST", 2)
    concert_id, ticket_type_id = running.shop.on_sale(quantity=3 * TICKETS_PER_POOL)
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    assert [pool.closed for pool in running.shop.pools(ticket_type_id)] == [True, True, False]
    running.run()
    assert [pool.closed for pool in running.shop.pools(ticket_type_id)] == [True, True, True]


def test_two_concerts_of_an_order_cancelled_twice_with_every_task_doubled_give_one_refund_each(
    running: Machinery,
) -> None:
    sold = [running.shop.on_sale(price=price) for price in ("25.00", "40.00")]
    cart_id = running.shop.cart()
    for _, ticket_type_id in sold:
        running.shop.add(cart_id, ticket_type_id)
    order_id = running.shop.check_out(cart_id).order_id
    running.shop.pay(order_id)
    for concert_id, _ in sold * 2:
        concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    for _ in range(5):
        running.deliver()
        tasks = running.take()
        running.worker().work([Message("one", to_message(task)) for task in [*tasks, *reversed(tasks)]])
        running.runner().retry_overdue(running.shop.clock.advance(RETRY_EVERY))
    running.run_until_quiet()
    order = running.shop.order_state(order_id)
    assert (order.status, running.shop.gateway.taken_for(order_id)) == (OrderStatus.REFUNDED, Decimal(0))
    refunds = [entry for entry in running.shop.gateway.ledger.entries.values() if entry.refund_of]
    assert sorted(str(refund.amount.amount) for refund in refunds) == ["25.00", "40.00"]
    assert {running.shop.concert_state(concert_id).status for concert_id, _ in sold} == {ConcertStatus.CANCELLED}


def test_a_free_order_of_a_cancelled_concert_is_cancelled(running: Machinery) -> None:
    concert_id, ticket_type_id = running.shop.on_sale(price="0")
    order_id = running.shop.order(ticket_type_id)
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    running.run()
    assert running.shop.order_state(order_id).status is OrderStatus.CANCELLED


def test_tickets_of_a_free_order_hear_of_their_revocation_though_the_message_was_lost(running: Machinery) -> None:
    concert_id, ticket_type_id = running.shop.on_sale(price="0")
    order_id = running.shop.order(ticket_type_id)
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    for _ in range(3):
        running.deliver()
        running.worker().work([Message("one", to_message(task)) for task in running.take()])
        running.lose(SETTLE_ORDER)
    assert running.shop.order_state(order_id).is_unfinished
    running.run_until_quiet()
    order = running.shop.order_state(order_id)
    assert not order.is_unfinished
    assert [len(running.store.read(ticket.id)) for ticket in order.tickets] == [1, 1]


def test_events_before_its_time_set_the_state_and_cause_nothing(running: Machinery) -> None:
    """A process that is new does not work through history."""
    concert_id, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    late = [_Since(process) for process in PROCESSES]
    runner = ProcessRunner(running.instances, running.queue, late)  # type: ignore[arg-type]
    for stream_id in (order_id, concert_id):
        runner.apply(stream_id, -1, [recorded(event) for event in running.store.read(stream_id)])
        assert due_at(running, stream_id) is None
        instance = running.instances.find(stream_id)
        assert instance is not None
        assert instance.state != {}
    assert running.queue.tasks == []


class _Since:
    """A process introduced long after everything in these tests."""

    def __init__(self, process: object) -> None:
        self._process = process
        self.since = FROM_THE_BEGINNING + timedelta(days=100_000)

    def __getattr__(self, name: str) -> object:
        return getattr(self._process, name)


def test_an_event_that_was_seen_is_not_reacted_to_again(running: Machinery) -> None:
    concert_id, _ = running.shop.on_sale()
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    running.deliver()
    running.deliver()
    assert [task.kind for task in running.queue.tasks] == [RESUME_CONCERT]
    events = [recorded(event) for event in running.store.read(concert_id)]
    with pytest.raises(PositionMoved):
        running.runner().apply(concert_id, -1, events)


def test_tasks_that_could_not_be_sent_are_sent_when_the_event_comes_again(running: Machinery) -> None:
    concert_id, _ = running.shop.on_sale()
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    events = [recorded(event) for event in running.store.read(concert_id)]

    class Away(MemoryWorkQueue):
        def send(self, *_: object) -> None:
            raise Unavailable("The queue is away.")

    with pytest.raises(Unavailable):
        running.runner(queue=Away()).apply(concert_id, -1, events)
    assert running.instances.find(concert_id) is None
    running.deliver()
    assert [task.kind for task in running.queue.tasks] == [RESUME_CONCERT]


def test_the_watchdog_pushes_what_is_due_once_a_minute(running: Machinery) -> None:
    _, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    running.deliver()
    assert running.runner().retry_overdue(running.shop.clock.advance(PAY_WITHIN)) == 1
    assert running.runner().retry_overdue(running.shop.clock()) == 0
    assert running.runner().retry_overdue(running.shop.clock.advance(RETRY_EVERY)) == 1
    assert {(task.kind, task.stream_id) for task in running.queue.tasks} == {(SETTLE_ORDER, order_id)}


def test_how_late_the_watchdog_is_is_counted(running: Machinery, counted: Callable[[], dict[str, float]]) -> None:
    _, ticket_type_id = running.shop.on_sale()
    running.shop.order(ticket_type_id)
    running.deliver()
    [due] = [one.due_at for one in running.instances.list_due(running.shop.clock() + 2 * PAY_WITHIN, 10) if one.due_at]
    running.runner().retry_overdue(running.shop.clock.advance(2 * PAY_WITHIN))
    assert counted()["WatchdogDelay"] == (running.shop.clock() - due).total_seconds()


def test_of_two_watchdogs_one_pushes(running: Machinery) -> None:
    _, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    running.deliver()
    instance = running.instances.find(order_id)
    assert instance is not None
    later = running.shop.clock.advance(PAY_WITHIN)
    assert [running.instances.postpone(instance, later + RETRY_EVERY) for _ in range(2)] == [True, False]


def test_a_message_that_fails_comes_again_and_the_others_are_done(running: Machinery) -> None:
    _, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    running.shop.clock.advance(PAY_WITHIN)
    messages = [
        Message("nonsense", "{}"),
        Message("too early", to_message(Task(SETTLE_PAYMENT, order_id, "webhook", some_id("unknown")))),
        Message("fine", to_message(Task(SETTLE_ORDER, order_id, "due"))),
    ]
    answer = running.worker().work(messages)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "nonsense"}, {"itemIdentifier": "too early"}]}
    assert running.shop.order_state(order_id).status is OrderStatus.EXPIRED


def test_what_a_worker_writes_names_the_worker_and_its_cause(running: Machinery) -> None:
    _, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    running.shop.clock.advance(PAY_WITHIN)
    running.worker().do(Task(SETTLE_ORDER, order_id, "due now"))
    expired = running.store.read(order_id)[-1]
    assert (expired.actor_id, expired.causation_id) == ("worker:settle_order", "due now")


@pytest.mark.parametrize("about", [None, some_id("payment")])
def test_a_task_survives_the_queue(about: UUID | None) -> None:
    task = Task(SETTLE_PAYMENT, some_id("order"), "cause", about)
    assert from_message(to_message(task)) == task


def test_money_of_a_recovered_payment_is_taken_once(running: Machinery) -> None:
    _, ticket_type_id = running.shop.on_sale()
    order_id = running.shop.order(ticket_type_id)
    caller = running.shop.request(CUSTOMER, "key")
    with pytest.raises(Unavailable):
        running.shop.pay(order_id, "tok_lost_reply", caller)
    running.run_until_quiet()
    running.shop.pay(order_id, "tok_lost_reply", caller)
    assert running.shop.gateway.taken_for(order_id) == Decimal("50.00")


def test_a_change_of_capacity_whose_request_died_is_finished_by_the_process() -> None:
    running = machinery()
    shop, trap = running.shop, Trap()
    concert_id, ticket_type_id = shop.on_sale(200)
    log = shop.store
    shop.store = trap.behind(log)
    trap.arm(8, carried_out=True)
    with pytest.raises(Crash):
        shop.change_quantity(concert_id, ticket_type_id, 40)
    shop.store = log
    assert shop.concert_state(concert_id).capacity_change is not None
    shop.clock.advance(FINISHED_WITHIN)
    running.run_until_quiet()
    assert shop.concert_state(concert_id).capacity_change is None
    assert sum(pool.capacity for pool in shop.pools(ticket_type_id)) == 40
