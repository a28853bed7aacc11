"""A parked stream waits, and is whole once it is redriven."""

from random import Random

import pytest

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking, ParkedStream, Parking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from tests.contract.parking.line import NOW, Allergic, Interrupted, Line
from tests.support.interleaving import Interleaving


def test_a_stream_with_a_poisoned_event_waits_and_is_whole_once_it_is_redriven(parking: Parking) -> None:
    line = Line(parking)
    line.deliver(0, 1, 2)
    line.deliver(3)
    expected = ParkedStream(
        line.projection.name, line.stream_id, 1, "ValueError: not this one", "2030-01-01T12:00:00.000Z", 3
    )
    assert line.parked == expected
    assert line.position == 0

    line.cure()
    assert line.consumer().redrive(line.stream_id) is None
    assert line.parked is None
    assert line.position == 3


def test_a_stream_that_fails_again_stays_parked_and_is_given_back(parking: Parking) -> None:
    line = Line(parking)
    line.deliver(0, 1, 2, 3)
    before = line.parked
    assert line.consumer().redrive(line.stream_id) == before
    assert line.parked == before

    line.projection.cannot = {2}
    again = line.consumer().redrive(line.stream_id)
    assert again is not None
    assert (again.version, again.last_seen, line.position) == (2, 3, 1)
    assert line.parked == again


def test_redriving_what_is_not_parked_changes_nothing(parking: Parking) -> None:
    line = Line(parking)
    assert line.consumer().redrive(line.stream_id) is None
    assert line.position == -1


def test_what_arrives_while_a_stream_is_redriven_is_not_left_behind(parking: Parking) -> None:
    """The consumer notes it after the redrive has read the log, and before it releases the stream."""
    line = Line(parking, length=6)
    late = line.events[4:]
    line.store = MemoryEventStore()
    line.store.append(line.events[:4])
    line.deliver(0, 1, 2, 3)
    line.cure()

    def more_arrives() -> None:
        line.projection.meanwhile = lambda: None
        line.store.append(late)
        line.deliver(4, 5)

    line.projection.meanwhile = more_arrives
    assert line.consumer().redrive(line.stream_id) is None
    assert line.parked is None
    assert line.position == 5


def test_a_consumer_that_notes_late_does_not_park_a_stream_that_was_released(parking: Parking) -> None:
    """Between its look at the parked stream and its note of what waits, the stream is redriven."""
    line = Line(parking)
    line.deliver(0, 1, 2)
    line.cure()
    slow = Interrupted(parking, "park", lambda: line.consumer().redrive(line.stream_id))
    record = BusRecord("3", to_bus(line.events[3]))
    assert Consumer(line.projection, line.store, slow, lambda: NOW).consume([record]) == succeeded()
    assert line.parked is None
    assert line.position == 3


def test_a_consumer_that_failed_on_the_old_code_does_not_park_what_the_new_code_has_applied(parking: Parking) -> None:
    """It began before the stream was first parked, and comes to park it after the redrive."""
    line = Line(parking)
    line.deliver(0)

    def parked_and_redriven() -> None:
        line.deliver(1, 2)
        line.cure()
        line.consumer().redrive(line.stream_id)

    slow = Interrupted(parking, "park", parked_and_redriven)
    record = BusRecord("1", to_bus(line.events[1]))
    assert Consumer(line.projection, line.store, slow, lambda: NOW).consume([record]) == succeeded()
    assert line.parked is None
    assert line.position == 3


def test_a_stream_that_was_parked_by_the_old_code_goes_on_with_its_next_event(parking: Parking) -> None:
    """The old code failed on an event that the new code applied: the projection is past what the stream waits for."""
    line = Line(parking)
    line.cure()
    line.deliver(0, 1)
    parking.park(ParkedStream(line.projection.name, line.stream_id, 1, "ValueError: old", "2030-01-01", 2))
    line.deliver(3)
    assert line.parked is None
    assert line.position == 3


@pytest.mark.parametrize("deployed", [False, True], ids=["old code", "old and new code"])
@pytest.mark.parametrize("seed", range(200))
def test_a_redrive_beside_consumers_leaves_no_stream_behind_and_none_parked_that_is_whole(
    seed: int, deployed: bool
) -> None:
    """Consumers that fail and an operator with the cure, one call at a time in any order, while events are written."""
    random = Random(seed)
    order = Interleaving(random)
    line = Line(order.behind(MemoryParking()), length=random.choice([2, 3]))
    line.store = order.behind(MemoryEventStore())
    cured = Allergic(line.projection.name, line.projection)
    cured.cannot = set()
    old, new = (Consumer(order.behind(one), line.store, line.parking, lambda: NOW) for one in (line.projection, cured))

    def follow(consumer: Consumer) -> None:
        for event in line.events:
            line.store.append([event])
            arrives = [event, random.choice(line.events[: event.aggregate_version + 1])]
            while consumer.consume([BusRecord("0", to_bus(one)) for one in arrives]) != succeeded():
                continue

    def redrive() -> None:
        for _ in range(random.randint(1, 8)):
            new.redrive(line.stream_id)

    order.run(lambda: follow(old), lambda: follow(new if deployed else old), redrive)
    assert line.parked is not None or line.position == len(line.events) - 1
    # Only where the new code consumes as well can it pass a version that the old code is just parking.
    assert deployed or line.parked is None or line.parked.version > line.position
    assert new.redrive(line.stream_id) is None
    assert (line.parked, line.position) == (None, len(line.events) - 1)
