"""The reconciler costs what changed, and misses nothing of what it could not compare or was not told."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.changes import ChangesLost, ChangesPage, Seen
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.processes.process import MemoryInstances
from chalicelib.platform.processes.runner import ProcessRunner
from chalicelib.platform.processes.work import MemoryWorkQueue
from chalicelib.platform.readmodels.reconciler import (
    CHANGES_KEPT_FOR,
    COMPLETE_EVERY,
    LOOKS_AGAIN_AFTER,
    STILL_ON_ITS_WAY,
    Reconciler,
)
from tests.contract.test_reconciler import MemoryNotes
from tests.support.machinery import PROCESSES
from tests.support.shop import Shop

QUIET = 1_000


class Feed:
    """The changes of a log, which can forget those that were written so far, or say nothing of them."""

    def __init__(self, log: MemoryEventStore) -> None:
        self._log = log
        self.has_forgotten = False
        self.is_mute = False

    def changes(self, seen: Seen, until: datetime) -> Iterator[ChangesPage]:
        if self.has_forgotten and seen:
            raise ChangesLost("It was too long ago.")
        if not self.is_mute:
            yield from self._log.changes(seen, until)


class CountedRunner(ProcessRunner):
    """Counts the positions that it is asked for, and may be away."""

    asked = 0
    is_away = False

    def positions(self, stream_ids: Collection[UUID]) -> dict[UUID, int]:
        if self.is_away:
            raise Unavailable("The processes are away.")
        self.asked += len(stream_ids)
        return dict(super().positions(stream_ids))


class Reconciled:
    """A log of quiet concerts, and the processes that follow them."""

    def __init__(self, quiet: int) -> None:
        self.log = MemoryEventStore(events_a_page=100)
        self.shop = Shop(self.log, salt=str(uuid4()))
        self.feed, self.model, self.notes = Feed(self.log), self._runner(), MemoryNotes()
        self.parking = MemoryParking()
        self.consumer = Consumer(self.model, self.log, self.parking, self.shop.clock)
        for _ in range(quiet):
            self.deliver(self.log.read(self.shop.draft()))
        self.shop.clock.advance(10 * STILL_ON_ITS_WAY)

    def _runner(self) -> CountedRunner:
        return CountedRunner(MemoryInstances(), MemoryWorkQueue(), PROCESSES)

    def deliver(self, events: list[StoredEvent]) -> None:
        self.consumer.consume(BusRecord("1", to_bus(event)) for event in events)

    def run(self, later: timedelta = LOOKS_AGAIN_AFTER, seconds: float = 40.0) -> int:
        self.shop.clock.advance(later)
        model: Any = self.model  # `at` gives a plain runner
        made = Reconciler([(model, self.consumer)], [], self.log, self.feed, self.notes, self.parking, self.shop.clock)
        return made.run(seconds)

    def cost(self, later: timedelta = LOOKS_AGAIN_AFTER) -> tuple[int, int]:
        """Run, and return the positions that were asked for, and the requests to the log and to its feed."""
        asked, requests = self.model.asked, self.log.usage.requests.total()
        self.run(later)
        return self.model.asked - asked, self.log.usage.requests.total() - requests


@pytest.fixture
def reconciled() -> Reconciled:
    return Reconciled(quiet=3)


def test_after_the_first_pass_a_thousand_quiet_streams_cost_nothing() -> None:
    reconciled = Reconciled(QUIET)
    first, _ = reconciled.cost()
    second, reads_what_the_feed_still_has = reconciled.cost()
    assert (first >= QUIET, second) == (True, 0)
    assert reads_what_the_feed_still_has <= reconciled.log.size() / 100 + 1
    assert [reconciled.cost() for _ in range(3)] == [(0, 1)] * 3


def test_a_pass_asks_for_what_changed_and_once_for_each_stream(reconciled: Reconciled) -> None:
    reconciled.run()
    reconciled.run()
    changed = [reconciled.shop.draft() for _ in range(5)]
    for stream_id in changed:
        reconciled.deliver(reconciled.log.read(stream_id))
    asked, _ = reconciled.cost()
    assert asked == len(changed)


def test_a_last_event_that_was_lost_is_found_by_the_next_pass(reconciled: Reconciled) -> None:
    reconciled.run()
    lost = reconciled.shop.draft()
    assert reconciled.run() == 1
    assert reconciled.model.position(lost) == 1
    assert reconciled.run() == 0


def test_what_was_written_while_a_pass_began_is_looked_at_by_the_next_one(reconciled: Reconciled) -> None:
    reconciled.run()
    reconciled.shop.clock.advance(LOOKS_AGAIN_AFTER)
    lost = reconciled.shop.draft()
    assert reconciled.run(later=STILL_ON_ITS_WAY / 2) == 0
    assert reconciled.run() == 1
    assert reconciled.model.position(lost) == 1


def test_what_could_not_be_compared_is_looked_at_again_by_the_next_pass(reconciled: Reconciled) -> None:
    reconciled.run()
    lost = reconciled.shop.draft()
    reconciled.model.is_away = True
    for _ in range(2):
        assert reconciled.run() == 0
    reconciled.model.is_away = False
    assert reconciled.run() == 1
    assert reconciled.model.position(lost) == 1


def test_a_first_pass_that_could_not_compare_everything_is_repeated(reconciled: Reconciled) -> None:
    reconciled.feed.is_mute = True
    lost = reconciled.shop.draft()
    reconciled.model.is_away = True
    assert reconciled.run() == 0
    reconciled.model.is_away = False
    assert reconciled.run() == 1
    assert reconciled.model.position(lost) == 1


@pytest.mark.parametrize("later", [CHANGES_KEPT_FOR, COMPLETE_EVERY], ids=["late", "weekly"])
def test_what_the_feed_does_not_tell_is_found_by_a_look_at_the_whole_log(
    reconciled: Reconciled, later: timedelta
) -> None:
    reconciled.run()
    reconciled.feed.is_mute = True
    lost = reconciled.shop.draft()
    assert reconciled.run() == 0
    assert reconciled.run(later) == 1
    assert reconciled.model.position(lost) == 1


def test_without_a_reason_the_whole_log_is_read_once_a_week(reconciled: Reconciled) -> None:
    reconciled.run()
    passes = [reconciled.cost(timedelta(hours=12))[0] for _ in range(15)]
    assert [number for number, asked in enumerate(passes, start=1) if asked] == [14]


def test_a_feed_that_has_forgotten_makes_the_pass_look_at_the_whole_log_at_once(reconciled: Reconciled) -> None:
    reconciled.run()
    reconciled.run()
    lost = reconciled.shop.draft()
    reconciled.feed.has_forgotten = True
    assert reconciled.run() == 1
    assert reconciled.model.position(lost) == 1
    asked, _ = reconciled.cost()
    assert asked == 0


def test_a_pass_that_was_interrupted_for_too_long_gives_way_to_a_look_at_the_whole_log(reconciled: Reconciled) -> None:
    reconciled.run()
    reconciled.run()
    lost = [reconciled.shop.draft() for _ in range(60)]
    assert 0 < reconciled.run(seconds=0) < len(lost)
    reconciled.feed.is_mute = True
    assert reconciled.run(CHANGES_KEPT_FOR) > 0
    assert {reconciled.model.position(stream_id) for stream_id in lost} == {1}
