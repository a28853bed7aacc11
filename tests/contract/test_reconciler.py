"""The reconciler: what the bus lost is found and caught up, some pages of the log a run."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking, ParkedStream
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.processes.process import MemoryInstances
from chalicelib.platform.processes.runner import ProcessRunner
from chalicelib.platform.processes.work import MemoryWorkQueue
from chalicelib.platform.readmodels.folding import folded_streams
from chalicelib.platform.readmodels.generations import begin, complete, switch
from chalicelib.platform.readmodels.port import ReadModel
from chalicelib.platform.readmodels.reconciler import COMPLETE_EVERY, LOOKS_AGAIN_AFTER, STILL_ON_ITS_WAY, Reconciler
from chalicelib.platform.readmodels.redis.client import open_redis
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.platform.readmodels.verification import Verifier
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.inventory.projections import AVAILABILITY_MODEL
from local.valkey import Valkey
from tests.support.machinery import PROCESSES
from tests.support.shop import ORGANISER, Shop


class MemoryNotes:
    def __init__(self) -> None:
        self.notes: Mapping[str, str] = {}

    def read(self) -> Mapping[str, str]:
        return dict(self.notes)

    def write(self, notes: Mapping[str, str]) -> None:
        self.notes = dict(notes)


class Watched:
    """A shop with a Redis and processes, and their reconciler; `others` are further read models in Redis."""

    def __init__(self, availability: RedisProjection, *others: RedisProjection) -> None:
        self.log = MemoryEventStore(events_a_page=7)
        self.shop = Shop(self.log, salt=str(uuid4()))
        self.work, self.notes, self.parking = MemoryWorkQueue(), MemoryNotes(), MemoryParking()
        self.availability = availability
        self.processes = ProcessRunner(MemoryInstances(), self.work, PROCESSES)
        self.consumers = [self.consumer(self.availability), self.consumer(self.processes)]
        models: list[ReadModel] = [self.availability, self.processes]
        followed = list(zip(models, self.consumers, strict=True))
        self.reconciler = Reconciler(
            followed, [availability, *others], self.log, self.log, self.notes, self.parking, self.shop.clock
        )
        for _ in range(3):
            _, ticket_type_id = self.shop.on_sale()
            for _ in range(4):
                self.shop.add(self.shop.cart(), ticket_type_id)
        self.shop.clock.advance(2 * STILL_ON_ITS_WAY)

    def consumer(self, projection: RedisProjection | ProcessRunner) -> Consumer:
        return Consumer(projection, self.log, self.parking, self.shop.clock)

    def events(self) -> list[StoredEvent]:
        return [event for key in self.log.stream_ids() for event in self.log.read(key)]

    def deliver(self, events: list[StoredEvent]) -> None:
        for consumer in self.consumers:
            assert consumer.consume(BusRecord("1", to_bus(event)) for event in events) == succeeded()

    def lacking(self) -> set[UUID]:
        """The streams of which Redis has less than the log, or anything else."""
        live = self.availability.live_generation()
        verifier = Verifier(live, self.log, self.parking)
        for batch in folded_streams(self.log.scan(), live, self.log):
            verifier.compare(batch.streams)
        found = verifier.findings
        return {one.stream_id for one in found.behind} | {one.stream_id for one in found.differences}


@pytest.fixture
def watched(make_model: Callable[[str], object]) -> Watched:
    availability = make_model("availability")
    assert isinstance(availability, RedisProjection)
    return Watched(availability)


@pytest.fixture
def whole(watched: Watched) -> Watched:
    """Everything is delivered and known to be."""
    watched.deliver(watched.events())
    watched.reconciler.run()
    watched.shop.clock.advance(LOOKS_AGAIN_AFTER)
    assert watched.availability.is_complete()
    return watched


def test_a_last_event_that_the_bus_lost_is_caught_up(watched: Watched) -> None:
    events = watched.events()
    heads = {event.aggregate_id: event.aggregate_version for event in events}
    lost = {event.aggregate_id for event in events if event.aggregate_type in {"TicketPool", "Concert"}}
    watched.deliver([event for event in events if event.aggregate_version < heads[event.aggregate_id]])
    assert watched.lacking() == lost
    watched.availability.begin_repair("before")
    watched.availability.end_repair("before")
    assert watched.reconciler.run() > 0
    assert watched.lacking() == set()
    assert watched.reconciler.run() == 0


def test_a_stream_whose_events_lie_on_two_pages_is_counted_once(whole: Watched) -> None:
    """Among so many drafts of two events, at seven events a page, some lie on two."""
    drafts = {whole.shop.draft() for _ in range(20)}
    whole.shop.clock.advance(LOOKS_AGAIN_AFTER)
    firsts = [page.changes[0].event for page in whole.log.changes({}, whole.shop.clock())]
    assert drafts & {event.aggregate_id for event in firsts if event.aggregate_version == 1}
    assert whole.reconciler.run() == len(drafts) * len(whole.consumers)


def test_an_event_that_may_be_on_its_way_is_left_to_the_bus(whole: Watched) -> None:
    concert_id = whole.shop.draft()
    assert whole.reconciler.run() == 0
    assert concert_id in whole.lacking()
    whole.shop.clock.advance(LOOKS_AGAIN_AFTER)
    assert whole.reconciler.run() > 0
    assert whole.lacking() == set()
    assert whole.processes.position(concert_id) == 1


@pytest.mark.parametrize("since_the_last_pass", [LOOKS_AGAIN_AFTER, COMPLETE_EVERY], ids=["changes", "all"])
def test_a_pass_goes_on_where_the_last_run_ended(whole: Watched, since_the_last_pass: timedelta) -> None:
    whole.shop.draft()
    whole.shop.clock.advance(since_the_last_pass)
    found, runs = whole.reconciler.run(seconds=0), 1
    while not whole.notes.read()["is_done"]:
        found, runs = found + whole.reconciler.run(seconds=0), runs + 1
    assert found > 0
    assert runs > 2
    assert whole.notes.read()["is_done"] == "yes"
    assert whole.lacking() == set()


def test_the_log_is_not_read_again_before_its_time(whole: Watched) -> None:
    whole.reconciler.run()
    whole.shop.draft()
    whole.shop.clock.advance(LOOKS_AGAIN_AFTER - timedelta(seconds=1))
    assert whole.reconciler.run() == 0
    whole.shop.clock.advance(timedelta(seconds=1))
    assert whole.reconciler.run() > 0


def test_tasks_of_an_event_that_the_bus_lost_are_sent(whole: Watched) -> None:
    cancelled, _ = whole.shop.on_sale()
    concerts.cancel_concert(whole.shop.repository, whole.shop.request(ORGANISER), cancelled)
    whole.shop.clock.advance(LOOKS_AGAIN_AFTER)
    whole.reconciler.run()
    assert [task.stream_id for task in whole.work.tasks] == [cancelled]


def test_a_redis_that_lost_its_memory_knows_all_again_after_one_pass(whole: Watched, own_valkey: Valkey) -> None:
    whole.reconciler.run()
    own_valkey.forget_everything()
    assert len(whole.lacking()) == 6
    whole.reconciler.run()
    assert whole.availability.is_complete()
    assert whole.lacking() == set()


def test_every_read_model_in_a_redis_that_lost_its_memory_is_loaded_again(
    make_model: Callable[[str], object], own_valkey: Valkey
) -> None:
    availability = make_model("availability")
    assert isinstance(availability, RedisProjection)
    another = RedisProjection(open_redis(own_valkey.url), replace(AVAILABILITY_MODEL, name="another"))
    watched = Watched(availability, another)
    watched.reconciler.run()
    own_valkey.forget_everything()
    assert another.positions(watched.log.stream_ids()) == {}
    watched.reconciler.run()
    assert watched.lacking() == set()
    assert availability.is_complete()
    assert another.is_complete()
    streams = watched.log.stream_ids()
    assert another.positions(streams) == availability.positions(streams) != {}


def test_a_read_model_that_is_new_in_redis_is_loaded_while_the_others_stay_complete(
    whole: Watched, own_valkey: Valkey
) -> None:
    another = RedisProjection(open_redis(own_valkey.url), replace(AVAILABILITY_MODEL, name="another"))
    followed = [(whole.availability, whole.consumers[0])]
    volatile = [whole.availability, another]
    reconciler = Reconciler(followed, volatile, whole.log, whole.log, whole.notes, whole.parking, whole.shop.clock)
    reconciler.run(seconds=0)
    assert whole.availability.is_complete()
    assert not another.is_complete()
    reconciler.run()
    assert another.is_complete()
    streams = whole.log.stream_ids()
    assert another.positions(streams) == whole.availability.positions(streams)


def test_nobody_is_warned_of_a_redis_that_is_new_and_everybody_of_one_that_forgot(
    watched: Watched, own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        watched.reconciler.run()
    assert watched.availability.is_complete()
    assert [record.message for record in caplog.records if "Redis" in record.message] == [
        "Redis is new, and the log is loaded into it",
        "Redis has all of availability again",
    ]
    caplog.clear()
    own_valkey.forget_everything()
    watched.reconciler.run()
    assert "Redis has lost its data" in [r.message for r in caplog.records if r.levelno == logging.WARNING]
    assert watched.lacking() == set()


def test_a_redis_that_loses_its_memory_in_the_middle_of_a_batch_knows_all_again(
    whole: Watched, own_valkey: Valkey
) -> None:
    events = whole.events()
    whole.shop.draft()
    whole.deliver(events[:10])
    own_valkey.forget_everything()
    whole.deliver([*events[10:], *whole.events()[-2:]])
    whole.reconciler.run()
    assert whole.availability.is_complete()
    assert whole.lacking() == set()


@pytest.mark.parametrize("page", [1, 2])
def test_a_redis_that_loses_its_memory_while_it_is_mended_is_mended_again(
    whole: Watched, own_valkey: Valkey, page: int
) -> None:
    own_valkey.forget_everything()
    for _ in range(page):
        whole.reconciler.run(seconds=0)
    own_valkey.forget_everything()
    while not whole.availability.is_complete():
        whole.reconciler.run(seconds=0)
    assert whole.lacking() == set()


def test_a_redis_that_loses_its_memory_with_its_second_generation_live_is_mended(
    whole: Watched, own_valkey: Valkey
) -> None:
    begin(whole.availability)
    complete(whole.availability)
    switch(whole.availability)
    own_valkey.forget_everything()
    whole.reconciler.run()
    assert whole.lacking() == set()


def test_while_redis_is_away_the_others_are_looked_after(whole: Watched, own_valkey: Valkey) -> None:
    concert_id = whole.shop.draft()
    whole.shop.clock.advance(LOOKS_AGAIN_AFTER)
    own_valkey.process.pause()
    try:
        assert whole.reconciler.run() > 0
    finally:
        own_valkey.process.resume()
    assert whole.processes.position(concert_id) == 1
    assert whole.lacking() == {concert_id}


def test_while_a_redis_that_is_mended_is_away_the_pass_waits(whole: Watched, own_valkey: Valkey) -> None:
    own_valkey.forget_everything()
    whole.reconciler.run(seconds=0)
    before = whole.notes.read()
    own_valkey.process.pause()
    try:
        with pytest.raises(Unavailable):
            whole.reconciler.run(seconds=0)
    finally:
        own_valkey.process.resume()
    assert whole.notes.read() == before
    whole.reconciler.run()
    assert whole.availability.is_complete()
    assert whole.lacking() == set()


def test_what_was_behind_and_what_waits_for_somebody_is_counted_for_alarms(
    whole: Watched, counted: Callable[[], dict[str, float]]
) -> None:
    parked, behind = whole.shop.draft(), whole.shop.draft()
    whole.shop.clock.advance(LOOKS_AGAIN_AFTER)
    whole.parking.park(ParkedStream("processes", parked, 0, "a reason", "2030-01-01T00:00:00.000Z", 1))
    whole.parking.park(ParkedStream("availability", parked, 0, "a reason", "2030-01-01T00:00:00.000Z", 1))
    whole.reconciler.run()
    assert whole.processes.position(behind) == 1
    expected = {"StreamsBehind": 2, "ParkedStreams": 2, "UnreadableRecords": 0}
    assert expected.items() <= counted().items()


def test_a_stream_that_was_applied_after_all_is_released_with_the_next_pass(whole: Watched) -> None:
    """Its next event follows the position, so the consumer does not ask whether the stream is parked."""
    applied, waiting = whole.shop.draft(), whole.shop.draft()
    whole.deliver(whole.events())
    for stream_id, version in ((applied, 1), (waiting, 2)):
        whole.parking.park(ParkedStream("processes", stream_id, version, "a reason", "2030-01-01T00:00:00.000Z", 2))
    whole.shop.clock.advance(LOOKS_AGAIN_AFTER)
    whole.reconciler.run()
    assert [stream.stream_id for stream in whole.parking.list_parked()] == [waiting]
