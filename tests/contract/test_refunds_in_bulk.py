"""A concert of 1,000 orders is cancelled, and 50 workers refund all of them, within the limits of the provider."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.counters.port import MemoryCounters
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.platform.processes.work import MemoryWorkQueue, Task, to_message
from chalicelib.platform.processes.worker import Message
from chalicelib.shop.orders.events import OrderConfirmed, OrderLine, OrderPlaced, PaymentStarted
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.orders.payments.pace import Pace
from chalicelib.shop.orders.refund import refund_id_of, start_refund
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.task_kinds import SETTLE_ORDER
from simulator.scheduler import START, Scheduler
from simulator.workers import WorkerServices
from tests.support.shop import CUSTOMER, some_id
from tests.support.stored import store_all

pytest.importorskip("stripe")

import stripe

from chalicelib.shop.orders.payments.stripe import StripeGateway
from chalicelib.shop.orders.payments.stripe_pace import LIMITS, Wait, at_any_pace
from tests.support.limited_provider import IN_ALL, PER_ROUTE, LimitedStripe, VirtualClient

ORDERS, FEW, WORKERS, BATCH = 1000, 100, 50, 10
PRICE = Money.of("25.00", "EUR")
MOST_RECEIVES = 20
HIDDEN_FOR = timedelta(minutes=3)
LONGEST_BATCH = timedelta(seconds=150)
REASON = "The concert is cancelled."


def refunding(order_id: UUID, number: int) -> list[Event]:
    """The history of an order that is paid and goes back."""
    payment_id = some_id(f"payment of {order_id}")
    line = OrderLine(
        hold_id=some_id("hold"),
        ticket_type_id=some_id("type"),
        ticket_type_name="Standing",
        concert_name="Patti Smith",
        quantity=1,
        unit_price=PRICE,
    )
    buyer = Sealed(ciphertext="c2VhbGVk", key=str(CUSTOMER.id))
    due = START + timedelta(minutes=20)
    cart_id = some_id(f"cart of {order_id}")
    return [
        OrderPlaced(
            cart_id=cart_id,
            customer_id=CUSTOMER.id,
            buyer=buyer,
            lines=(line,),
            total=PRICE,
            payment_due_at=due,
            at=START,
        ),
        PaymentStarted(payment_id=payment_id, provider="stripe", amount=PRICE, request_hash="", at=START),
        OrderConfirmed(payment_id=payment_id, provider_reference=f"pi_{number}", tickets=(), at=START),
        start_refund(payment_id, refund_id_of(payment_id), PRICE, REASON, START),
    ]


@dataclass
class Refunds:
    """The log, the queue, the provider and the workers, in virtual time."""

    number: int
    paced: bool
    received: Counter[UUID] = field(default_factory=Counter)
    slowest: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(1)
        self.store = MemoryEventStore()
        self.counters = MemoryCounters()
        self.provider = LimitedStripe(lambda: self.scheduler.now)
        self.orders = [some_id(f"order {number}") for number in range(self.number)]
        self.messages = list(self.orders)
        for number, order_id in enumerate(self.orders):
            for stored in store_all(order_id, refunding(order_id, number)):
                self.store.append([stored])
            charged = {"amount": 2500, "amount_received": 2500, "currency": "eur", "status": "succeeded"}
            self.provider.fake.intents[f"pi_{number}"] = {"id": f"pi_{number}", **charged}

    def run(self) -> None:
        for number in range(WORKERS):
            self.scheduler.add(f"worker {number}", self._work)
        self.scheduler.run()
        assert self.scheduler.failures == []

    def _work(self) -> None:
        repository, gateway = self._repository(), self._gateway()
        services = WorkerServices(repository, {"stripe": gateway}, MemoryWorkQueue(), lambda: self.scheduler.now)
        while self.messages:
            batch, self.messages[:BATCH] = self.messages[:BATCH], []
            self.received.update(batch)
            tasks = [Task(SETTLE_ORDER, order_id, "cancelled") for order_id in batch]
            began = self.scheduler.now
            failures = services.worker().work([Message(str(task.stream_id), to_message(task)) for task in tasks])
            self.slowest = max(self.slowest, self.scheduler.now - began)
            failed = [UUID(item["itemIdentifier"]) for item in failures["batchItemFailures"]]
            if failed:
                self.scheduler.sleep(HIDDEN_FOR)
            self.messages += [order_id for order_id in failed if self.received[order_id] < MOST_RECEIVES]

    def _gateway(self) -> StripeGateway:
        client = VirtualClient(self._wait(), self.provider, self.scheduler)
        return StripeGateway(stripe.StripeClient("sk_test_123", http_client=client, max_network_retries=0), "whsec")

    def _wait(self) -> Wait:
        """Every container has its own, and all share the counts."""
        if not self.paced:
            return at_any_pace
        return Pace("stripe", LIMITS, self.counters, lambda: self.scheduler.now, self._sleep).wait

    def _sleep(self, seconds: float) -> None:
        self.scheduler.sleep(timedelta(seconds=seconds))

    def _repository(self) -> Repository:
        return Repository(self.store, lambda: self.scheduler.now, pause=self._sleep)

    def statuses(self) -> Counter[OrderStatus | None]:
        load: Callable[[UUID], OrderStatus | None] = lambda key: self._repository().load(ORDER, key)[0].status  # noqa: E731
        return Counter(map(load, self.orders))


def test_all_succeed_at_the_first_attempt_with_one_look_up_and_one_refund_each() -> None:
    refunds = Refunds(ORDERS, paced=True)
    refunds.run()
    assert refunds.statuses() == {OrderStatus.REFUNDED: ORDERS}
    assert refunds.provider.refused == 0
    assert set(refunds.received.values()) == {1}
    looks_up = {f"GET /v1/payment_intents/pi_{number}": 1 for number in range(ORDERS)}
    assert Counter(refunds.provider.fake.requests) == {**looks_up, "POST /v1/refunds": ORDERS}
    assert refunds.provider.busiest["all"] <= IN_ALL
    assert 20 <= refunds.provider.busiest["POST refunds"] <= PER_ROUTE
    assert refunds.slowest < LONGEST_BATCH
    assert refunds.scheduler.now - START < timedelta(minutes=1)


def test_without_a_pace_the_provider_refuses() -> None:
    """So the test above can fail."""
    refunds = Refunds(FEW, paced=False)
    refunds.run()
    assert refunds.provider.refused > FEW
    assert max(refunds.received.values()) > 1
