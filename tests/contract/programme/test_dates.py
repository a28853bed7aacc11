"""Concerts are found on the days on which they take place, and leave the list once they are over."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from chalicelib.shop.concerts.dates import When
from chalicelib.shop.concerts.events import ConcertPostponed, ConcertPublished, ConcertScheduled, ShownVenue
from chalicelib.shop.concerts.facets import count_facets
from chalicelib.shop.concerts.queries import ConcertSearch, search_concerts
from tests.contract.programme.followed import FollowedLog, concert_created

NOW = datetime(2030, 7, 6, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def on(followed: FollowedLog, name: str, starts_at: str, ends_at: str, venue_id: UUID | None = None) -> None:
    schedule = ConcertScheduled(start_date=datetime.fromisoformat(starts_at), end_date=datetime.fromisoformat(ends_at))
    followed.happened(uuid4(), concert_created(name, venue_id=venue_id or uuid4()), schedule, ConcertPublished())


def found_on(followed: FollowedLog, day: int) -> list[str]:
    return followed.found(date_from=date(2030, 7, day), date_to=date(2030, 7, day))


def test_a_festival_is_found_on_each_of_its_days_and_on_no_other(followed: FollowedLog) -> None:
    venue_id = followed.open_venue(time_zone="Europe/Amsterdam")
    on(followed, "Festival", "2030-07-05T12:00:00+02:00", "2030-07-08T23:00:00+02:00", venue_id)
    assert [day for day in range(1, 13) if found_on(followed, day)] == [5, 6, 7, 8]
    assert followed.found(date_from=date(2030, 7, 7)) == followed.found(date_to=date(2030, 7, 6)) == ["Festival"]
    assert followed.found(date_from=date(2030, 7, 9)) == followed.found(date_to=date(2030, 7, 4)) == []


@pytest.mark.parametrize("ends_at", ["2030-07-06T00:00:00+02:00", "2030-07-06T05:59:00+02:00"])
def test_a_night_belongs_to_the_day_on_which_it_begins(followed: FollowedLog, ends_at: str) -> None:
    venue_id = followed.open_venue(time_zone="Europe/Amsterdam")
    on(followed, "Night", "2030-07-05T20:00:00+02:00", ends_at, venue_id)
    assert [day for day in range(1, 13) if found_on(followed, day)] == [5]


def test_what_begins_in_the_small_hours_is_found_on_its_day(followed: FollowedLog) -> None:
    on(followed, "Late", "2030-07-06T01:00:00+00:00", "2030-07-06T03:00:00+00:00")
    assert [day for day in range(1, 13) if found_on(followed, day)] == [6]


def found(followed: FollowedLog, when: When, now: datetime = NOW) -> list[str]:
    return followed.found(when=when, now=now)


def test_what_is_over_leaves_the_list_and_is_found_among_the_past_latest_first(followed: FollowedLog) -> None:
    for name, ends_at in [("Long ago", NOW - 30 * DAY), ("Just over", NOW), ("Under way", NOW + HOUR)]:
        on(followed, name, str(ends_at - 2 * HOUR), str(ends_at))
    on(followed, "Tomorrow", str(NOW + DAY), str(NOW + DAY + HOUR))
    followed.publish("Without a date", None)
    assert found(followed, When.UPCOMING) == ["Under way", "Tomorrow", "Without a date"]
    assert found(followed, When.PAST) == ["Just over", "Long ago"]
    assert len(found(followed, When.ALL)) == 5


def test_a_concert_that_lasts_for_months_is_upcoming_to_its_end(followed: FollowedLog) -> None:
    on(followed, "Exhibition", str(NOW - 200 * DAY), str(NOW + HOUR))
    on(followed, "Short", str(NOW - 3 * HOUR), str(NOW - 2 * HOUR))
    assert found(followed, When.UPCOMING) == ["Exhibition"]
    assert found(followed, When.UPCOMING, NOW + HOUR) == []
    assert followed.found(date_from=NOW.date(), date_to=NOW.date()) == ["Exhibition", "Short"]


def test_a_postponed_concert_is_upcoming_after_its_former_date(followed: FollowedLog) -> None:
    dates = ConcertScheduled(start_date=NOW - 3 * DAY, end_date=NOW - 2 * DAY)
    events = concert_created("Postponed"), dates, ConcertPublished(), ConcertPostponed(at=NOW - 4 * DAY)
    followed.happened(uuid4(), *events)
    assert found(followed, When.UPCOMING) == ["Postponed"]
    assert found(followed, When.PAST) == []


def test_days_are_those_of_the_venue_that_the_concert_shows(followed: FollowedLog) -> None:
    venue_id = followed.open_venue(time_zone="America/Los_Angeles")
    shown = ShownVenue(name="Hall", address="1", city="Tokyo", country="Japan", time_zone="Asia/Tokyo")
    dates = ConcertScheduled(start_date=NOW + 4 * HOUR, end_date=NOW + 5 * HOUR)  # 01:00 in Tokyo, 09:00 in L.A.
    followed.happened(uuid4(), concert_created("Moved", venue_id=venue_id), dates, ConcertPublished(venue=shown))
    assert [day for day in range(4, 9) if found_on(followed, day)] == [7]


def test_the_past_is_walked_backwards_page_by_page(followed: FollowedLog) -> None:
    names = [f"Night {number}" for number in range(7)]
    for number, name in enumerate(names):
        on(followed, name, str(NOW - (number // 2 + 1) * DAY), str(NOW - (number // 2 + 1) * DAY + HOUR))
    search, after, walked = ConcertSearch(when=When.PAST, now=NOW), None, list[str]()
    while True:
        items, after = search_concerts(followed.pool, search, 2, after)
        walked += [item["name"] for item in items]
        if after is None:
            break
    assert sorted(walked) == names
    assert walked[-1] == names[-1]


def test_a_list_of_what_is_upcoming_does_not_read_what_is_past(followed: FollowedLog) -> None:
    """Postgres has the condition on an index: what began before the longest concert could have begun is not read."""
    asked: list[str] = []

    class Asked:
        def fetch_all(self, query: str, _: object) -> list[object]:
            asked.append(query)
            return []

    search_concerts(Asked(), ConcertSearch(now=NOW), 20, None)  # type: ignore[arg-type]
    with followed.pool.transaction(commit=False) as cursor:
        cursor.execute("set local enable_seqscan = off")
        cursor.execute(f"explain {asked[0]}".encode(), {"now": NOW, "limit": 20})
        plan = "\n".join(row["QUERY PLAN"] for row in cursor.fetchall())
    assert "Index Cond: ((sort_at" in plan.replace("c.sort_at", "sort_at") or "Index Cond: (sort_at" in plan


def test_the_past_that_a_query_ranks_is_walked_backwards_among_equals(followed: FollowedLog) -> None:
    for number, name in enumerate(["Night", "Night", "Nights", "Night"]):
        on(followed, name, str(NOW - (number + 2) * DAY), str(NOW - (number + 1) * DAY))
    search, after, walked = ConcertSearch(q="night", when=When.PAST, now=NOW), None, list[tuple[str, str]]()
    while True:
        items, after = search_concerts(followed.pool, search, 1, after)
        walked += [(item["name"], str(item["starts_at"])) for item in items]
        if after is None:
            break
    assert [name for name, _ in walked] == ["Night", "Night", "Night", "Nights"]
    nights = [starts_at for name, starts_at in walked if name == "Night"]
    assert nights == sorted(nights, reverse=True)


@pytest.mark.parametrize(("when", "counted"), [(When.UPCOMING, 1), (When.PAST, 2), (When.ALL, 3)])
def test_facets_count_what_the_list_shows(followed: FollowedLog, when: When, counted: int) -> None:
    for days in (1, -2, -3):
        starts_at = NOW + days * DAY
        dates = ConcertScheduled(start_date=starts_at, end_date=starts_at + HOUR)
        followed.happened(uuid4(), concert_created("Night", genre="Rock"), dates, ConcertPublished())
    assert count_facets(followed.pool, ConcertSearch(when=when, now=NOW))["genre"] == [
        {"value": "Rock", "count": counted}
    ]
