"""Concerts and venues are found by search, page by page."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.rows import DictRow

from chalicelib.platform.errors import InvalidInput
from chalicelib.shop.concerts.events import (
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertDeleted,
    ConcertPublished,
)
from chalicelib.shop.concerts.queries import ConcertSearch, search_concerts
from chalicelib.shop.venues.queries import list_venues
from tests.contract.programme.followed import EVENING, FollowedLog, concert_created


def test_search_finds_published_concerts_only(followed: FollowedLog) -> None:
    followed.publish("On sale")
    followed.happened(uuid4(), concert_created("Draft"))
    gone = (concert_created("Cancelled"), ConcertPublished(), ConcertCancelled())
    followed.happened(uuid4(), *gone)
    followed.happened(uuid4(), *gone, ConcertCancellationCompleted())
    followed.happened(uuid4(), concert_created("Deleted"), ConcertDeleted())
    assert followed.found() == ["On sale"]


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("Björk: Cornucopia", "bjork"),
        ("Björk: Cornucopia", "BJÖRK"),
        ("Bjork: Cornucopia", "björk"),
        ("Bjo\u0308rk, decomposed", "björk"),
        ("Øresund Big Band", "oresund"),
        ("Straßenmusik", "STRASSE"),
        ("Ελληνική βραδιά", "βραδιά"),
        ("京都ライブ", "ﾗｲﾌﾞ"),
        ("Midnight Brass", "night"),
        ("Midnight Brass", "brass midn"),
        ("Midnight Brass", "  midnight \u00a0 brass "),
        ("Metallica: M72", "metalica"),
        ("The Beyoncé Experience", "beyonse"),
        ("An evening with Radiohead", "radiohed"),
    ],
)
def test_search_by_name_finds(followed: FollowedLog, name: str, q: str) -> None:
    followed.publish(name)
    assert followed.found(q=q) == [name]


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("Rocco Granata", "rock"),
        ("Pop Festival", "rock festival"),
        ("Midnight Brass", "midnight strings"),
        ("A hundred percent", "%"),
        ("Midnight Brass", "m_n%t"),
        ("Midnight Brass", "m％ht"),
        ("Midnight Brass", "\\"),
        ("Jane's Addiction", "' or true --"),
    ],
)
def test_search_by_name_does_not_find(followed: FollowedLog, name: str, q: str) -> None:
    followed.publish(name)
    assert followed.found(q=q) == []


@pytest.mark.parametrize("q", ["100%", "a_b", "100% c\\d"])
def test_wildcards_stand_for_nothing(followed: FollowedLog, q: str) -> None:
    followed.publish("100% a_b c\\d")
    followed.publish("200 axb xd")
    assert followed.found(q=q) == ["100% a_b c\\d"]


@pytest.mark.parametrize(
    "location", ["reykjavik", "REYKJAVÍK", "kjav", "harpa", "ísland", "harpa island", "Reykjavík "]
)
def test_search_by_location_looks_at_city_name_and_country(followed: FollowedLog, location: str) -> None:
    harpa = followed.open_venue("Harpa", city="Reykjavík", country="Ísland")
    followed.publish("There", venue_id=harpa)
    followed.publish("Elsewhere", venue_id=followed.open_venue())
    followed.publish("Nowhere", venue_id=uuid4())
    assert followed.found(location=location) == ["There"]


@pytest.mark.parametrize(
    ("time_zone", "starts_at", "local_date"),
    [
        ("Asia/Tokyo", "2026-06-01T23:30:00+00:00", date(2026, 6, 2)),
        ("America/Chicago", "2026-06-02T01:00:00+00:00", date(2026, 6, 1)),
        ("Pacific/Kiritimati", "2026-06-01T10:00:00+00:00", date(2026, 6, 2)),
        ("Etc/GMT+12", "2026-06-02T11:59:00+00:00", date(2026, 6, 1)),
        ("Europe/Amsterdam", "2026-05-31T22:00:00+00:00", date(2026, 6, 1)),
        ("Mars/Olympus", "2026-06-01T23:59:59+00:00", date(2026, 6, 1)),
        ("XYZ-100", "2026-06-01T23:59:59+00:00", date(2026, 6, 1)),
        ("", "2026-06-01T00:00:00+00:00", date(2026, 6, 1)),
    ],
)
def test_dates_are_those_at_the_venue_and_both_included(
    followed: FollowedLog, time_zone: str, starts_at: str, local_date: date
) -> None:
    followed.publish("Night", datetime.fromisoformat(starts_at), venue_id=followed.open_venue(time_zone=time_zone))
    day = timedelta(days=1)
    assert followed.found(date_from=local_date, date_to=local_date) == ["Night"]
    assert followed.found(date_from=local_date) == followed.found(date_to=local_date) == ["Night"]
    assert followed.found(date_from=local_date + day) == followed.found(date_to=local_date - day) == []


def test_the_ends_of_time_are_dates_like_others(followed: FollowedLog) -> None:
    followed.publish("Beginning", datetime(1, 1, 1, tzinfo=UTC))
    followed.publish("End", datetime(9999, 12, 31, tzinfo=UTC) - timedelta(days=1))
    assert followed.found(date_from=date.min, date_to=date.max) == ["Beginning", "End"]


def test_a_concert_without_a_date_is_found_last_and_by_no_date(followed: FollowedLog) -> None:
    followed.publish("Some day", None)
    followed.publish("Later", EVENING + timedelta(days=900))
    assert followed.found() == ["Later", "Some day"]
    assert followed.found(date_from=date(2000, 1, 1)) == ["Later"]


def test_search_by_genre_wants_the_whole_genre(followed: FollowedLog) -> None:
    followed.publish("One", genre="Chanson Française")
    followed.publish("Two", EVENING + timedelta(hours=1), genre="chanson")
    followed.publish("Three")
    assert followed.found(genre="CHANSON FRANCAISE ") == ["One"]
    assert followed.found(genre="Chanson") == ["Two"]


def test_search_by_venue_and_filters_together_narrow(followed: FollowedLog) -> None:
    here, there = followed.open_venue(), followed.open_venue()
    followed.publish("Jazz night", venue_id=here, genre="Jazz")
    followed.publish("Jazz morning", venue_id=here, genre="Jazz")
    followed.publish("Jazz night there", venue_id=there, genre="Jazz")
    assert sorted(followed.found(venue_id=here)) == ["Jazz morning", "Jazz night"]
    assert followed.found(venue_id=here, q="night", genre="jazz", date_from=date(2026, 6, 1)) == ["Jazz night"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_show_every_concert_once_soonest_first_also_those_that_start_together(
    followed: FollowedLog, limit: int
) -> None:
    starts = [EVENING] * 4 + [EVENING + timedelta(milliseconds=1), None, None]
    for number, starts_at in enumerate(starts):
        followed.publish(f"Concert {number}", starts_at)
    seen: list[dict[str, Any]] = []
    after: list[str] | None = None
    while True:
        page, after = search_concerts(followed.pool, ConcertSearch(), limit, after)
        assert page
        seen += map(dict, page)
        assert len(page) == limit or after is None
        if after is None:
            break
    assert len({concert["id"] for concert in seen}) == len(seen) == len(starts)
    assert [concert["name"] for concert in seen][4] == "Concert 4"
    assert [concert["starts_at"] is None for concert in seen] == [False] * 5 + [True] * 2


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_venues_are_listed_by_name_whatever_their_case_and_page_by_page(followed: FollowedLog, limit: int) -> None:
    for name in ("zaal", "Élysée", "Ancienne Belgique", "Élysée"):
        followed.open_venue(name)
    names: list[str] = []
    ids: set[str] = set()
    after: list[str] | None = None
    while True:
        page, after = list_venues(followed.pool, limit, after)
        assert page
        names += [venue["name"] for venue in page]
        ids |= {venue["id"] for venue in page}
        if after is None:
            break
    assert names == ["Ancienne Belgique", "Élysée", "Élysée", "zaal"]
    assert len(ids) == 4


@pytest.mark.parametrize(
    "after",
    [[], ["x"], ["", "no id"], ["2026-13-01", str(UUID(int=1))], ["0001-01-01T00:00:00+23:00", str(UUID(int=1))]],
)
def test_a_cursor_that_is_none_of_ours_is_refused(followed: FollowedLog, after: list[str]) -> None:
    with pytest.raises(InvalidInput):
        search_concerts(followed.pool, ConcertSearch(), 20, after)


@pytest.mark.parametrize("after", [[], ["x"], ["x", "no id"], ["x", str(UUID(int=1)), "more"]])
def test_a_cursor_over_venues_that_is_none_of_ours_is_refused(followed: FollowedLog, after: list[str]) -> None:
    with pytest.raises(InvalidInput):
        list_venues(followed.pool, 20, after)


def test_a_page_of_concerts_costs_one_statement(followed: FollowedLog) -> None:
    for number in range(3):
        followed.publish(f"Concert {number}")
    statements: list[str] = []
    fetch_all = followed.pool.fetch_all

    class Counting:
        def fetch_all(self, query: str, parameters: dict[str, Any]) -> list[DictRow]:
            statements.append(query)
            return fetch_all(query, parameters)

    items, _ = search_concerts(Counting(), ConcertSearch(), 2, None)  # type: ignore[arg-type]
    assert (len(items), len(statements)) == (2, 1)
