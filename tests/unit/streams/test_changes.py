"""What each event of a page changed: the same as in the whole history, for the price of the page."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.snapshots import MemorySnapshots, Snapshot, take
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.eventsourcing.streams import Streams
from chalicelib.shop.inventory.ticket_pool import SNAPSHOT_EVERY, TICKET_POOL, pool_id
from chalicelib.shop.streams.queries import FOLDED_AT_MOST, LogView, Wanted, history, list_events
from chalicelib.shop.venues.events import VenueCreated, VenueDetailsChanged
from chalicelib.shop.venues.venue import VENUE
from tests.support.shop import OPERATOR, ORGANISER, Shop
from tests.support.stored import SOME_TIME, store_all

CREATED = VenueCreated(
    organiser_id=ORGANISER.id, name="0", description="", capacity=1, address="", city="", country="", time_zone="UTC"
)


def renamed(number: int) -> VenueDetailsChanged:
    return VenueDetailsChanged(
        name=str(number), description="", capacity=1, address="", city="", country="", time_zone="UTC"
    )


class WatchedStore(MemoryEventStore):
    """Counts what a page reads."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = self.events = 0

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        return self._counted(super().read(stream_id, after))

    def read_slice(self, stream_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        return self._counted(super().read_slice(stream_id, after, limit))

    def read_last(self, stream_id: UUID, count: int) -> list[StoredEvent]:
        return self._counted(super().read_last(stream_id, count))

    def _counted(self, events: list[StoredEvent]) -> list[StoredEvent]:
        self.reads, self.events = self.reads + 1, self.events + len(events)
        return events


def log_of(stream: list[StoredEvent], snapshots: MemorySnapshots | None = None) -> tuple[LogView, WatchedStore]:
    store = WatchedStore()
    for event in stream:
        store.append([event])
    repository = Repository(store, lambda: SOME_TIME, snapshots=snapshots)
    return LogView(repository, {VENUE.name: VENUE, TICKET_POOL.name: TICKET_POOL}), store


def page(log: LogView, stream_id: UUID, wanted: Wanted, limit: int) -> list[JsonObject]:
    return log.with_changes(list_events(log, OPERATOR, stream_id, wanted, limit).events)


@pytest.fixture(scope="module")
def renamings() -> list[StoredEvent]:
    """2,500 events, of which each gives a venue another name."""
    return store_all(uuid4(), [CREATED, *map(renamed, range(1, 2500))])


def test_the_first_page_of_a_long_stream_reads_its_own_events_only(renamings: list[StoredEvent]) -> None:
    log, store = log_of(renamings[:2000])
    [first] = page(log, renamings[0].aggregate_id, Wanted(), 1)
    assert first == history(renamings[:1], log.aggregates)[0]
    assert first["changes"]
    assert (store.reads, store.events) == (2, 2)


@pytest.mark.parametrize("version", [1, 100, 101, 1999])
def test_a_later_page_reads_what_is_before_it_once(renamings: list[StoredEvent], version: int) -> None:
    log, store = log_of(renamings[:2000])
    [found] = page(log, renamings[0].aggregate_id, Wanted(from_version=version), 1)
    assert found["changes"] == [
        {"path": "/details/name", "before": str(version - 1), "after": str(version)},
    ]
    assert (store.reads, store.events) == (3, version + 2)


def test_beyond_its_limit_a_page_reads_no_more_and_says_of_no_event_what_it_changed(
    renamings: list[StoredEvent],
) -> None:
    log, store = log_of(renamings)
    found = page(log, renamings[0].aggregate_id, Wanted(from_version=FOLDED_AT_MOST + 1), 3)
    assert [event["changes"] for event in found] == [None] * 3
    assert store.events == 1 + 3


def test_behind_a_snapshot_a_page_reads_from_there() -> None:
    shop = Shop(MemoryEventStore())
    _, ticket_type_id = shop.on_sale(quantity=10)
    stream_id = pool_id(ticket_type_id, 0)
    for _ in range(2 * SNAPSHOT_EVERY):
        cart_id = shop.cart()
        shop.remove(cart_id, shop.add(cart_id, ticket_type_id).item_id)
    stream = shop.log([stream_id])[stream_id]
    snapshots = MemorySnapshots()
    snapshots.save(snapshot_at(stream, len(stream) - 10))
    log, store = log_of(stream, snapshots)
    found = page(log, stream_id, Wanted(from_version=len(stream) - 3), 3)
    assert [event["changes"] for event in found] == [event["changes"] for event in history(stream, log.aggregates)[-3:]]
    assert store.events == 1 + 3 + 6


def snapshot_at(stream: list[StoredEvent], version: int) -> Snapshot:
    store = MemoryEventStore()
    for event in stream[: version + 1]:
        store.append([event])
    stream_id = stream[0].aggregate_id
    return take(TICKET_POOL, stream_id, Streams(store).refresh(TICKET_POOL, stream_id))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 30),
    st.integers(0, 3),
    st.integers(0, 35),
    st.sampled_from([None, "VenueCreated"]),
    st.integers(1, 9),
)
def test_a_page_says_what_the_whole_history_says(
    count: int, begins_at: int, from_version: int, type_name: str | None, limit: int
) -> None:
    whole = store_all(uuid4(), [CREATED, *(CREATED if n % 4 == 0 else renamed(n) for n in range(1, count + begins_at))])
    stream = whole[begins_at:]
    if not stream:
        return
    log, _ = log_of(stream)
    found = page(log, stream[0].aggregate_id, Wanted(type_name, from_version), limit)
    told = {item["aggregate_version"]: item for item in history(stream, log.aggregates)}
    assert found == [told[item["aggregate_version"]] for item in found]
