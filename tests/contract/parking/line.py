"""A projection that cannot apply one event, and the consumer in front of it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import ParkedStream, Parking, UnreadableRecord
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.inventory.events import TicketPoolClosed
from tests.support.stored import store_all

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def a_projection() -> str:
    """A name of its own for every test: they share one table."""
    return f"projection {uuid4()}"


def a_stream(projection: str, version: int = 3, last_seen: int = 5, error: str = "ValueError: ünwell") -> ParkedStream:
    return ParkedStream(projection, uuid4(), version, error, "2030-01-01T12:00:00.000Z", last_seen)


class Allergic:
    """A projection that cannot take version 1, until it is cured; `meanwhile` happens in the midst of an event."""

    aggregate_types = frozenset({"TicketPool"})

    def __init__(self, name: str, same: "Allergic | None" = None) -> None:
        """`same` is the read model that another version of the code keeps as well."""
        self.name = name
        self.positions: dict[UUID, int] = same.positions if same else {}
        self.cannot = {1}
        self.meanwhile: Callable[[], object] = lambda: None

    def position(self, stream_id: UUID) -> int:
        return self.positions.get(stream_id, -1)

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        self.meanwhile()
        if any(event.version in self.cannot for event in events):
            raise ValueError("not this one")
        if position != self.position(stream_id):
            raise PositionMoved("Another was first.")
        self.positions[stream_id] = events[-1].version

    def fed_generations(self) -> "list[Allergic]":
        return [self]


class Line:
    """A stream of the log, the allergic projection, and as many consumers as are wanted."""

    def __init__(self, parking: Parking, length: int = 4) -> None:
        self.parking = parking
        self.store = MemoryEventStore()
        self.projection = Allergic(a_projection())
        self.stream_id = uuid4()
        self.events = store_all(self.stream_id, [TicketPoolClosed(at=NOW)] * length)
        self.store.append(self.events)

    def consumer(self, projection: Allergic | None = None) -> Consumer:
        return Consumer(projection or self.projection, self.store, self.parking, lambda: NOW)

    def deliver(self, *versions: int) -> None:
        records = [BusRecord(str(version), to_bus(self.events[version])) for version in versions]
        assert self.consumer().consume(records) == succeeded()

    def cure(self) -> None:
        self.projection.cannot = set()

    @property
    def position(self) -> int:
        return self.projection.position(self.stream_id)

    @property
    def parked(self) -> ParkedStream | None:
        return self.parking.find(self.projection.name, self.stream_id)


class Interrupted:
    """A parking for which something happens before the first call of one of its methods."""

    def __init__(self, parking: Parking, method: str, happening: Callable[[], object]) -> None:
        self._parking = parking
        self._method = method
        self._happening: Callable[[], object] | None = happening

    def __getattr__(self, name: str) -> Any:
        happening = self._happening
        if name == self._method and happening is not None:
            self._happening = None
            happening()
        return getattr(self._parking, name)


def a_record(consumer: str, data: bytes = b"\x00\xff no event", sequence_number: str = "495") -> UnreadableRecord:
    return UnreadableRecord(consumer, "shardId-0001", sequence_number, data, "ValueError: what?", "2030-01-01")
