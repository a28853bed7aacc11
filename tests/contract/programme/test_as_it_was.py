"""A concert as it was at an instant or a version."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.event import Event, event_classes
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.readmodels.postgres.pool import Pool
from chalicelib.shop.concerts.concert import CONCERT
from chalicelib.shop.concerts.events import (
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertPublished,
)
from chalicelib.shop.concerts.history import find_concert_as_of
from chalicelib.shop.concerts.queries import find_concert
from chalicelib.shop.venues.events import VenueDeleted
from tests.contract.programme.followed import (
    CONCERTS,
    NOW,
    FollowedLog,
    History,
    concert_created,
    deterministic,
    fresh_log,
    histories,
)
from tests.support.any_events import events_of

any_concert_event = st.one_of([events_of(cls) for cls in event_classes() if cls.aggregate_type == CONCERT.name])


def then(followed: FollowedLog, concert_id: UUID, point: PointInTime) -> dict[str, Any] | None:
    try:
        return dict(find_concert_as_of(followed.log, concert_id, point, lambda _: True))
    except NotFound:
        return None


@deterministic
@given(history=histories)
def test_a_concert_folded_from_the_log_is_the_one_that_the_programme_shows(shared_pool: Pool, history: History) -> None:
    followed, events = fresh_log(shared_pool, history)
    followed.deliver(events)
    for concert_id in CONCERTS:
        assert then(followed, concert_id, PointInTime(as_of=NOW)) == find_concert(shared_pool, concert_id)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(happened=st.lists(any_concert_event, min_size=1, max_size=8))
def test_whatever_happens_to_a_concert_the_fold_and_the_programme_show_the_same(
    shared_pool: Pool, happened: list[Event]
) -> None:
    concert_id = CONCERTS[0]
    followed, events = fresh_log(shared_pool, {concert_id: happened})
    followed.deliver(events)
    assert followed.parking.list_parked() == []
    for point in (PointInTime(as_of=NOW), PointInTime(version=len(happened) - 1)):
        assert then(followed, concert_id, point) == find_concert(shared_pool, concert_id)


def test_a_concert_is_shown_as_it_was_with_its_venue_as_it_was(followed: FollowedLog) -> None:
    venue_id, concert_id = followed.open_venue("Before"), uuid4()
    followed.happened(concert_id, concert_created("Night", venue_id=venue_id))
    draft = find_concert(followed.pool, concert_id)
    followed.now += timedelta(minutes=1)
    followed.happened(concert_id, ConcertPublished(), ConcertDetailsChanged(name="Day", venue_id=venue_id))
    published = find_concert(followed.pool, concert_id)
    followed.now += timedelta(minutes=1)
    followed.happened(venue_id, VenueDeleted())
    followed.happened(concert_id, ConcertDeleted())
    assert then(followed, concert_id, PointInTime(as_of=NOW - timedelta(milliseconds=1))) is None
    assert (
        then(followed, concert_id, PointInTime(as_of=NOW))
        == then(followed, concert_id, PointInTime(version=0))
        == draft
    )
    assert then(followed, concert_id, PointInTime(as_of=followed.now - timedelta(milliseconds=1))) == published
    assert then(followed, concert_id, PointInTime(version=2)) == published
    assert then(followed, concert_id, PointInTime(as_of=followed.now)) is None


def test_only_who_may_see_a_concert_hears_what_is_wrong_with_a_moment(followed: FollowedLog) -> None:
    concert_id = uuid4()
    followed.happened(concert_id, concert_created())
    for may_see, facts in ((True, {"version": 5, "first_version": 0, "last_version": 0}), (False, {})):
        with pytest.raises(NotFound) as refusal:
            find_concert_as_of(followed.log, concert_id, PointInTime(version=5), lambda _, may_see=may_see: may_see)  # type: ignore[misc]
        assert refusal.value.facts == facts
    for stranger in (followed.open_venue(), uuid4()):
        with pytest.raises(NotFound):
            find_concert_as_of(followed.log, stranger, PointInTime(version=0), lambda _: True)
