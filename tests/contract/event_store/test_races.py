"""Of many who write one version, one wins."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar
from uuid import uuid4

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.money import Money
from chalicelib.shop.inventory.events import TicketPoolOpened
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL
from tests.contract.event_store.events import DELETED, lost
from tests.support.shop import HOLD_FOR, Clock, CountedStore
from tests.support.stored import SOME_TIME, SOMEBODY, item

THREADS = 32
Result = TypeVar("Result")


def at_once(work: Callable[[int], Result]) -> list[Result]:
    """The results of 32 threads that begin at the same moment and are interrupted all the time."""
    barrier = Barrier(THREADS)

    def wait_and_work(number: int) -> Result:
        barrier.wait()
        return work(number)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(wait_and_work, range(THREADS)))
    finally:
        sys.setswitchinterval(interval)


def test_of_32_writers_of_one_version_one_wins(store: CountedStore) -> None:
    for _ in range(5):
        stream_id = uuid4()
        tries = [item(DELETED, stream_id) for _ in range(THREADS)]
        losses = at_once(lambda number, tries=tries: lost(lambda: store.append([tries[number]])))  # type: ignore[misc]
        assert sorted(losses, key=len) == [frozenset(), *[frozenset({stream_id})] * (THREADS - 1)]
        assert store.read(stream_id) == [tries[losses.index(frozenset())]]


def test_of_32_transactions_over_one_version_one_wins_and_the_others_leave_nothing(store: CountedStore) -> None:
    shared = uuid4()
    tries = [[item(DELETED, shared), item(DELETED)] for _ in range(THREADS)]
    losses = at_once(lambda number: lost(lambda: store.append(tries[number])))
    assert sorted(map(len, losses)) == [0, *[1] * (THREADS - 1)]
    for (contested, own), loss in zip(tries, losses, strict=True):
        won = not loss
        assert (store.read(own.aggregate_id) == [own]) is won
        assert (store.read(shared) == [contested]) is won


def test_32_buyers_of_one_pool_lose_nothing(store: CountedStore) -> None:
    pool_id = uuid4()
    terms = TicketPoolOpened(
        concert_id=uuid4(),
        concert_name="",
        ticket_type_id=uuid4(),
        ticket_type_name="",
        pool_index=0,
        pool_count=1,
        capacity=THREADS,
        price=Money.zero("EUR"),
        max_per_order=1,
        sales_end=SOME_TIME + HOLD_FOR,
        at=SOME_TIME,
    )
    containers = [Repository(store, Clock()) for _ in range(4)]
    containers[0].execute(lambda session: session.append(TICKET_POOL, pool_id, terms), SOMEBODY)
    hold_ids = [uuid4() for _ in range(THREADS)]

    def hold(number: int) -> None:
        def command(session: Session) -> None:
            pool = session.load(TICKET_POOL, pool_id)
            expires_at = session.now + HOLD_FOR
            session.append(TICKET_POOL, pool_id, *pool.hold(hold_ids[number], pool_id, 1, session.now, expires_at))

        containers[number % len(containers)].execute(command, SOMEBODY)

    at_once(hold)
    pool, version = Repository(store, Clock()).load(TICKET_POOL, pool_id)
    assert (set(pool.holds), pool.free, version) == (set(hold_ids), 0, THREADS)
    events = store.read(pool_id)
    assert [event.previous_hash for event in events[1:]] == [event.hash for event in events[:-1]]
