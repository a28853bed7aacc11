"""Every page of the programme leads to the next one, whatever the texts in its rows are."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.platform.http.paging import Page, page_of
from chalicelib.platform.http.requests import parse_query
from chalicelib.platform.readmodels.postgres.pool import Pool
from chalicelib.shop.concerts.queries import ConcertSearch, search_concerts
from chalicelib.shop.venues.queries import list_venues
from tests.contract.programme.followed import FollowedLog, empty

List = Callable[[int, Sequence[str] | None], tuple[list[Any], list[str] | None]]

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.builds(
    str.__mul__, st.characters(exclude_categories=["Cs"]), st.integers(100, 400)
)
"""All of Unicode, as a log of the original may have it, and longer than the shop itself admits."""

instants = st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - bounds

few = settings(max_examples=25, derandomize=True, deadline=None)


def walk(list_page: List, limit: int, most: int) -> list[str]:
    """Follow the cursors as a client does, from text to text."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        after = parse_query(Page, {} if cursor is None else {"cursor": cursor}).after
        page = page_of(*list_page(limit, after))
        found += [item["id"] for item in page["items"]]
        assert len(found) <= most
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@few
@given(st.lists(names, min_size=1, max_size=7), st.integers(1, 3))
@example(
    [
        "\u0645\u06cc\u200c\u062e\u0627\u0646\u0647",
        "\U0001f468\u200d\U0001f469 Club",
        "0 Caf\u00e9\u200b",
        "\u200f\u0642",
        "\ufeffHall",
    ],
    1,
)
@example(["\u03a9" * 150, "\u97f3" * 118, "\u0e01" * 200, "\x01" * 200, "\ufdfa" * 200, "\\" * 200], 1)
def test_venues_of_any_name_are_walked_to_the_end_each_once(shared_pool: Pool, called: list[str], limit: int) -> None:
    empty(shared_pool)
    followed = FollowedLog(shared_pool)
    venues = [str(followed.open_venue(name)) for name in called]
    walked = walk(lambda limit, after: list_venues(shared_pool, limit, after), limit, len(venues))
    assert sorted(walked) == sorted(venues)


@few
@given(st.lists(instants, min_size=1, max_size=7), st.integers(1, 3))
@example([datetime(2030, 1, 1, 0, 0, 0, 123_456, UTC)] * 3, 1)
def test_concerts_of_any_instant_are_walked_to_the_end_each_once(
    shared_pool: Pool, begin: list[datetime | None], limit: int
) -> None:
    empty(shared_pool)
    followed = FollowedLog(shared_pool)
    concerts = [str(followed.publish("Night", instant)) for instant in begin]
    walked = walk(
        lambda limit, after: search_concerts(shared_pool, ConcertSearch(), limit, after), limit, len(concerts)
    )
    assert sorted(walked) == sorted(concerts)
