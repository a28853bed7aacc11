"""One event among a thousand that the code cannot read, for every projection: one stream waits, and none is lost."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from uuid import UUID, uuid4

import pytest

from chalicelib import composition
from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import ParkedStream
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.settings import Settings
from chalicelib.shop.carts.events import CartCreated
from chalicelib.shop.concerts.events import ConcertCreated, ConcertDetailsChanged
from chalicelib.shop.inventory.events import TicketsHeld
from local.stack import Stack
from tests.support.stored import SOME_TIME, store_all

STREAMS, LENGTH, POISONED = 100, 10, 6
BATCH = 100


@dataclass(frozen=True)
class Case:
    """A stream's first event and those after it, and a field without which the poisoned one cannot be read."""

    first: Callable[[], Event]
    later: Callable[[], Event]
    needed: str


def held() -> Event:
    return TicketsHeld(at=SOME_TIME, hold_id=uuid4(), cart_id=uuid4(), quantity=1, expires_at=SOME_TIME)


def created() -> Event:
    return ConcertCreated(name="Björk", venue_id=uuid4())


def renamed() -> Event:
    return ConcertDetailsChanged(name="Björk again", venue_id=uuid4())


def new_cart() -> Event:
    return CartCreated(at=SOME_TIME, customer_id=uuid4())


CASES = {
    "programme": Case(created, renamed, "Name"),
    "carts": Case(new_cart, new_cart, "CustomerId"),
    "availability": Case(held, held, "Quantity"),
    "processes": Case(created, renamed, "Name"),
}


@pytest.fixture(params=CASES)
def line(request: pytest.FixtureRequest, stack: Stack) -> Iterator["Line"]:
    line = Line(composition.Composition(Settings.from_environment(dict(stack.environment))), request.param)
    yield line
    for parked in line.parked():
        line.parking.release(parked)


class Line:
    """The real projection on its real server, and a log of a hundred streams."""

    def __init__(self, shop: composition.Composition, name: str) -> None:
        self.name = name
        self.case = CASES[name]
        self.parking = shop.parking
        self.projection = shop.consumers[name].projection
        self.log = MemoryEventStore()
        self.consumer = Consumer(self.projection, self.log, self.parking, lambda: SOME_TIME)

    def history(self) -> list[StoredEvent]:
        later = [self.case.later() for _ in range(LENGTH - 1)]
        return store_all(uuid4(), [self.case.first(), *later])

    def parked(self) -> list[ParkedStream]:
        """Of this log's streams: other tests leave some of the stack's."""
        mine = set(self.log.stream_ids())
        return [parked for parked in self.parking.list_parked(self.name) if parked.stream_id in mine]

    def deliver(self, events: Sequence[StoredEvent]) -> None:
        """As the bus may: in any order, some twice."""
        order = [*events, *Random(4).sample(list(events), 50)]
        Random(5).shuffle(order)
        records = [BusRecord(str(place), to_bus(event)) for place, event in enumerate(order)]
        for start in range(0, len(records), BATCH):
            assert self.consumer.consume(records[start : start + BATCH]) == succeeded()


def without(event: StoredEvent, field: str) -> StoredEvent:
    """As an older version of the code would have written it: without the field, under an earlier schema version."""
    data: JsonObject = json.loads(event.data)
    del data[field]
    old = replace(event, data=json.dumps(data), schema_version=0)
    return replace(old, hash=old.expected_hash())


def test_one_poison_event_among_a_thousand_parks_one_stream_and_a_redrive_makes_it_whole(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [line.history() for _ in range(STREAMS)]
    sick = streams[41]
    poison = sick[POISONED]
    value = json.loads(poison.data)[line.case.needed]
    sick[POISONED] = without(poison, line.case.needed)
    for stream in streams:
        line.log.append(stream)
    line.deliver([event for stream in streams for event in stream])

    sick_id = sick[0].aggregate_id
    assert positions(line, streams) == {
        stream[0].aggregate_id: POISONED - 1 if stream is sick else LENGTH - 1 for stream in streams
    }
    [parked] = line.parked()
    assert (parked.stream_id, parked.version, parked.last_seen) == (sick_id, POISONED, LENGTH - 1)
    assert "LogDamaged" in parked.error
    assert line.consumer.redrive(sick_id) == parked

    event_class = type(line.case.later())
    monkeypatch.setitem(event_class.upcasters, 0, lambda data: {**data, line.case.needed: value})
    assert line.consumer.redrive(sick_id) is None
    assert line.parked() == []
    assert positions(line, streams) == {stream[0].aggregate_id: LENGTH - 1 for stream in streams}


def positions(shop: Line, streams: Sequence[Sequence[StoredEvent]]) -> dict[UUID, int]:
    return {stream[0].aggregate_id: shop.consumer.position(stream[0].aggregate_id) for stream in streams}
