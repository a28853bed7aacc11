"""A shop that tells receivers, moved by hand: its log, groups, queue and receivers are in memory."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chalicelib import contexts
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.processes.process import MemoryInstances
from chalicelib.platform.processes.work import MemoryWorkQueue, Task
from chalicelib.shop.webhooks import commands
from chalicelib.shop.webhooks.deliveries import Delivery
from chalicelib.shop.webhooks.endpoints import EndpointDetails
from chalicelib.shop.webhooks.kinds import WebhookKind
from chalicelib.shop.webhooks.reaction import WebhookReaction
from chalicelib.shop.webhooks.schedules import retry_webhooks
from chalicelib.shop.webhooks.signing import SecretBox
from chalicelib.shop.webhooks.transport import Reply
from tests.support.crashes import Crash, Trap
from tests.support.shop import ORGANISER, Clock, Shop

MINUTE = timedelta(minutes=1)


class PlainMasterKey:
    """Wraps nothing."""

    def wrap(self, key: bytes, person_id: str) -> bytes:  # noqa: ARG002 - the port has it
        return key

    def unwrap(self, wrapped: bytes, person_id: str) -> bytes:  # noqa: ARG002 - the port has it
        return wrapped


class MemoryDeliveryLog:
    def __init__(self) -> None:
        self.entries: dict[UUID, Delivery] = {}

    def put(self, delivery: Delivery) -> None:
        assert Delivery.from_document(delivery.to_document()) == delivery
        self.entries[delivery.id] = delivery

    def find(self, delivery_id: UUID) -> Delivery | None:
        return self.entries.get(delivery_id)

    def list_of(
        self, endpoint_id: UUID, limit: int, after: Sequence[str] | None = None
    ) -> tuple[list[Delivery], list[str] | None]:
        assert after is None
        found = [one for one in self.entries.values() if one.named.endpoint_id == endpoint_id]
        return sorted(found, key=lambda one: one.attempted_at, reverse=True)[:limit], None


@dataclass
class MemoryReceivers:
    """Answers as `answers` say, one after the other, and then with `answer`; never takes a body with `refuses` in it.

    What was taken is kept.
    """

    answer: int = 204
    refuses: str = ""
    answers: Iterator[int] = field(default_factory=lambda: iter(()))
    taken: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of id and body."""
    attempts: int = 0

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:  # noqa: ARG002 - the port has it
        self.attempts += 1
        status = next(self.answers, self.answer)
        if self.refuses and self.refuses in body.decode():
            status = 400
        reply = Reply(status)
        if reply.is_success:
            self.taken.append((headers["webhook-id"], body.decode()))
        return reply


class Told:
    """Offers what the handlers of webhooks use of a container, and runs them."""

    def __init__(self) -> None:
        self.event_store = MemoryEventStore()
        self.shop = Shop(self.event_store)
        self.clock: Clock = self.shop.clock
        self.trap = Trap()
        self.groups, self.log, self.receivers = MemoryInstances(), MemoryDeliveryLog(), MemoryReceivers()
        self.webhook_groups: Any = self.trap.behind(self.groups)
        self.webhook_deliveries: Any = self.trap.behind(self.log)
        self.webhook_receivers: Any = self.trap.behind(self.receivers)
        self.webhook_secrets = SecretBox(PlainMasterKey())
        self.webhook_queue = MemoryWorkQueue()

    @property
    def repository(self) -> Repository:
        return self.shop.other_container()

    def endpoint(self, *kinds: str) -> UUID:
        details = EndpointDetails("https://box-office.example/", kinds or tuple(WebhookKind))
        keys = self.webhook_secrets.seal_new_keys(uuid4())
        changed = commands.create_endpoint(self.repository, self.shop.request(ORGANISER), details, keys)
        return changed.endpoint.id

    def announce(self) -> None:
        """Every event of the log, again: the bus delivers at least once."""
        reaction = WebhookReaction()
        for stream_id in self.event_store.stream_ids():
            for stored in self.event_store.read(stream_id):
                if stored.aggregate_type in reaction.aggregate_types:
                    self.webhook_queue.send(reaction.react(recorded(stored)))

    def work(self, choose: Callable[[list[Task]], int] = lambda _: 0) -> None:
        """Every task of the queue, in any order; that of a worker that dies comes again."""
        handlers = contexts.task_handlers(self)
        for _ in range(1_000):
            if not self.webhook_queue.tasks:
                return
            task = self.webhook_queue.tasks.pop(choose(self.webhook_queue.tasks))
            try:
                handlers[task.kind](task)
            except Crash:
                self.trap.disarm()
                self.webhook_queue.tasks.append(task)
        raise AssertionError("the queue never ends")

    def pass_time(self, by: timedelta, choose: Callable[[list[Task]], int] = lambda _: 0) -> None:
        self.clock.advance(by)
        with suppress(Crash):
            retry_webhooks(self)
        self.trap.disarm()
        self.work(choose)

    def due(self) -> list[datetime]:
        far = self.clock() + timedelta(days=999)
        return [one.due_at for one in self.groups.list_due(far, 1000) if one.due_at is not None]

    def run_until_quiet(self, choose: Callable[[list[Task]], int] = lambda _: 0) -> None:
        self.work(choose)
        for _ in range(200):
            due = self.due()
            if not due:
                return
            self.pass_time(max(MINUTE, min(due) - self.clock()), choose)
        raise AssertionError(f"still due: {self.due()}")

    def taken_by_key(self) -> dict[str, list[str]]:
        """The ids of what was taken, each once, by the order or concert that it is about."""
        found: dict[str, list[str]] = defaultdict(list)
        for key, body in self.receivers.taken:
            about = next(part for part in ('"order_id":"', '"concert_id":"') if part in body)
            of = body.partition(about)[2][:36]
            if key not in found[of]:
                found[of].append(key)
        return found


def any_task(seed: int) -> Callable[[list[Task]], int]:
    """Choose tasks in an order that follows from the seed."""
    chance = random.Random(seed)
    return lambda tasks: chance.randrange(len(tasks))
