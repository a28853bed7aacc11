"""A reader sees what it was told of, though the programme has not followed yet."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.errors import ReadModelBehind
from chalicelib.platform.eventsourcing.store import Place
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.readmodels.missing import MAX_EVENTS
from chalicelib.platform.readmodels.postgres.overlay import reflecting
from chalicelib.shop.carts.events import CartCreated
from chalicelib.shop.concerts.events import (
    ConcertCancelled,
    ConcertDetailsChanged,
    ConcertPublished,
    ConcertScheduled,
)
from chalicelib.shop.concerts.queries import ConcertSearch, find_concert, search_concerts
from chalicelib.shop.venues.queries import find_venue, list_venues
from tests.contract.programme.followed import EVENING, FollowedLog, concert_created, venue_created


def listed(followed: FollowedLog, min_versions: MinVersions, **filters: Any) -> list[str]:
    with reflecting(followed.projection, min_versions, followed.log) as programme:
        items, _ = search_concerts(programme, ConcertSearch(**filters), 100, None)
    return [item["name"] for item in items]


def test_a_concert_that_the_programme_has_not_seen_is_found_filtered_and_sorted_like_others(
    followed: FollowedLog,
) -> None:
    venue_id = uuid4()
    followed.publish("Early", EVENING - timedelta(days=1))
    followed.publish("Later", EVENING + timedelta(days=1))
    concert_id = uuid4()
    followed.append(venue_id, venue_created("Harpa", city="Reykjavík"))
    scheduled = ConcertScheduled(start_date=EVENING, end_date=EVENING + timedelta(hours=2))
    followed.append(concert_id, concert_created("Björk", venue_id=venue_id), scheduled, ConcertPublished())
    before = followed.tables()
    named = {concert_id: 2, venue_id: 0}
    assert listed(followed, MinVersions({})) == ["Early", "Later"]
    assert listed(followed, MinVersions(named)) == ["Early", "Björk", "Later"]
    assert listed(followed, MinVersions(named), q="bjork", location="reykjavik", date_from=EVENING.date()) == ["Björk"]
    assert listed(followed, MinVersions({concert_id: 2}), location="reykjavik") == []
    min_versions = MinVersions(named)
    with reflecting(followed.projection, min_versions, followed.log) as programme:
        (first, key), found = search_concerts(programme, ConcertSearch(), 2, None), find_concert(programme, concert_id)
        rest, _ = search_concerts(programme, ConcertSearch(), 2, key)
        assert find_venue(programme, venue_id) == list_venues(programme, 20, None)[0][0]
    assert ([item["name"] for item in first], [item["name"] for item in rest]) == (["Early", "Björk"], ["Later"])
    assert found == first[1]
    assert min_versions.lag == {concert_id: 3, venue_id: 1}
    assert followed.tables() == before


def test_a_concert_that_no_longer_matches_is_taken_out_of_the_list(followed: FollowedLog) -> None:
    concert_id = followed.publish("Night")
    followed.publish("Other")
    followed.append(concert_id, ConcertDetailsChanged(name="Day", venue_id=UUID(int=1)))
    assert listed(followed, MinVersions({concert_id: 3}), q="night") == []
    assert sorted(listed(followed, MinVersions({concert_id: 3}))) == ["Day", "Other"]
    followed.append(concert_id, ConcertCancelled())
    assert listed(followed, MinVersions({concert_id: 4})) == ["Other"]
    assert sorted(listed(followed, MinVersions({concert_id: 3}))) == ["Day", "Other"]
    assert sorted(listed(followed, MinVersions({concert_id: 2}))) == ["Night", "Other"]


def test_a_programme_that_is_new_enough_is_read_without_the_log_and_without_a_transaction(
    followed: FollowedLog,
) -> None:
    concert_id = followed.publish()
    followed.append(concert_id, ConcertCancelled())
    reads = followed.log.usage.reads
    min_versions = MinVersions({concert_id: 2})
    with reflecting(followed.projection, min_versions, followed.log) as programme:
        assert programme is followed.pool
    assert (followed.log.usage.reads, min_versions.lag) == (reads, {concert_id: 0})


def test_streams_that_the_programme_does_not_follow_or_that_do_not_exist_change_nothing(followed: FollowedLog) -> None:
    followed.publish("Night")
    cart_id = uuid4()
    followed.append(cart_id, CartCreated(customer_id=uuid4()))
    min_versions = MinVersions({cart_id: 0, uuid4(): 3})
    assert listed(followed, min_versions) == ["Night"]
    assert min_versions.lag == {}


def test_readers_that_overlay_do_not_disturb_each_other_nor_the_consumer(followed: FollowedLog) -> None:
    concert_ids = [uuid4() for _ in range(4)]
    for concert_id in concert_ids:
        followed.append(concert_id, concert_created(), ConcertPublished())
    first_half = [followed.log.read(concert_id)[0] for concert_id in concert_ids]
    barrier = Barrier(4)

    def read(number: int) -> list[int]:
        order = concert_ids if number % 2 else concert_ids[::-1]
        barrier.wait()
        if number == 0:
            return [followed.deliver([event]) == succeeded() for event in [*first_half] * 5]
        return [len(listed(followed, MinVersions(dict.fromkeys(order, 1)))) for _ in range(10)]

    with ThreadPoolExecutor(4) as threads:
        delivered, *seen = threads.map(read, range(4))
    assert all(delivered)
    assert seen == [[4] * 10] * 3
    assert {row["version"] for row in followed.tables()["positions"]} == {0}


def test_a_reader_whose_tail_was_applied_meanwhile_sees_what_is_newer(followed: FollowedLog) -> None:
    """The consumer passes by between the reader's look at the log and its transaction."""
    concert_id = uuid4()
    stored = followed.append(concert_id, concert_created("Night"), ConcertPublished())

    class Passing(MemoryEventStore):
        def pick(self, places: Sequence[Place]) -> dict[Place, StoredEvent]:
            tail = followed.log.pick(places)
            if len(followed.log.read(concert_id)) > len(stored):
                return tail
            later = followed.append(concert_id, ConcertDetailsChanged(name="Day", venue_id=UUID(int=1)))
            followed.deliver([*stored, *later])
            return tail

    with reflecting(followed.projection, MinVersions({concert_id: 1}), Passing()) as programme:
        concert = find_concert(programme, concert_id)
    assert concert is not None
    assert (concert["name"], concert["version"]) == ("Day", 2)


