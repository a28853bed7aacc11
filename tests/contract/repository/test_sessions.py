"""One session of a command, and the cache it leaves behind."""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import PreconditionFailed
from chalicelib.platform.eventsourcing.aggregate import Folded
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.eventsourcing.streams import StreamCache
from chalicelib.shop.venues.events import VenueDeleted
from chalicelib.shop.venues.venue import VENUE, Venue
from tests.contract.repository.commands import CREATED, Costs, Unlucky, create, delete
from tests.support.shop import Clock
from tests.support.stored import SOMEBODY


def test_a_session_sees_what_it_appended_and_the_versions_that_will_be() -> None:
    store = MemoryEventStore()
    stream_id = uuid4()

    def command(session: Session) -> tuple[Venue, int]:
        assert session.load(VENUE, stream_id) == Venue()
        assert session.version(stream_id) == -1
        session.append(VENUE, stream_id, CREATED, VenueDeleted())
        session.ensure_version(stream_id, -1)
        with pytest.raises(PreconditionFailed):
            session.ensure_version(stream_id, 1)
        return session.load(VENUE, stream_id), session.version(stream_id)

    venue, version = Repository(store, Clock()).execute(command, SOMEBODY)
    assert (venue.deleted, version) == (True, 1)
    assert [event.aggregate_version for event in store.read(stream_id)] == [0, 1]


def test_all_events_of_a_session_have_the_same_time_with_milliseconds() -> None:
    store, clock = MemoryEventStore(), Clock()
    clock.advance(timedelta(microseconds=1_999))
    times: list[int] = []

    def command(session: Session) -> None:
        times.append(session.now.microsecond)
        session.append(VENUE, stream_id, CREATED, VenueDeleted())

    stream_id = uuid4()
    Repository(store, clock).execute(command, SOMEBODY)
    assert times == [1_000]
    assert {event.created for event in store.read(stream_id)} == {"2030-01-01T12:00:00.001Z"}


def test_every_event_has_an_id_of_its_own_also_in_a_second_try() -> None:
    tried: list[StoredEvent] = []

    class Remembering(Unlucky):
        def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
            tried.extend(events)
            super().append(events, raising)

    repository = Repository(Remembering(MemoryEventStore(), losses=3), Clock(), pause=lambda _: None)
    create(repository)
    assert len({event.event_id for event in tried}) == 4


def test_lost_races_are_counted_and_what_was_committed_is_shown_once(counted: Callable[[], dict[str, float]]) -> None:
    seen: list[Event] = []
    store = Unlucky(MemoryEventStore(), losses=3)
    create(Repository(store, Clock(), pause=lambda _: None, watch=seen.append))
    assert [type(event).__name__ for event in seen] == ["VenueCreated"]
    assert counted() == {"LostRaces": 3}


def test_a_peek_asks_nobody() -> None:
    store = MemoryEventStore()
    repository = Repository(store, Clock())
    stream_id = create(repository)
    costs = Costs(store)
    seen: list[Venue | None] = []

    def command(session: Session) -> None:
        seen.extend([session.hint_state(VENUE, stream_id), session.hint_state(VENUE, uuid4())])

    repository.execute(command, SOMEBODY)
    assert seen[0] is not None
    assert seen[1] is None
    assert costs() == {}


def test_a_cached_stream_never_goes_back_to_an_older_version() -> None:
    cache, stream_id = StreamCache(), uuid4()
    cache.put("Venue", stream_id, Folded("new", Head(5)))
    cache.put("Venue", stream_id, Folded("old", Head(4)))
    found = cache.get("Venue", stream_id)
    assert found is not None
    assert found.state == "new"


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    cache, ids = StreamCache(capacity=2), [uuid4() for _ in range(3)]
    cache.put("Venue", ids[0], Folded(0, Head(0)))
    cache.put("Venue", ids[1], Folded(1, Head(0)))
    cache.get("Venue", ids[0])
    cache.put("Venue", ids[2], Folded(2, Head(0)))
    assert [cache.get("Venue", key) is not None for key in ids] == [True, False, True]


def test_a_forgotten_stream_is_read_again() -> None:
    store = MemoryEventStore()
    repository = Repository(store, Clock(), cache=StreamCache(capacity=1))
    first, second = create(repository), create(repository)
    assert [delete(repository, first), delete(repository, second)] == [1, 1]
