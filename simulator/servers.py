"""Simulates what outlives the containers: log, bus, queue, provider and the read model."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.codec import RecordedEvent, recorded
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.snapshots import MemorySnapshots, Snapshot
from chalicelib.platform.eventsourcing.store import ConcurrencyError
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.processes.work import Task, to_message
from chalicelib.shop.orders.payments.port import Attempt, ProviderRefund
from chalicelib.shop.orders.payments.sandbox import Deliver, Ledger, SandboxGateway
from simulator.scheduler import Scheduler

PROVIDER_REMEMBERS = timedelta(minutes=1)
FORGOTTEN = 1_000
"""Is added to the number of a refund's try that the provider has forgotten, which makes it another refund."""

PROVIDER_TAKES = (timedelta(seconds=5), timedelta(minutes=10), timedelta(hours=5), timedelta(days=3))
"""What the provider does not do at once takes one of these times."""

MESSAGE_IS_HIDDEN_FOR = timedelta(minutes=1)


class Log(MemoryEventStore):
    """Is the log. It also remembers the order of its commits, and feeds the bus."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self.commits: list[Sequence[StoredEvent]] = []
        self.committed_at: list[datetime] = []
        self.lost_races = 0
        self.subscriptions: list[list[StoredEvent]] = []
        self._recorded: list[RecordedEvent] = []
        self._scheduler = scheduler

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        written = self.usage.items_written
        try:
            super().append(events, raising)
        except ConcurrencyError:
            self.lost_races += 1
            raise
        if self.usage.items_written == written:
            return
        self.commits.append(events)
        self.committed_at.append(self._scheduler.now)
        for subscription in self.subscriptions:
            subscription.extend(events)
        if self._scheduler.is_traced():
            names = (f"{_short(event)} {event.aggregate_version} of {event.aggregate_id}" for event in events)
            self._scheduler.note(f"  log: {', '.join(names)}")

    def events(self) -> list[StoredEvent]:
        """List all events, in the order of their commits."""
        return [event for commit in self.commits for event in commit]

    def recorded(self) -> list[RecordedEvent]:
        """List all events decoded, each decoded only once.

        Raises:
            LogDamaged: an event cannot be decoded.
        """
        events = self.events()
        self._recorded += map(recorded, events[len(self._recorded) :])
        return self._recorded


def _short(event: StoredEvent) -> str:
    return event.event_type.rsplit(".", 1)[-1].removesuffix("Event")


@dataclass(slots=True)
class QueuedMessage:
    """Is a message of the queue, which nobody sees before `visible_at`."""

    body: str
    visible_at: datetime


class Queue:
    """Is a standard queue: it has no order, and a message stays until it is deleted."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.messages: list[QueuedMessage] = []
        self._scheduler = scheduler

    def send(self, tasks: Sequence[Task], delay: timedelta = timedelta()) -> None:
        self.messages += (QueuedMessage(to_message(task), self._scheduler.now + delay) for task in tasks)

    def count(self) -> int:
        return len(self.messages)

    def receive(self, *, twice: bool) -> QueuedMessage | None:
        """Take any visible message. One that is to come twice stays visible to others."""
        visible = [message for message in self.messages if message.visible_at <= self._scheduler.now]
        if not visible:
            return None
        message = self._scheduler.random.choice(visible)
        if not twice:
            message.visible_at = self._scheduler.now + MESSAGE_IS_HIDDEN_FOR
        return message

    def delete(self, message: QueuedMessage) -> None:
        self.messages = [other for other in self.messages if other is not message]


class Provider(SandboxGateway):
    """Is the sandbox, with an idempotency that lasts no longer than that of providers.

    A client that asks for the same refund a minute later, without looking first, refunds twice.
    """

    def __init__(self, ledger: Ledger, scheduler: Scheduler, deliver: Deliver) -> None:
        super().__init__(ledger, lambda: scheduler.now, "secret", deliver)
        self._remembered: Any = ledger
        self._scheduler = scheduler

    def takes(self, payment_id: UUID) -> timedelta:
        return PROVIDER_TAKES[payment_id.int % len(PROVIDER_TAKES)]

    def refund(self, refund_id: UUID, attempt: Attempt, amount: Money, failures: int = 0) -> ProviderRefund:
        known = [entry for entry in self._remembered.entries.values() if entry.made_for == refund_id]
        if any(
            self._scheduler.now - entry.due_at > PROVIDER_REMEMBERS for entry in known if entry.failures == failures
        ):
            failures += FORGOTTEN
        return super().refund(refund_id, attempt, amount, failures)


class Snapshots(MemorySnapshots):
    """Stores snapshots; `used` tells whether one was ever asked for and found."""

    used = False

    def find(self, stream_id: UUID) -> Snapshot | None:
        snapshot = super().find(stream_id)
        self.used = self.used or snapshot is not None
        return snapshot


class Keys:
    """Makes person keys, the same in every run."""

    def find(self, person_id: str) -> bytes | None:
        return self.get_or_create(person_id)

    def get_or_create(self, person_id: str) -> bytes:
        return sha256(person_id.encode()).digest()

    def erase(self, person_id: str) -> None:
        raise NotImplementedError(f"Nobody erases {person_id} here.")


class ReferenceProjection:
    """Is the plainest read model: the state and position of every stream, folded as the bus delivers it."""

    name = "reference"

    def __init__(self, *aggregates: Aggregate[Any]) -> None:
        self._aggregates = {aggregate.name: aggregate for aggregate in aggregates}
        self.states: dict[UUID, Any] = {}
        self._positions: dict[UUID, int] = {}

    @property
    def aggregate_types(self) -> frozenset[str]:
        return frozenset(self._aggregates)

    def fed_generations(self) -> "list[ReferenceProjection]":
        return [self]

    def position(self, stream_id: UUID) -> int:
        return self._positions.get(stream_id, -1)

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        if self.position(stream_id) != position:
            raise PositionMoved(f"Stream {stream_id} is not at {position} any more.")
        if events:
            self.states[stream_id] = self.fold(self.states.get(stream_id), [recorded.event for recorded in events])
            self._positions[stream_id] = events[-1].version

    def fold(self, state: Any, events: Sequence[Event]) -> Any:
        aggregate = self._aggregates[events[0].aggregate_type]
        return aggregate.fold(events, aggregate.initial if state is None else state)