def test_however_many_streams_a_reader_names_the_log_is_asked_twice_at_most(followed: FollowedLog) -> None:
    named = {}
    for number in range(6):
        concert_id = uuid4()
        followed.append(concert_id, concert_created(f"Night {number}"), ConcertPublished())
        named[concert_id] = 1
    pool_id, others = uuid4(), {uuid4(): 3 for _ in range(12)}
    for _ in range(20):
        followed.append(pool_id, *[CartCreated(customer_id=uuid4())] * 100)
    before = followed.log.usage.reads
    assert len(listed(followed, MinVersions(named | others | {pool_id: 1999}))) == 6
    assert followed.log.usage.reads - before == 2
    reads, items = followed.log.usage.reads, followed.log.usage.items_read
    assert listed(followed, MinVersions(others | {pool_id: 1999})) == []
    assert (followed.log.usage.reads - reads, followed.log.usage.items_read - items) == (1, 1)


def test_a_programme_that_lacks_more_than_one_reader_may_fold_in_is_behind(followed: FollowedLog) -> None:
    concert_id = uuid4()
    changed = ConcertDetailsChanged(name="Day", venue_id=UUID(int=1))
    followed.append(concert_id, concert_created("Night"))
    followed.append(concert_id, *[changed] * MAX_EVENTS)
    with pytest.raises(ReadModelBehind):
        listed(followed, MinVersions({concert_id: MAX_EVENTS}))
    before = followed.log.usage.reads
    with pytest.raises(ReadModelBehind):
        listed(followed, MinVersions({concert_id: MAX_EVENTS}))
    assert followed.log.usage.reads - before == 1
    with reflecting(followed.projection, MinVersions({concert_id: MAX_EVENTS - 1}), followed.log) as programme:
        found = find_concert(programme, concert_id)
    assert found is not None
    assert found["version"] == MAX_EVENTS - 1
