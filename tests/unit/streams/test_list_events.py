"""Listing a stream's events: pages and filters that do not read the whole stream."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.caller import Actor
from chalicelib.platform.errors import Forbidden, NotFound
from chalicelib.platform.eventsourcing.codec import encode
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.history import created_at
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.concerts.concert import CONCERT
from chalicelib.shop.streams.queries import LOOKED_AT_MOST, LogView, Wanted, list_events
from chalicelib.shop.venues.events import VenueCreated, VenueDeleted
from chalicelib.shop.venues.venue import VENUE
from tests.support.shop import OPERATOR, ORGANISER, OTHER_ORGANISER, Shop
from tests.support.stored import SOME_TIME, SOMEBODY, store_all

CREATED = VenueCreated(
    organiser_id=ORGANISER.id, name="", description="", capacity=1, address="", city="", country="", time_zone="UTC"
)
DELETED = VenueDeleted()
MILLISECOND = timedelta(milliseconds=1)


class WatchedStore(MemoryEventStore):
    """Remembers how large the slices were that it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.slices: list[int] = []

    def read_slice(self, stream_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        self.slices.append(limit)
        return super().read_slice(stream_id, after, limit)


def log_of(*streams: list[StoredEvent]) -> tuple[LogView, WatchedStore]:
    store = WatchedStore()
    for stream in streams:
        for event in stream:
            store.append([event])
    return LogView(Repository(store, lambda: SOME_TIME), {VENUE.name: VENUE, CONCERT.name: CONCERT}), store


def pages(log: LogView, stream_id: UUID, wanted: Wanted, limit: int) -> Iterator[list[StoredEvent]]:
    after = None
    while True:
        page = list_events(log, OPERATOR, stream_id, wanted, limit, after)
        yield page.events
        if page.next_after is None:
            return
        after = page.next_after


happened = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([CREATED, DELETED])), min_size=1, max_size=30)
instants = st.none() | st.integers(-1, 40).map(lambda number: SOME_TIME + number * MILLISECOND)
types = st.sampled_from([None, "VenueDeleted", VenueCreated.stored_name, "Nothing"])


@settings(max_examples=150, deadline=None)
@given(happened, st.integers(0, 3), types, st.integers(0, 35), instants, instants, st.integers(1, 12))
def test_the_pages_together_are_what_the_filters_leave_of_the_stream(
    happened: list[tuple[int, Event]],
    begins_at: int,
    type_name: str | None,
    from_version: int,
    since: object,
    until: object,
    limit: int,
) -> None:
    stream_id, now, head = uuid4(), SOME_TIME, Head(version=begins_at - 1)
    stream = list[StoredEvent]()
    for span, event in happened:
        now += span * MILLISECOND
        stream.append(encode(event, stream_id, head, SOMEBODY, uuid4(), now))
        head = Head.of(stream[-1])
    log, _ = log_of(stream)
    wanted = Wanted(type_name, from_version, since, until)  # type: ignore[arg-type] # strategies of optional instants
    found = list(pages(log, stream_id, wanted, limit))
    assert [event for page in found for event in page] == [
        event
        for event in stream
        if wanted.matches(event)
        and event.aggregate_version >= from_version
        and (wanted.since is None or created_at(event) >= wanted.since)
        and (wanted.until is None or created_at(event) <= wanted.until)
    ]
    assert all(len(page) <= limit for page in found)


@pytest.fixture
def long() -> tuple[LogView, WatchedStore, UUID]:
    """3,000 events, one a millisecond; the last one alone is a deletion."""
    stream_id, head, stream = uuid4(), Head(), list[StoredEvent]()
    for number in range(3000):
        event = DELETED if number == 2999 else CREATED
        stream.append(encode(event, stream_id, head, SOMEBODY, uuid4(), SOME_TIME + number * MILLISECOND))
        head = Head.of(stream[-1])
    return *log_of(stream), stream_id


@pytest.mark.parametrize(
    ("wanted", "most"),
    [
        (Wanted(), 1),
        (Wanted(from_version=2000), 1),
        (Wanted(until=SOME_TIME + timedelta(seconds=1)), 1),
        (Wanted(since=SOME_TIME + timedelta(seconds=2)), 1),
        (Wanted(type="VenueDeleted"), 2),
    ],
)
def test_a_page_of_a_long_stream_costs_a_few_reads_of_a_few_events(
    long: tuple[LogView, WatchedStore, UUID], wanted: Wanted, most: int
) -> None:
    log, store, stream_id = long
    page = list_events(log, OPERATOR, stream_id, wanted, 20)
    assert page.next_after is not None
    assert len(store.slices) <= most
    assert store.usage.requests["BatchGetItem"] == (0 if wanted.since is None else 2)
    assert sum(store.slices) <= (LOOKED_AT_MOST if wanted.type else 20 + most)


def test_a_rare_type_is_found_over_pages_that_may_be_empty(long: tuple[LogView, WatchedStore, UUID]) -> None:
    log, _, stream_id = long
    found = list(pages(log, stream_id, Wanted(type="VenueDeleted"), 20))
    assert [len(page) for page in found] == [0, 0, 1]


def test_a_page_tells_the_version_of_the_whole_stream() -> None:
    stream = store_all(uuid4(), [CREATED, DELETED, DELETED])
    log, _ = log_of(stream)
    assert list_events(log, OPERATOR, stream[0].aggregate_id, Wanted(), 1).version == 2


def test_a_stream_is_for_operators_and_its_owner_also_where_a_page_begins_late() -> None:
    stream, nobodys = store_all(uuid4(), [CREATED, DELETED]), store_all(uuid4(), [DELETED])
    log, _ = log_of(stream, nobodys)

    def versions(actor: Actor, events: list[StoredEvent]) -> list[int]:
        page = list_events(log, actor, events[0].aggregate_id, Wanted(from_version=1), 20)
        return [event.aggregate_version for event in page.events]

    assert versions(OPERATOR, stream) == versions(ORGANISER, stream) == [1]
    with pytest.raises(Forbidden):
        versions(OTHER_ORGANISER, stream)
    with pytest.raises(Forbidden):
        versions(ORGANISER, nobodys)
    with pytest.raises(NotFound):
        versions(OPERATOR, store_all(uuid4(), [DELETED]))


def test_what_an_event_changed_is_told_on_every_page() -> None:
    shop = Shop(MemoryEventStore())
    concert_id, _ = shop.on_sale()
    log = LogView(shop.repository, {CONCERT.name: CONCERT})
    page = list_events(log, OPERATOR, concert_id, Wanted(type="ConcertPublished"), 1)
    (published,) = log.with_changes(page.events)
    assert {"path": "/status", "before": "draft", "after": "published"} in published["changes"]
