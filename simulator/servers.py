"""What stands outside the containers and never forgets: log, bus, queue, provider and the read model."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

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
from chalicelib.shop.orders.payments.port import Attempt, RefundOutcome
from chalicelib.shop.orders.payments.sandbox import Deliver, Ledger, SandboxGateway
from simulator.stage import Stage

PROVIDER_REMEMBERS = timedelta(minutes=1)
MESSAGE_IS_HIDDEN_FOR = timedelta(minutes=1)


class Log(MemoryEventStore):
    """The log, which also remembers the order of its commits and feeds the bus."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.commits: list[Sequence[StoredEvent]] = []
        self.committed_at: list[datetime] = []
        self.lost_races = 0
        self.subscriptions: list[list[StoredEvent]] = []
        self._recorded: list[RecordedEvent] = []
        self._stage = stage

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
        self.committed_at.append(self._stage.now)
        for subscription in self.subscriptions:
            subscription.extend(events)
        if self._stage.is_traced():
            names = (f"{_short(event)} {event.aggregate_version} of {event.aggregate_id}" for event in events)
            self._stage.note(f"  log: {', '.join(names)}")

    def events(self) -> list[StoredEvent]:
        """All, in the order of their commits."""
        return [event for commit in self.commits for event in commit]

    def recorded(self) -> list[RecordedEvent]:
        """The same, decoded; each only once. Raises LogDamaged."""
        events = self.events()
        self._recorded += map(recorded, events[len(self._recorded) :])
        return self._recorded


def _short(event: StoredEvent) -> str:
    return event.event_type.rsplit(".", 1)[-1].removesuffix("Event")


@dataclass(slots=True)
class Parcel:
    """A message of the queue, which nobody sees before `visible_at`."""

    body: str
    visible_at: datetime


class Queue:
    """A standard queue: no order, and a message stays until it is deleted."""

    def __init__(self, stage: Stage) -> None:
        self.parcels: list[Parcel] = []
        self._stage = stage

    def send(self, tasks: Sequence[Task], delay: timedelta = timedelta()) -> None:
        self.parcels += (Parcel(to_message(task), self._stage.now + delay) for task in tasks)

    def receive(self, *, twice: bool) -> Parcel | None:
        """Any message; one that comes twice is not hidden from others meanwhile."""
        visible = [parcel for parcel in self.parcels if parcel.visible_at <= self._stage.now]
        if not visible:
            return None
        parcel = self._stage.random.choice(visible)
        if not twice:
            parcel.visible_at = self._stage.now + MESSAGE_IS_HIDDEN_FOR
        return parcel

    def delete(self, parcel: Parcel) -> None:
        self.parcels = [other for other in self.parcels if other is not parcel]


class Provider(SandboxGateway):
    """The sandbox, with an idempotency that lasts no longer than providers' does: whoever asks for the same refund a
    minute later without having looked refunds twice."""

    def __init__(self, ledger: Ledger, stage: Stage, deliver: Deliver) -> None:
        super().__init__(ledger, lambda: stage.now, "secret", deliver)
        self._remembered = ledger
        self._stage = stage

    def refund(self, refund_id: UUID, attempt: Attempt, amount: Money) -> RefundOutcome:
        known = self._remembered.find(refund_id)
        if known is not None and self._stage.now - known.due_at > PROVIDER_REMEMBERS:
            refund_id = uuid5(refund_id, self._stage.now.isoformat())
        return super().refund(refund_id, attempt, amount)


class Snapshots(MemorySnapshots):
    """`used` tells whether one was ever asked for and found."""

    used = False

    def find(self, stream_id: UUID) -> Snapshot | None:
        snapshot = super().find(stream_id)
        self.used = self.used or snapshot is not None
        return snapshot


class Keys:
    """Person keys, the same in every run."""

    def find(self, person_id: str) -> bytes | None:
        return self.get_or_create(person_id)

    def get_or_create(self, person_id: str) -> bytes:
        return sha256(person_id.encode()).digest()

    def erase(self, person_id: str) -> None:
        raise NotImplementedError(f"Nobody erases {person_id} here.")


class ReferenceProjection:
    """The plainest read model: every stream's state, folded as the bus delivers it, beside its position."""

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
