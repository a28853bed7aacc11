"""Which row of the programme follows from a venue's events."""

from dataclasses import asdict, replace
from typing import Any

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.search.letters import plain
from chalicelib.platform.search.names import indexed
from chalicelib.shop.venues.events import Coordinates, VenueCreated, VenueDeleted, VenueDetailsChanged
from chalicelib.shop.venues.projections import project_venue
from tests.support.scenario import View, given_view, rows_of
from tests.support.shop import ORGANISER, VENUE_DETAILS, some_id

VENUE = some_id("venue")
CREATED = VenueCreated(organiser_id=ORGANISER.id, **asdict(VENUE_DETAILS))
HERE = Coordinates(latitude=52.3649, longitude=4.8812)
RENAMED = replace(VENUE_DETAILS, name="Melkweg", web_url="https://melkweg.nl", coordinates=HERE)
CHANGED = VenueDetailsChanged(**asdict(RENAMED))


def programme(*history: Event) -> View:
    return given_view(rows_of(project_venue), *history, stream_id=VENUE)


def row(version: int, coordinates: Coordinates | None = None, **details: Any) -> dict[str, Any]:
    place = {
        "place_terms": indexed(f"{details['city']} {details['name']} {details['country']}").terms,
        "city_key": plain(details["city"]),
        "latitude": coordinates and coordinates.latitude,
        "longitude": coordinates and coordinates.longitude,
    }
    details |= place
    shown = {name: value for name, value in details.items() if value is not None}
    columns = {"id": VENUE, "organiser_id": ORGANISER.id, "deleted": False, **shown, "version": version}
    return {"venues": {str(VENUE): columns}}


def test_a_new_venue_has_a_row_with_its_details() -> None:
    programme(CREATED).then(row(0, **asdict(VENUE_DETAILS)))


def test_changed_details_take_the_place_of_those_before() -> None:
    programme(CREATED, CHANGED).then(row(1, **asdict(RENAMED)))


def test_an_address_on_the_web_and_coordinates_that_are_taken_back_are_gone() -> None:
    programme(CREATED, CHANGED, VenueDetailsChanged(**asdict(VENUE_DETAILS))).then(row(2, **asdict(VENUE_DETAILS)))


def test_a_deleted_venue_keeps_its_row_for_the_concerts_that_name_it() -> None:
    programme(CREATED, VenueDeleted()).then(row(1, **asdict(VENUE_DETAILS), deleted=True))
