"""Which rows of the programme follow from a concert's events."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.platform.search.names import indexed
from chalicelib.shop.concerts.events import (
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCapacityChanged,
    ConcertCreated,
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertPublished,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeRemoved,
    TicketType,
)
from chalicelib.shop.concerts.projections import project_concert
from tests.support.scenario import View, given_view, rows_of
from tests.support.shop import OPENING, ORGANISER, some_id

CONCERT, VENUE = some_id("concert"), some_id("venue")
CLOSING = OPENING + timedelta(hours=3)
CREATED = ConcertCreated(organiser_id=ORGANISER.id, name="Patti Smith", venue_id=VENUE, genre="rock")
SCHEDULED = ConcertScheduled(start_date=OPENING, end_date=CLOSING)
STANDING = TicketType(
    id=some_id("standing"), name="Standing", price=Money.of("25.00", "EUR"), quantity=500, max_per_order=4
)
ADDED = ConcertTicketTypeAdded(type=STANDING)


def found_by(name: str) -> dict[str, Any]:
    stored = indexed(name)
    return {"name_terms": stored.terms, "name_words": stored.words, "name_length": stored.length}


ROW: dict[str, Any] = {
    "id": CONCERT,
    "organiser_id": ORGANISER.id,
    "name": "Patti Smith",
    **found_by("Patti Smith"),
    "venue_id": VENUE,
    "description": "",
    "genre": "rock",
    "genre_key": "rock",
    "status": "draft",
    "postponed": False,
    "sales_closed": False,
}


def programme(*history: Event) -> View:
    return given_view(rows_of(project_concert), *history, stream_id=CONCERT)


def test_a_new_concert_is_a_draft() -> None:
    programme(CREATED).then({"concerts": {str(CONCERT): ROW | {"version": 0}}})


def test_a_schedule_adds_when_it_begins_and_ends() -> None:
    times = {"starts_at": OPENING, "ends_at": CLOSING}
    programme(CREATED, SCHEDULED).then({"concerts": {str(CONCERT): ROW | times | {"version": 1}}})


def test_what_details_no_longer_have_is_taken_away() -> None:
    changed = ConcertDetailsChanged(name="Patti Smith and band", venue_id=VENUE)
    renamed = {"name": "Patti Smith and band", **found_by("Patti Smith and band")}
    row = {name: value for name, value in ROW.items() if name not in {"genre", "genre_key"}} | renamed
    programme(CREATED, changed).then({"concerts": {str(CONCERT): row | {"version": 1}}})


def test_a_ticket_type_has_a_row_of_its_own() -> None:
    programme(CREATED, ADDED).then_shows(
        ticket_types={
            str(STANDING.id): {
                "concert_id": CONCERT,
                "id": STANDING.id,
                "added_at_version": 1,
                "name": "Standing",
                "price_amount": Decimal("25.00"),
                "price_currency": "EUR",
                "quantity": 500,
                "max_per_order": 4,
            }
        }
    )


def test_a_changed_quantity_changes_the_row_of_its_ticket_type() -> None:
    changed = ConcertCapacityChanged(change_id=some_id("change"), ticket_type_id=STANDING.id, quantity=400)
    view = programme(CREATED, ADDED, changed)
    assert view.contents is not None
    assert view.contents["ticket_types"][str(STANDING.id)]["quantity"] == 400


def test_a_removed_ticket_type_has_no_row() -> None:
    removed = ConcertTicketTypeRemoved(ticket_type_id=STANDING.id)
    programme(CREATED, ADDED, removed).then({"concerts": {str(CONCERT): ROW | {"version": 2}}})


@pytest.mark.parametrize(
    ("happened", "status"),
    [
        ([ConcertPublished()], "published"),
        ([ConcertPublished(), ConcertCancelled()], "cancelling"),
        ([ConcertPublished(), ConcertCancelled(), ConcertCancellationCompleted()], "cancelled"),
        ([ConcertDeleted()], "deleted"),
    ],
    ids=["published", "cancelling", "cancelled", "deleted"],
)
def test_the_row_says_what_has_become_of_the_concert(happened: list[Event], status: str) -> None:
    row = ROW | {"status": status, "version": len(happened)}
    programme(CREATED, *happened).then({"concerts": {str(CONCERT): row}})
