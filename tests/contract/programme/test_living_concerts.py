"""A published concert is shown and found with its own copy of its venue, and without a date while postponed."""

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from chalicelib.shop.concerts.events import (
    ConcertMoved,
    ConcertPostponed,
    ConcertPublished,
    ConcertScheduled,
    ConcertVenueDescribed,
    ShownVenue,
)
from chalicelib.shop.concerts.queries import find_concert
from chalicelib.shop.venues.events import VenueDeleted, VenueDetailsChanged
from tests.contract.programme.followed import EVENING, NOW, FollowedLog, concert_created, venue_created

HALL = ShownVenue(
    name="Grand Hall", address="1 Road", city="Auckland", country="New Zealand", time_zone="Pacific/Auckland"
)
SPOILT = VenueDetailsChanged(
    **venue_created("CLOSED", city="Nowhere", time_zone="Pacific/Kiritimati").model_dump(
        exclude={"organiser_id", "request_hash"}
    )
)


def publish(followed: FollowedLog, venue_id: UUID, venue: ShownVenue | None = HALL) -> UUID:
    concert_id = uuid4()
    schedule = ConcertScheduled(start_date=EVENING, end_date=EVENING + timedelta(hours=2))
    followed.happened(concert_id, concert_created(venue_id=venue_id), schedule, ConcertPublished(venue=venue))
    return concert_id


def moved(venue_id: UUID, venue: ShownVenue, starts_at: datetime = EVENING) -> ConcertMoved:
    return ConcertMoved(
        start_date=starts_at, end_date=starts_at + timedelta(hours=2), venue_id=venue_id, venue=venue, at=NOW
    )


def test_what_becomes_of_a_venue_does_not_change_a_published_concert(followed: FollowedLog) -> None:
    venue_id = followed.open_venue("Grand Hall", city="Auckland", country="New Zealand")
    concert_id = publish(followed, venue_id)
    before = find_concert(followed.pool, concert_id)
    followed.happened(venue_id, SPOILT, VenueDeleted())
    assert find_concert(followed.pool, concert_id) == before
    assert followed.found(location="auckland grand") == ["Night"]
    assert followed.found(location="nowhere") == []
    # 18:00 UTC is the morning of the next day in Auckland, and would be in no other of these places.
    the_day_after = (EVENING + timedelta(days=1)).date()
    assert followed.found(date_from=the_day_after, date_to=the_day_after) == ["Night"]


def test_a_concert_without_a_copy_shows_its_venue_as_it_is(followed: FollowedLog) -> None:
    venue_id = followed.open_venue("Grand Hall")
    publish(followed, venue_id, None)
    followed.happened(venue_id, SPOILT)
    assert followed.found(location="nowhere") == ["Night"]
    assert followed.found(location="grand") == []


def test_a_concert_is_found_where_and_when_it_has_moved_to(followed: FollowedLog) -> None:
    concert_id = publish(followed, followed.open_venue())
    elsewhere, later = followed.open_venue(), EVENING + timedelta(days=40)
    club = HALL.model_copy(update={"name": "Club", "city": "Wellington"})
    followed.happened(concert_id, moved(elsewhere, club, later))
    assert followed.found(location="wellington", venue_id=elsewhere, date_from=later.date()) == ["Night"]
    assert followed.found(location="auckland") == []
    followed.happened(concert_id, ConcertVenueDescribed(venue=HALL))
    assert followed.found(location="auckland") == ["Night"]


def test_a_postponed_concert_is_found_by_no_date_and_comes_last(followed: FollowedLog) -> None:
    venue_id = followed.open_venue()
    postponed = publish(followed, venue_id)
    followed.publish("Later", EVENING + timedelta(days=100))
    promise = EVENING - timedelta(days=1)
    followed.happened(postponed, ConcertPostponed(refundable_until=promise, at=NOW))
    assert followed.found() == ["Later", "Night"]
    assert followed.found(date_from=date(2026, 1, 1), date_to=date(2026, 7, 1)) == []
    shown = find_concert(followed.pool, postponed)
    assert shown is not None
    assert (shown["postponed"], shown["starts_at"], shown["refundable_until"]) == (
        True,
        None,
        "2026-05-31T18:00:00.000Z",
    )
    followed.happened(postponed, moved(venue_id, HALL))
    assert followed.found() == ["Night", "Later"]
