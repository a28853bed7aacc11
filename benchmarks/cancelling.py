"""Counts what it costs to cancel a concert of 80,000 tickets, by the number of its orders, in virtual time."""

import argparse
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from time import process_time
from uuid import UUID, uuid4

from benchmarks.report import Record, Section, publish
from chalicelib import contexts
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.caller import Actor, Caller, RequestIdentity
from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.keys import MemoryPersonKeys
from chalicelib.platform.privacy.vault import PersonVault
from chalicelib.platform.processes.process import MemoryInstances
from chalicelib.platform.processes.runner import ProcessRunner
from chalicelib.platform.processes.work import MemoryWorkQueue, Task, to_message
from chalicelib.platform.processes.worker import Message
from chalicelib.shop.carts.commands import add_item, check_out, create_cart
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.concert import CONCERT, ConcertDetails, ConcertStatus
from chalicelib.shop.concerts.events import TicketType
from chalicelib.shop.orders.commands import pay_order
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.payments.sandbox import MemoryLedger, SandboxGateway
from chalicelib.shop.venues.commands import create_venue
from chalicelib.shop.venues.venue import VenueDetails
from simulator.workers import WorkerServices

ORDERS = (1, 1_000, 40_000)
TYPES, TICKETS_EACH = 40, 2_000
TASKS_A_MINUTE = 1_500
"""The provider takes 25 refunds a second."""

MINUTE = timedelta(minutes=1)
ORGANISER = Actor.of("olga", ["organisers"])
BUYER = {"name": "Carla Jones", "email": "carla@example.org"}


class Log(MemoryEventStore):
    """Remembers what the bus has still to deliver."""

    def __init__(self) -> None:
        super().__init__()
        self.undelivered: list[StoredEvent] = []

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        super().append(events, raising)
        self.undelivered += events


