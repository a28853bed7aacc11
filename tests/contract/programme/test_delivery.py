"""However the bus delivers, the tables are as if every event came once and in order."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.codec import RecordedEvent, recorded
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.readmodels.postgres.pool import Pool
from chalicelib.platform.readmodels.postgres.tables import Change
from chalicelib.shop.concerts.concert import CONCERT, Concert
from chalicelib.shop.concerts.queries import find_concert
from chalicelib.shop.venues.events import VenueDeleted
from chalicelib.shop.venues.projections import project_venue
from tests.contract.programme.followed import (
    CONCERTS,
    NOW,
    FollowedLog,
    History,
    deterministic,
    ending_with,
    fresh_log,
    histories,
    projection_of,
    record,
    venue_created,
)


def test_an_event_that_comes_twice_is_applied_once(followed: FollowedLog) -> None:
    calls: list[int] = []

    def count(event: RecordedEvent) -> list[Change]:
        calls.append(event.version)
        return []

    projection = projection_of(followed.pool, {"Venue": count}, "counting")
    consumer = Consumer(projection, followed.log, followed.parking, lambda: NOW)
    records = [BusRecord("1", to_bus(event)) for event in followed.append(uuid4(), venue_created(), VenueDeleted())]
    for delivered in (records[:1], records[:1], records, records, records[:1]):
        assert consumer.consume(delivered) == succeeded()
    assert calls == [0, 1]


@pytest.mark.parametrize("position", [-1, 1, 5])
def test_events_for_another_position_are_refused_and_change_nothing(followed: FollowedLog, position: int) -> None:
    venue_id = followed.open_venue()
    before = followed.tables()
    with pytest.raises(PositionMoved):
        followed.projection.apply(venue_id, position, [record(venue_id, position + 1, VenueDeleted())])
    assert followed.tables() == before


def test_a_position_that_was_forgotten_meanwhile_is_not_made_anew(followed: FollowedLog) -> None:
    with pytest.raises(PositionMoved):
        followed.projection.apply(uuid4(), 3, [record(uuid4(), 4, VenueDeleted())])
    assert followed.tables()["positions"] == []


def test_projections_of_one_database_keep_their_own_positions(followed: FollowedLog) -> None:
    venue_id = followed.open_venue()
    other = projection_of(followed.pool, name="other")
    assert (followed.projection.position(venue_id), other.position(venue_id)) == (0, -1)


@pytest.mark.parametrize("position", [-1, 0])
def test_of_consumers_that_race_for_the_same_event_one_applies_it_and_the_others_learn_that_it_moved(
    followed: FollowedLog, position: int
) -> None:
    racers, applied = 4, []

    def note(event: RecordedEvent) -> list[Change]:
        applied.append(event.version)
        return project_venue(event)

    projection = ending_with("select pg_sleep(0.005)", followed.pool, {"Venue": note})

    def race(barrier: Barrier, stream_id: UUID) -> str:
        barrier.wait()
        try:
            projection.apply(stream_id, position, [record(stream_id, position + 1, venue_created())])
        except PositionMoved:
            return "moved"
        return "applied"

    with ThreadPoolExecutor(racers) as threads:
        for _ in range(20):
            stream_id, barrier = uuid4(), Barrier(racers)
            if position == 0:
                followed.happened(stream_id, venue_created())
            outcomes = list(threads.map(race, [barrier] * racers, [stream_id] * racers))
            assert sorted(outcomes) == ["applied", "moved", "moved", "moved"]
            assert projection.position(stream_id) == position + 1
    assert len(applied) == 20


def test_a_batch_that_fails_in_the_middle_leaves_nothing(followed: FollowedLog) -> None:
    def fail_at_second(event: RecordedEvent) -> list[Change]:
        if event.version == 1:
            raise ZeroDivisionError
        return project_venue(event)

    projection = projection_of(followed.pool, {"Venue": fail_at_second})
    stream_id = uuid4()
    events = [record(stream_id, 0, venue_created()), record(stream_id, 1, VenueDeleted())]
    with pytest.raises(ZeroDivisionError):
        projection.apply(stream_id, -1, events)
    assert projection.position(stream_id) == -1
    assert followed.tables()["venues"] == []


@deterministic
@given(history=histories, data=st.data())
def test_however_the_bus_delivers_a_history_the_tables_are_as_if_once_and_in_order(
    shared_pool: Pool, history: History, data: st.DataObject
) -> None:
    followed, events = fresh_log(shared_pool, history)
    followed.deliver(events)
    expected = followed.tables()

    followed, events = fresh_log(shared_pool, history)
    last = {event.aggregate_id: event for event in events}
    copies = data.draw(st.lists(st.sampled_from(events), max_size=2 * len(events)))
    arriving = data.draw(st.permutations([*last.values(), *copies]))
    batch_size = data.draw(st.integers(1, 10))
    for start in range(0, len(arriving), batch_size):
        assert followed.deliver(arriving[start : start + batch_size]) == succeeded()

    assert followed.parking.list_parked() == []
    assert followed.tables() == expected
    assert len(expected["positions"]) == len(history)


@deterministic
@given(history=histories)
def test_two_consumers_at_once_apply_every_event_once_and_in_order(shared_pool: Pool, history: History) -> None:
    followed, events = fresh_log(shared_pool, history)
    applied: dict[UUID, list[int]] = {stream_id: [] for stream_id in history}

    def note(event: RecordedEvent) -> list[Change]:
        applied[event.stream_id].append(event.version)
        return []

    projection = projection_of(shared_pool, {"Venue": note, "Concert": note}, "noting")
    followed.consumer = Consumer(projection, followed.log, followed.parking, lambda: NOW)
    barrier = Barrier(2)

    def consume(_: int) -> list[dict[str, Any]]:
        barrier.wait()
        return [followed.deliver([event]) for event in events]

    with ThreadPoolExecutor(2) as threads:
        for outcomes in threads.map(consume, range(2)):
            assert all(outcome == succeeded() for outcome in outcomes)
    assert followed.parking.list_parked() == []
    assert applied == {stream_id: list(range(len(happened))) for stream_id, happened in history.items()}


def summary_of(concert: Concert) -> dict[str, Any] | None:
    details = concert.details
    if details is None or concert.status is None or concert.status == "deleted":
        return None
    return {
        "name": details.name.replace("\0", ""),
        "genre": details.genre and details.genre.replace("\0", ""),
        "status": concert.status.value,
        "starts_at": concert.starts_at and format_instant(concert.starts_at),
        "prices": [(str(key), str(of_type.price.amount)) for key, of_type in concert.ticket_types.items()],
    }


def shown(concert: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if concert is None:
        return None
    prices = [(of_type["id"], of_type["price"]["amount"]) for of_type in concert["ticket_types"]]
    return {name: concert[name] for name in ("name", "genre", "status", "starts_at")} | {"prices": prices}


@deterministic
@given(history=histories)
def test_what_is_shown_of_a_concert_is_what_its_events_add_up_to(shared_pool: Pool, history: History) -> None:
    followed, events = fresh_log(shared_pool, history)
    followed.deliver(events)
    for concert_id in CONCERTS:
        concert = CONCERT.fold(recorded(event).event for event in followed.log.read(concert_id))
        assert shown(find_concert(shared_pool, concert_id)) == summary_of(concert)
