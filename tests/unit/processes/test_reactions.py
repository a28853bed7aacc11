"""Reactions: what they cause once, at once, and from when on; and the queue that each task goes to."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.processes.process import MemoryInstances
from chalicelib.platform.processes.runner import ProcessRunner
from chalicelib.platform.processes.work import MemoryWorkQueue, RoutedWorkQueue, Task
from chalicelib.platform.readmodels.port import Generations
from chalicelib.shop.access.events import AccountDisabled, AccountEnabled
from chalicelib.shop.orders.events import OrderExpired
from chalicelib.shop.orders.process import CheckoutProcess
from tests.support.stored import SOME_TIME as NOW
from tests.support.stored import store_all

ACCOUNT, ORDER = uuid4(), uuid4()


class Watching:
    """Has a task done for each event of an account and of an order."""

    aggregate_types = frozenset({"Account", "Order"})

    def __init__(self, since: datetime = NOW) -> None:
        self.since = since

    def react(self, recorded: RecordedEvent) -> tuple[Task, ...]:
        return (Task("watch", recorded.stream_id, f"{recorded.stream_id}:{recorded.version}"),)


class Fed:
    """A runner with the reaction and one process, and the bus before it."""

    def __init__(self, reaction: Watching) -> None:
        self.instances, self.queue, self.store = MemoryInstances(), MemoryWorkQueue(), MemoryEventStore()
        self.runner = ProcessRunner(self.instances, self.queue, [CheckoutProcess()], [reaction])
        for stored in (
            *store_all(ACCOUNT, [AccountDisabled(reason="lost", at=NOW), AccountEnabled(at=NOW)]),
            *store_all(ORDER, [OrderExpired(at=NOW)]),
        ):
            self.store.append([stored])

    def consume(self, *streams: UUID) -> object:
        consumer = Consumer(self.runner, self.store, MemoryParking(), lambda: NOW)
        events = [event for key in streams for event in self.store.read(key)]
        return consumer.consume([BusRecord(str(number), to_bus(event)) for number, event in enumerate(events)])

    @property
    def causes(self) -> list[str]:
        return [task.cause for task in self.queue.tasks]


def test_a_reaction_is_told_of_each_event_once_also_beside_a_process() -> None:
    fed = Fed(Watching())
    for _ in range(2):
        fed.consume(ACCOUNT, ORDER)
    assert fed.causes == [f"{ACCOUNT}:0", f"{ACCOUNT}:1", f"{ORDER}:0"]
    assert fed.runner.positions([ACCOUNT, ORDER]) == {ACCOUNT: 1, ORDER: 0}


def test_events_before_a_reaction_was_there_cause_nothing() -> None:
    fed = Fed(Watching(since=NOW + timedelta(seconds=1)))
    fed.consume(ACCOUNT)
    assert fed.causes == []
    assert fed.runner.positions([ACCOUNT]) == {ACCOUNT: 1}


def test_a_task_that_cannot_be_sent_brings_the_event_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fed = Fed(Watching())

    def away(*_: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(fed.queue, "send", away)
        fed.consume(ACCOUNT)
    assert fed.runner.position(ACCOUNT) == -1
    fed.consume(ACCOUNT)
    assert fed.causes == [f"{ACCOUNT}:0", f"{ACCOUNT}:1"]


def test_a_generation_that_is_being_built_reacts_to_nothing() -> None:
    fed = Fed(Watching())
    candidate = fed.runner.at(2)
    fed.runner.change(Generations(), Generations(1, 2, False, 2))
    candidate.apply(ACCOUNT, -1, [RecordedEvent(ACCOUNT, 0, NOW, AccountEnabled(at=NOW))])
    assert fed.causes == []


def test_a_task_goes_to_the_queue_of_its_kind() -> None:
    work, webhooks = MemoryWorkQueue(), MemoryWorkQueue()
    made: list[str] = []

    def make() -> MemoryWorkQueue:
        made.append("made")
        return webhooks

    routed = RoutedWorkQueue(work, {"deliver": make})
    ours, theirs = Task("settle_order", ORDER, "a"), Task("deliver", ORDER, "b")
    routed.send([ours])
    assert made == [], "who sends no such task needs no such queue"
    routed.send([theirs, ours, theirs])
    assert (work.tasks, webhooks.tasks) == ([ours, ours], [theirs, theirs])
    assert routed.count() == 2


@pytest.mark.parametrize("tasks", [[], [Task("settle_order", ORDER, "a")]])
def test_nothing_is_sent_to_a_queue_for_which_there_is_nothing(tasks: list[Task]) -> None:
    work, webhooks = MemoryWorkQueue(), MemoryWorkQueue()
    RoutedWorkQueue(work, {"deliver": lambda: webhooks}).send(tasks)
    assert (work.tasks, webhooks.tasks) == (tasks, [])