class Queue(MemoryWorkQueue):
    """Counts the tasks that are sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: Counter[str] = Counter()

    def send(self, tasks: Sequence[Task], delay: timedelta = timedelta()) -> None:
        super().send(tasks, delay)
        self.sent.update(task.kind for task in tasks)


class Shop:
    """A log, the bus, processes and workers, moved minute by minute."""

    def __init__(self) -> None:
        self.now = utc_now().replace(microsecond=0)
        self.log, self.queue, self.instances = Log(), Queue(), MemoryInstances()
        self.repository = self.container()
        self.gateways: dict[str, PaymentGateway] = {
            "sandbox": SandboxGateway(MemoryLedger(), self.clock, "secret", lambda *_: None)
        }
        self._numbers = count()

    def clock(self) -> datetime:
        return self.now

    def container(self) -> Repository:
        return Repository(self.log, self.clock)

    def caller(self, actor: Actor) -> Caller:
        key = f"request {next(self._numbers)}"
        request = RequestIdentity(uuid4(), "", is_repeatable=False)
        return Caller(actor, Origin(str(actor.id), "benchmark", key), request, None)

    def deliver(self) -> None:
        consumer = Consumer(self.runner(), self.log, MemoryParking(), self.clock)
        batch, self.log.undelivered = self.log.undelivered, []
        consumer.consume(BusRecord(str(number), to_bus(event)) for number, event in enumerate(batch))

    def runner(self) -> ProcessRunner:
        return ProcessRunner(self.instances, self.queue, contexts.processes())

    def work(self) -> None:
        """Let the workers do what they can do in a minute, the bus with them, and the watchdog after it."""
        worker = WorkerServices(self.container(), self.gateways, self.queue, self.clock).worker()
        self.deliver()
        left = TASKS_A_MINUTE
        while self.queue.tasks and left:
            some, self.queue.tasks = self.queue.tasks[:left], self.queue.tasks[left:]
            left -= len(some)
            worker.work(Message(str(number), to_message(task)) for number, task in enumerate(some))
            self.deliver()
        self.now += MINUTE
        self.runner().retry_overdue(self.now)


def put_on_sale(shop: Shop) -> tuple[UUID, list[UUID]]:
    """Publish the concert; return its id and its ticket types."""
    repository = shop.repository
    details = VenueDetails("Arena", "", 90_000, "Street 1", "Amsterdam", "NL", "Europe/Amsterdam")
    venue_id = create_venue(repository, shop.caller(ORGANISER), details)
    concert_id = concerts.create_concert(repository, shop.caller(ORGANISER), ConcertDetails("Night", venue_id))
    starts_at = shop.now + timedelta(days=30)
    ends_at = starts_at + timedelta(hours=3)
    concerts.schedule_concert(repository, shop.caller(ORGANISER), concert_id, starts_at, ends_at)
    types = [
        concerts.add_ticket_type(repository, shop.caller(ORGANISER), concert_id, _describe(number))[0]
        for number in range(TYPES)
    ]
    concerts.publish_concert(repository, shop.caller(ORGANISER), concert_id)
    return concert_id, types


def _describe(number: int) -> Callable[[UUID], TicketType]:
    def describe(key: UUID) -> TicketType:
        price = Money.of("25.00", "EUR")
        return TicketType(id=key, name=f"Block {number}", price=price, quantity=TICKETS_EACH, max_per_order=10)

    return describe


def buy(shop: Shop, ticket_type_id: UUID, vault: PersonVault) -> None:
    """Buy two tickets, as somebody who has never been here."""
    repository, customer = shop.repository, Actor(uuid4(), frozenset())
    cart_id = create_cart(repository, shop.caller(customer))
    add_item(repository, shop.caller(customer), cart_id, ticket_type_id, 2, 15 * MINUTE)
    order = check_out(repository, vault, shop.caller(customer), cart_id, BUYER, 15 * MINUTE)
    pay_order(repository, shop.gateways, shop.caller(customer), order.order_id, "sandbox", "tok_visa")


def measure(orders: int) -> Record:
    shop, vault = Shop(), PersonVault(MemoryPersonKeys())
    concert_id, types = put_on_sale(shop)
    for number in range(orders):
        buy(shop, types[number % TYPES], vault)
    shop.deliver()
    usage = shop.log.usage
    before, items, shop.queue.sent = Counter(usage.requests), usage.items_written, Counter()
    began, start = process_time(), shop.now
    concerts.cancel_concert(shop.container(), shop.caller(ORGANISER), concert_id)
    minutes = next(_minutes_until_cancelled(shop, concert_id))
    while shop.queue.tasks:
        shop.work()
    requests = usage.requests - before
    return {
        "orders": orders,
        "pools": len(shop.repository.load(CONCERT, concert_id)[0].pool_ids),
        "tasks": shop.queue.sent.total(),
        "reads": sum(number for name, number in requests.items() if name == "Query"),
        "writes": sum(number for name, number in requests.items() if name in {"PutItem", "TransactWriteItems"}),
        "items": usage.items_written - items,
        "cancelled_after_minutes": minutes,
        "quiet_after_minutes": round((shop.now - start) / MINUTE),
        "cpu_seconds": round(process_time() - began, 1),
    }


def _minutes_until_cancelled(shop: Shop, concert_id: UUID) -> Iterator[int]:
    for minute in count(1):
        shop.work()
        if shop.container().load(CONCERT, concert_id)[0].status is ConcertStatus.CANCELLED:
            yield minute


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cancelling", description=__doc__)
    parser.add_argument("--orders", type=int, nargs="*", default=ORDERS, help="numbers of orders")
    options = parser.parse_args()
    note = f"memory store, sandbox; {TYPES} types of {TICKETS_EACH:,}, {TASKS_A_MINUTE:,} tasks a minute"
    publish({}, [Section("cancelling", note, [measure(orders) for orders in options.orders])], as_json=False)


if __name__ == "__main__":
    main()
