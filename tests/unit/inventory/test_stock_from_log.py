"""The log is asked for the stock once a second for all requests of a container, and for no more than it may be."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event as Signal
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import CloudbashError, NotFound, ReadModelBehind, TooMuchToRead, Unavailable
from chalicelib.platform.eventsourcing.budget import ReadBudget
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.eventsourcing.streams import Streams
from chalicelib.platform.readmodels.min_versions import NOTHING_NAMED, MinVersions
from chalicelib.shop.concerts.events import ConcertPublished, PoolsOfTicketType
from chalicelib.shop.inventory.events import HoldsLapsed
from chalicelib.shop.inventory.queries import stock_from_log
from chalicelib.shop.inventory.stock_from_log import MOST_CONCERTS, SHARED_FOR, Read, StockAsOf, StockFromLog
from tests.support.shop import some_id
from tests.support.stored import SOME_TIME as NOW
from tests.support.stored import store_all

CONCERT, POOL = some_id("concert"), some_id("pool")
MILLISECOND = timedelta(milliseconds=1)


class Reading:
    """Reads the stock, and counts how often; what it gives names the reading."""

    def __init__(self, outcome: CloudbashError | None = None) -> None:
        self.times = 0
        self.outcome = outcome

    def __call__(self) -> StockAsOf:
        self.times += 1
        if self.outcome is not None:
            raise self.outcome
        return StockAsOf([{"reading": self.times}], {CONCERT: 3, POOL: self.times})


def asked(
    shared: StockFromLog, read: Read, now: datetime = NOW, named: MinVersions = NOTHING_NAMED, concert: UUID = CONCERT
) -> int:
    (row,) = shared.answer(concert, now, named, read)
    reading: int = row["reading"]
    return reading


def test_within_a_second_all_requests_share_one_reading() -> None:
    shared, read = StockFromLog(), Reading()
    for after, reading in [(0 * MILLISECOND, 1), (SHARED_FOR - MILLISECOND, 1), (SHARED_FOR, 2), (SHARED_FOR, 2)]:
        assert asked(shared, read, NOW + after) == reading


def test_requests_at_once_wait_for_the_one_that_reads() -> None:
    shared, read, begun, may_end = StockFromLog(), Reading(), Signal(), Signal()

    def slowly() -> StockAsOf:
        begun.set()
        may_end.wait(10)
        return read()

    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(asked, shared, slowly)
        begun.wait(10)
        others = [threads.submit(asked, shared, read) for _ in range(7)]
        may_end.set()
        assert {answer.result() for answer in [first, *others]} == {1}
    assert read.times == 1


@pytest.mark.parametrize(
    ("outcome", "raised"),
    [
        (NotFound("none"), NotFound),
        (TooMuchToRead("large"), ReadModelBehind),
        (Unavailable("away"), Unavailable),
    ],
    ids=["not found", "too large", "away"],
)
def test_a_refusal_is_shared_too(outcome: CloudbashError, raised: type[CloudbashError]) -> None:
    shared, read = StockFromLog(), Reading(outcome)
    for _ in range(5):
        with pytest.raises(raised):
            asked(shared, read)
    assert read.times == 1


def test_a_reader_who_has_seen_more_than_is_shared_is_told_to_come_back() -> None:
    shared, read = StockFromLog(), Reading()
    assert asked(shared, read, named=MinVersions({POOL: 99})) == 1
    assert asked(shared, read, named=MinVersions({POOL: 1, CONCERT: 3, uuid4(): 5})) == 1
    with pytest.raises(ReadModelBehind):
        asked(shared, read, named=MinVersions({POOL: 2}))
    assert asked(shared, read, NOW + SHARED_FOR, MinVersions({POOL: 2})) == 2


def test_so_many_concerts_are_read_in_a_second_and_no_more() -> None:
    shared, read = StockFromLog(), Reading()
    for number in range(MOST_CONCERTS):
        asked(shared, read, concert=some_id(f"concert {number}"))
    with pytest.raises(ReadModelBehind):
        asked(shared, read, concert=some_id("one more"))
    assert asked(shared, read, concert=some_id("concert 0")) == 1
    assert asked(shared, read, NOW + SHARED_FOR, concert=some_id("one more")) == MOST_CONCERTS + 1


def log_with(streams: dict[UUID, Sequence[Event]]) -> MemoryEventStore:
    store = MemoryEventStore()
    for stream_id, events in streams.items():
        for event in store_all(stream_id, events):
            store.append([event])
    return store


def read_with_budget(store: MemoryEventStore, reads: int) -> tuple[int, int]:
    """What a call with this budget spends on the stock of the concert, in requests and in items."""
    budget, requests, items = ReadBudget(reads), store.usage.reads, store.usage.items_read
    with suppress(TooMuchToRead, NotFound):
        stock_from_log(Streams(store.metered(budget.spend)), CONCERT, NOW, lambda: budget.left)
    return store.usage.reads - requests, store.usage.items_read - items


@pytest.mark.parametrize(("pools", "requests"), [(1, 2), (2, 3), (3, 1), (90, 1)])
def test_a_concert_with_more_pools_than_may_be_read_costs_one_request(pools: int, requests: int) -> None:
    ids = tuple(some_id(f"pool {number}") for number in range(pools))
    of_type = PoolsOfTicketType(ticket_type_id=some_id("type"), pool_ids=ids)
    store = log_with({CONCERT: [ConcertPublished(pools=(of_type,))]})
    assert read_with_budget(store, 3) == (requests, 1)


def test_of_a_long_stream_that_is_no_concert_the_beginning_is_read() -> None:
    store = log_with({CONCERT: [HoldsLapsed(at=NOW, hold_ids=(), quantity=0)] * 2000})
    assert read_with_budget(store, 3) == (1, 100)
