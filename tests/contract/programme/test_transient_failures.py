"""Postgres that is away or in trouble parks nothing; data that it cannot hold is poison."""

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.readmodels.postgres.pool import Pool, open_pool
from chalicelib.shop.venues.events import VenueDeleted, VenueDetailsChanged
from chalicelib.shop.venues.queries import find_venue, list_venues
from local.postgres import Postgres
from tests.contract.programme.followed import FollowedLog, ending_with, record, rows, venue_created


def test_an_event_that_cannot_be_applied_parks_its_stream_and_no_other(followed: FollowedLog) -> None:
    poisoned, healthy = uuid4(), uuid4()
    details = venue_created().model_dump(exclude={"organiser_id", "request_hash"})
    too_large = VenueDetailsChanged(**details | {"capacity": 2**70})
    sick = followed.append(poisoned, venue_created(), too_large, VenueDeleted())
    well = followed.append(healthy, venue_created(), VenueDeleted())
    assert followed.deliver([sick[0], well[0], sick[1], sick[2], well[1]]) == succeeded()
    [parked] = followed.parking.list_parked()
    assert (parked.stream_id, parked.version, parked.last_seen) == (poisoned, 1, 2)
    assert "NumericValueOutOfRange" in parked.error
    assert (followed.projection.position(poisoned), followed.projection.position(healthy)) == (0, 1)


def raising(sqlstate: str) -> str:
    return f"do $$ begin raise exception using errcode = '{sqlstate}'; end $$"


@pytest.mark.parametrize(
    "sqlstate", ["40001", "40P01", "53100", "53300", "57014", "57P01", "58030", "55P03", "25006", "42P01", "42501"]
)
def test_trouble_of_the_server_is_a_transient_failure(followed: FollowedLog, sqlstate: str) -> None:
    projection = ending_with(raising(sqlstate), followed.pool)
    with pytest.raises(Unavailable):
        projection.apply(uuid4(), -1, [record(uuid4(), 0, venue_created())])


@pytest.mark.parametrize("sqlstate", ["22003", "22021", "23502", "23505", "54000"])
def test_trouble_with_the_data_is_poison(followed: FollowedLog, sqlstate: str) -> None:
    projection = ending_with(raising(sqlstate), followed.pool)
    with pytest.raises(psycopg.Error) as failure:
        projection.apply(uuid4(), -1, [record(uuid4(), 0, venue_created())])
    assert failure.value.sqlstate == sqlstate


def test_a_connection_that_the_server_ends_in_the_middle_is_a_transient_failure_and_the_next_one_works(
    followed: FollowedLog,
) -> None:
    projection = ending_with("select pg_terminate_backend(pg_backend_pid())", followed.pool)
    venue_id = uuid4()
    events = [record(venue_id, 0, venue_created())]
    with pytest.raises(Unavailable):
        projection.apply(venue_id, -1, events)
    followed.projection.apply(venue_id, -1, events)
    assert followed.projection.position(venue_id) == 0


def test_a_database_before_its_first_migration_is_a_transient_failure(empty_database: str) -> None:
    pool = open_pool(empty_database)
    try:
        with pytest.raises(Unavailable):
            find_venue(pool, uuid4())
    finally:
        pool.close()


def test_a_server_that_hangs_is_given_up_in_time_and_works_again_when_it_answers(
    own_postgres: Postgres,
) -> None:
    pool = open_pool(own_postgres.url)
    [pid] = rows(pool, "select pg_backend_pid() as x")
    os.kill(pid, signal.SIGSTOP)
    try:
        began = datetime.now(UTC)
        with pytest.raises(Unavailable):
            pool.probe()
        assert datetime.now(UTC) - began < timedelta(seconds=9)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert rows(pool, "select 'after' as x") == ["after"]
    pool.close()


def kill_with_backends(server: Postgres, pool: Pool) -> None:
    """Kill the server and wait for its backends, which finish what they are doing before they notice."""
    backends = [int(pid) for pid in rows(pool, "select pid as x from pg_stat_activity")]
    server.kill()
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    while any(map(is_running, backends)):
        assert datetime.now(UTC) < deadline, "the backends outlive their server"


def is_running(pid: int) -> bool:
    """Tell whether the process is there; one that has ended and whose parent is gone has no command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_while_postgres_is_away_nothing_is_parked_and_all_is_current_after_it_is_back(
    own_postgres: Postgres, followed: FollowedLog, how: str
) -> None:
    known = followed.open_venue("Known")
    fresh = uuid4()
    events = [*followed.append(known, VenueDeleted()), *followed.append(fresh, venue_created("Fresh"))]
    own_postgres.stop() if how == "stop" else kill_with_backends(own_postgres, followed.pool)
    try:
        began = datetime.now(UTC)
        assert followed.deliver(events) == failed_from("0")
        assert datetime.now(UTC) - began < timedelta(seconds=5)
        with pytest.raises(Unavailable):
            find_venue(followed.pool, known)
        assert followed.parking.list_parked() == []
    finally:
        own_postgres.start()
    assert followed.deliver(events) == succeeded()
    assert (followed.projection.position(known), followed.projection.position(fresh)) == (1, 0)
    assert [venue["name"] for venue in list_venues(followed.pool, 20, None)[0]] == ["Fresh"]


def test_a_restart_between_two_requests_goes_unnoticed(own_postgres: Postgres, followed: FollowedLog) -> None:
    venue_id = followed.open_venue()
    own_postgres.kill()
    own_postgres.start()
    assert find_venue(followed.pool, venue_id) is not None
