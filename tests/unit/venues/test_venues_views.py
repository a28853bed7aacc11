"""Which row of the programme follows from a venue's events."""

from dataclasses import asdict, replace
from typing import Any

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.venues.events import VenueCreated, VenueDeleted, VenueDetailsChanged
from chalicelib.shop.venues.projections import project_venue
from tests.support.scenario import View, given_view, rows_of
from tests.support.shop import ORGANISER, VENUE_DETAILS, some_id

VENUE = some_id("venue")
CREATED = VenueCreated(organiser_id=ORGANISER.id, **asdict(VENUE_DETAILS))
RENAMED = replace(VENUE_DETAILS, name="Melkweg", web_url="https://melkweg.nl")
CHANGED = VenueDetailsChanged(**asdict(RENAMED))


def programme(*history: Event) -> View:
    return given_view(rows_of(project_venue), *history, stream_id=VENUE)


def row(version: int, **details: Any) -> dict[str, Any]:
    shown = {name: value for name, value in details.items() if value is not None}
    columns = {"id": VENUE, "organiser_id": ORGANISER.id, "deleted": False, **shown, "version": version}
    return {"venues": {str(VENUE): columns}}


def test_a_new_venue_has_a_row_with_its_details() -> None:
    programme(CREATED).then(row(0, **asdict(VENUE_DETAILS)))


def test_changed_details_take_the_place_of_those_before() -> None:
    programme(CREATED, CHANGED).then(row(1, **asdict(RENAMED)))


def test_an_address_on_the_web_that_is_taken_back_is_gone() -> None:
    programme(CREATED, CHANGED, VenueDetailsChanged(**asdict(VENUE_DETAILS))).then(row(2, **asdict(VENUE_DETAILS)))


def test_a_deleted_venue_keeps_its_row_for_the_concerts_that_name_it() -> None:
    programme(CREATED, VenueDeleted()).then(row(1, **asdict(VENUE_DETAILS), deleted=True))
