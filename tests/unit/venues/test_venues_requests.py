"""What the routes of a venue answer, and what is in the log then."""

from dataclasses import asdict, replace
from typing import Any

import pytest

from chalicelib.shop.venues.events import Coordinates, VenueCreated, VenueDeleted, VenueDetailsChanged
from tests.support.request_scenario import given_streams
from tests.support.shop import CUSTOMER, ORGANISER, OTHER_ORGANISER, VENUE_DETAILS, some_id

VENUE = some_id("venue")
CREATED = VenueCreated(organiser_id=ORGANISER.id, **asdict(VENUE_DETAILS))
RENAMED = VenueDetailsChanged(**asdict(replace(VENUE_DETAILS, name="Melkweg")))
MELKWEG = {"name": "Melkweg"}


def test_a_change_that_has_seen_the_newest_version_is_recorded() -> None:
    answered = given_streams({VENUE: [CREATED]}).when(ORGANISER, "PATCH", f"/venues/{VENUE}", MELKWEG, if_match='"0"')
    answered.then(200, {"id": str(VENUE), "version": 1}, {VENUE: [RENAMED]})
    assert answered.headers["etag"] == '"1"'


def test_a_change_that_has_not_seen_the_newest_version_is_refused_with_both() -> None:
    given = given_streams({VENUE: [CREATED, RENAMED]})
    answered = given.when(ORGANISER, "PATCH", f"/venues/{VENUE}", {"capacity": 99}, if_match='"0"')
    answered.then_refuses(412, "version_mismatch", version=1)


def test_a_change_of_nothing_writes_nothing() -> None:
    given = given_streams({VENUE: [CREATED, RENAMED]})
    given.when(ORGANISER, "PATCH", f"/venues/{VENUE}", MELKWEG, if_match="*").then(
        200, {"id": str(VENUE), "version": 1}, {}
    )


def test_a_version_without_quotes_is_no_version() -> None:
    given = given_streams({VENUE: [CREATED]})
    given.when(ORGANISER, "PATCH", f"/venues/{VENUE}", MELKWEG, if_match="0").then_refuses(422, "invalid_input")


def test_only_its_organiser_changes_a_venue() -> None:
    for actor in (OTHER_ORGANISER, CUSTOMER):
        given = given_streams({VENUE: [CREATED]})
        given.when(actor, "PATCH", f"/venues/{VENUE}", MELKWEG, if_match="*").then_refuses(403, "forbidden")


def test_a_deleted_venue_is_recorded_as_deleted() -> None:
    given_streams({VENUE: [CREATED]}).when(ORGANISER, "DELETE", f"/venues/{VENUE}").then(
        204, None, {VENUE: [VenueDeleted()]}
    )


def test_coordinates_of_a_venue_are_recorded_and_taken_back() -> None:
    somewhere = Coordinates(latitude=52.3622, longitude=-4.8838)
    given = given_streams({VENUE: [CREATED]})
    body = {"coordinates": {"latitude": 52.3622, "longitude": -4.8838}}
    described = VenueDetailsChanged(**asdict(replace(VENUE_DETAILS, coordinates=somewhere)))
    given.when(ORGANISER, "PATCH", f"/venues/{VENUE}", body, if_match="*").then(
        200, {"id": str(VENUE), "version": 1}, {VENUE: [described]}
    )
    given = given_streams({VENUE: [CREATED, described]})
    given.when(ORGANISER, "PATCH", f"/venues/{VENUE}", {"coordinates": None}, if_match="*").then(
        200, {"id": str(VENUE), "version": 2}, {VENUE: [VenueDetailsChanged(**asdict(VENUE_DETAILS))]}
    )


@pytest.mark.parametrize(
    ("coordinates", "pointer"),
    [
        ({"latitude": 90.1, "longitude": 0}, "#/coordinates/latitude"),
        ({"latitude": 0, "longitude": -180.1}, "#/coordinates/longitude"),
        ({"latitude": 0}, "#/coordinates/longitude"),
        ({"latitude": "52", "longitude": 0}, "#/coordinates/latitude"),
    ],
)
def test_coordinates_that_are_not_on_earth_are_refused(coordinates: dict[str, Any], pointer: str) -> None:
    given = given_streams({VENUE: [CREATED]})
    refused = given.when(ORGANISER, "PATCH", f"/venues/{VENUE}", {"coordinates": coordinates}, if_match="*")
    refused.then_refuses(422, "invalid_input")
    assert [error["pointer"] for error in refused.body["errors"]] == [pointer]
