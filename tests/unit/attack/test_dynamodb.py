"""The stand-in for DynamoDB takes its time, has conflicts of transactions, and refuses what a partition cannot give."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import pytest

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import Origin, encode
from chalicelib.platform.eventsourcing.store import ConcurrencyError
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.shop.carts.events import CartCreated
from ops.plan.timings import Timings
from simulator.attack.dynamodb import Network, TimedLog
from simulator.scheduler import Scheduler
from simulator.servers import Log

STREAM, OTHER, MARK = (UUID(int=number) for number in (1, 2, 3))
MANY = 3_001
"""One more than a partition gives at once."""


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler(1)


@pytest.fixture
def network(scheduler: Scheduler) -> Network:
    return Network(scheduler, Timings(read_ms=4, write_ms=10))


@pytest.fixture
def log(scheduler: Scheduler, network: Network) -> Iterator[TimedLog]:
    yield TimedLog(Log(scheduler), network)
    assert scheduler.failures == []


def created(stream_id: UUID, by: str = "a") -> StoredEvent:
    event = CartCreated(customer_id=uuid5(stream_id, by), at=datetime(2030, 1, 1, tzinfo=UTC))
    return encode(
        event, stream_id, Head(), Origin("1", "2", "3"), uuid5(stream_id, by), datetime(2030, 1, 1, tzinfo=UTC)
    )


def at_once(scheduler: Scheduler, *calls: Callable[[], Any]) -> list[Any]:
    """Make the calls at the same time, and return what each gave or raised, in the order of their ends."""
    results: list[Any] = []

    def run(call: Callable[[], Any]) -> None:
        try:
            results.append(call())
        except (ConcurrencyError, Unavailable) as error:
            results.append(type(error))

    for call in calls:
        scheduler.add("client", partial(run, call))
    scheduler.run()
    return results


def test_a_write_and_a_read_take_about_as_long_as_assumed(network: Network, log: TimedLog) -> None:
    log.append([created(STREAM)])
    assert 0.005 <= network.now <= 0.015
    began = network.now
    assert len(log.read(STREAM)) == 1
    assert 0.002 <= network.now - began <= 0.006


def test_of_two_writers_of_a_version_one_loses(scheduler: Scheduler, log: TimedLog) -> None:
    results = at_once(scheduler, *(lambda by=by: log.append([created(STREAM, by)]) for by in "ab"))
    assert sorted(map(str, results)) == sorted(map(str, [None, ConcurrencyError]))


def test_transactions_that_raise_one_epoch_at_the_same_time_are_in_conflict(
    scheduler: Scheduler, log: TimedLog
) -> None:
    results = at_once(scheduler, *(lambda key=key: log.append([created(key)], [MARK]) for key in (STREAM, OTHER)))
    assert sorted(map(str, results)) == sorted(map(str, [None, ConcurrencyError]))
    assert log.find_result(MARK).epoch == 1


def test_what_one_partition_does_not_give_in_a_second_waits(
    scheduler: Scheduler, network: Network, log: TimedLog
) -> None:
    assert at_once(scheduler, *[lambda: log.read(STREAM)] * MANY) == [[]] * MANY
    assert log.throttled == 1
    assert network.now < 5


def test_each_partition_gives_for_itself(scheduler: Scheduler, log: TimedLog) -> None:
    at_once(scheduler, *[lambda: log.read(STREAM), lambda: log.read(OTHER)] * (MANY // 2))
    assert log.throttled == 0
