"""The shop with everything behind it: bus, processes, queue, workers and watchdog, moved by hand."""

from datetime import datetime, timedelta

from chalicelib import contexts
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.processes.process import Instances, MemoryInstances
from chalicelib.platform.processes.runner import ProcessRunner
from chalicelib.platform.processes.work import MemoryWorkQueue, Task, WorkQueue, to_message
from chalicelib.platform.processes.worker import Message, Worker
from simulator.workers import WorkerServices
from tests.support.shop import Clock, Shop

MINUTE = timedelta(minutes=1)
PROCESSES = tuple(contexts.processes())


class Machinery:
    """Everything a shop of Lambdas does by itself, one call at a time. No transient failure is raised here."""

    def __init__(self, shop: Shop, store: MemoryEventStore) -> None:
        """`store` is the log as the bus sees it, without the faults that the shop may have."""
        self.shop = shop
        self.store = store
        self.queue = MemoryWorkQueue()
        self.instances = MemoryInstances()
        self.parking = MemoryParking()

    def run(self) -> None:
        """Until nothing moves at this time. Failed messages stay in the queue."""
        self.deliver()
        while self._work():
            self.deliver()

    def run_until_quiet(self, pushes: int = 60) -> None:
        """As time goes by, with the watchdog, until no process waits for anything any more."""
        for _ in range(pushes):
            self.run()
            due = self.due()
            if not self.queue.tasks and not due:
                return
            now = self.shop.clock()
            self.shop.clock.advance(max(MINUTE, min(due, default=now) - now))
            self.runner().retry_overdue(self.shop.clock())
        raise AssertionError(f"still due: {self.due()}; in the queue: {self.queue.tasks}")

    def take(self) -> list[Task]:
        """The tasks of the queue, which is empty then."""
        tasks, self.queue.tasks = self.queue.tasks, []
        return tasks

    def lose(self, kind: str) -> None:
        """The messages of this kind end among the dead letters, and nobody looks."""
        self.queue.tasks = [task for task in self.queue.tasks if task.kind != kind]

    def due(self) -> list[datetime]:
        """When the processes that wait for something are due."""
        far = self.shop.clock() + MINUTE * 10**6
        return [one.due_at for one in self.instances.list_due(far, 1000) if one.due_at is not None]

    def deliver(self) -> None:
        """Every event of the log, again and again: the bus delivers at least once."""
        consumer = Consumer(self.runner(), self.store, self.parking, self.shop.clock)
        for stream_id in self.store.stream_ids():
            records = [BusRecord(str(event.aggregate_version), to_bus(event)) for event in self.store.read(stream_id)]
            consumer.consume(records)
        assert self.parking.list_parked() == []

    def runner(self, instances: Instances | None = None, queue: WorkQueue | None = None) -> ProcessRunner:
        return ProcessRunner(instances or self.instances, queue or self.queue, PROCESSES)

    def worker(self) -> Worker:
        return WorkerServices(self.shop.other_container(), self.shop.gateways, self.queue, self.shop.clock).worker()

    def _work(self) -> bool:
        """Every message once; whether any was done. Those of a worker that dies stay in the queue."""
        tasks = list(self.queue.tasks)
        messages = [Message(str(number), to_message(task)) for number, task in enumerate(tasks)]
        failures = self.worker().work(messages)["batchItemFailures"]
        failed = {int(item["itemIdentifier"]) for item in failures}
        self.queue.tasks[: len(tasks)] = [task for number, task in enumerate(tasks) if number in failed]
        return len(failed) < len(tasks)


def machinery(clock: Clock | None = None) -> Machinery:
    store = MemoryEventStore()
    return Machinery(Shop(store, clock), store)
