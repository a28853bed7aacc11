"""A search counts what it finds, and finds what is near."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.shop.concerts.facets import MOST_VALUES, count_facets
from chalicelib.shop.concerts.matching import Near
from chalicelib.shop.concerts.queries import ConcertSearch
from chalicelib.shop.venues.events import Coordinates
from tests.contract.programme.followed import EVENING, FollowedLog


def counted(followed: FollowedLog, **filters: Any) -> Mapping[str, list[tuple[str, int]]]:
    facets: Any = count_facets(followed.pool, ConcertSearch(**filters))
    return {name: [(entry["value"], entry["count"]) for entry in values] for name, values in facets.items()}


def test_facets_count_everything_that_is_found_by_genre_city_and_month(followed: FollowedLog) -> None:
    aarhus, paris = followed.open_venue(city="Århus"), followed.open_venue(city="Paris")
    followed.publish("Jazz night", venue_id=aarhus, genre="Jazz")
    followed.publish("Jazz morning", venue_id=aarhus, genre="JAZZ")
    followed.publish(
        "Jazz again", EVENING + timedelta(days=40), venue_id=followed.open_venue(city="ÅRHUS"), genre="Jazz"
    )
    followed.publish("Night of songs", None, venue_id=paris, genre="Chanson")
    followed.publish("Nowhere night")
    assert counted(followed) == {
        "genre": [("Jazz", 3), ("Chanson", 1)],
        "city": [("Århus", 3), ("Paris", 1)],
        "month": [("2026-06", 3), ("2026-07", 1)],
    }
    assert counted(followed, q="night") == {
        "genre": [("Chanson", 1), ("Jazz", 1)],
        "city": [("Paris", 1), ("Århus", 1)],
        "month": [("2026-06", 2)],
    }
    assert counted(followed, q="nothing") == {"genre": [], "city": [], "month": []}


def test_the_month_is_the_local_one(followed: FollowedLog) -> None:
    auckland = followed.open_venue(time_zone="Pacific/Auckland")
    followed.publish("Late", datetime(2026, 6, 30, 20, tzinfo=UTC), venue_id=auckland)
    followed.publish("Nowhere", datetime(2026, 6, 30, 20, tzinfo=UTC))
    assert counted(followed)["month"] == [("2026-06", 1), ("2026-07", 1)]


def test_of_many_values_the_most_frequent_are_counted(followed: FollowedLog) -> None:
    followed.publish(genre="Often")
    for number in range(MOST_VALUES + 1):
        followed.publish(genre="Often" if number == 0 else f"Rare {number}")
    genres = counted(followed)["genre"]
    assert (genres[0], len(genres)) == (("Often", 2), MOST_VALUES)


COPENHAGEN, MALMO, FIJI = (55.676, 12.568), (55.605, 13.004), (-17.7, 179.9)


@pytest.mark.parametrize(
    ("near", "found"),
    [
        (Near(*COPENHAGEN, 10), ["København"]),
        (Near(*COPENHAGEN, 28.3), ["København"]),
        (Near(*COPENHAGEN, 28.6), ["København", "Malmö"]),
        (Near(-17.7, -179.9, 30), ["Fiji"]),
        (Near(90, 0, 500), []),
    ],
)
def test_what_is_near_is_found_also_beyond_the_date_line(followed: FollowedLog, near: Near, found: list[str]) -> None:
    for city, (latitude, longitude) in {"København": COPENHAGEN, "Malmö": MALMO, "Fiji": FIJI}.items():
        coordinates = Coordinates(latitude=latitude, longitude=longitude)
        followed.publish(city, venue_id=followed.open_venue(city=city, coordinates=coordinates))
    followed.publish("Nobody knows where", venue_id=followed.open_venue())
    assert sorted(followed.found(near=near)) == found
    assert counted(followed, near=near)["city"] == [(city, 1) for city in found]
