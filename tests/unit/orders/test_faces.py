"""What a ticket shows to whoever bears it, on paper and in a wallet."""

from dataclasses import replace
from datetime import UTC, timedelta
from uuid import UUID

import pytest

from chalicelib.shop.concerts import live_commands
from chalicelib.shop.concerts.commands import facts_of_concert, venue_shown_by
from chalicelib.shop.orders import queries
from chalicelib.shop.orders.answers import HeldTickets
from chalicelib.shop.orders.faces import face_of, faces_of
from chalicelib.shop.orders.projections import PROJECTORS
from chalicelib.shop.orders.ticket import TicketNotValid
from tests.support.shop import CUSTOMER, OPENING, ORGANISER, VENUE_DETAILS, some_id
from tests.support.stored import SOME_TIME
from tests.unit.orders.test_computed_tickets import Evening

GINA = {"name": "Gina", "email": "gina@example.org"}


@pytest.fixture
def upcoming() -> Evening:
    """Two tickets, a month before the concert."""
    upcoming = Evening()
    upcoming.streams.shop.clock.now = SOME_TIME
    return upcoming


def held(upcoming: Evening, ticket_id: UUID | None = None) -> HeldTickets:
    """The tickets with their holders, as their customer may read them."""
    streams, order_id = upcoming.streams, upcoming.order_id
    streams.and_document(PROJECTORS["Order"], order_id, len(streams.log.read(order_id)) - 1)
    documents, vault, write = streams.documents, streams.shop.vault, streams.shop.code_book.write
    return queries.get_held_tickets(
        documents,  # type: ignore[arg-type] # what it uses of the read model
        streams.log,
        order_id,
        CUSTOMER.id,
        write,
        vault.open,
        only=ticket_id,
    )


def test_a_face_has_all_that_a_bearer_needs(upcoming: Evening) -> None:
    face = face_of(upcoming.streams.shop.repository, held(upcoming, upcoming.tickets[1]))
    assert face is not None
    assert (face.ticket_id, face.order_id, face.concert_id) == (
        upcoming.tickets[1],
        upcoming.order_id,
        upcoming.concert_id,
    )
    assert (face.concert_name, face.ticket_type_name, face.holder) == ("Patti Smith", "Standing", "Carla Jones")
    assert (face.starts_at, face.ends_at) == (OPENING, OPENING + timedelta(hours=3))
    assert face.venue is not None
    assert (face.venue.name, face.venue.time_zone) == (VENUE_DETAILS.name, VENUE_DETAILS.time_zone)
    assert face.code == upcoming.codes[1]
    assert face.price is not None
    assert str(face.price.amount) == "25.00"


def test_a_moved_ticket_names_who_holds_it_now_and_the_old_one_has_no_face(upcoming: Evening) -> None:
    body = {"tickets": [str(upcoming.tickets[0])], "holder": GINA}
    upcoming.streams.when(CUSTOMER, "POST", f"/orders/{upcoming.order_id}/moves", body)
    repository = upcoming.streams.shop.repository
    assert [face.holder for face in faces_of(repository, held(upcoming))] == ["Carla Jones", "Gina"]
    with pytest.raises(TicketNotValid):
        face_of(repository, held(upcoming, upcoming.tickets[0]))


def test_a_ticket_of_another_order_has_no_face(upcoming: Evening) -> None:
    assert face_of(upcoming.streams.shop.repository, held(upcoming, some_id("another"))) is None


def test_a_face_names_no_erased_person(upcoming: Evening) -> None:
    upcoming.streams.shop.vault.erase(CUSTOMER.id)
    assert [face.holder for face in faces_of(upcoming.streams.shop.repository, held(upcoming))] == [None, None]


def test_the_face_of_a_postponed_concert_has_no_date(upcoming: Evening) -> None:
    shop = upcoming.streams.shop
    live_commands.postpone_concert(shop.repository, shop.request(ORGANISER), upcoming.concert_id, None)
    assert {face.starts_at for face in faces_of(shop.repository, held(upcoming))} == {None}


def test_a_concert_without_a_copy_of_its_venue_shows_the_venue_as_it_is(upcoming: Evening) -> None:
    shop = upcoming.streams.shop
    draft = facts_of_concert(shop.repository, shop.draft())
    assert draft.venue is None
    shown = venue_shown_by(shop.repository, draft)
    assert shown is not None
    assert shown.name == VENUE_DETAILS.name


@pytest.mark.parametrize("name", ["", "Europe", "Europe/Atlantis", "../../etc/passwd", "\0", "x" * 10_000])
def test_a_time_zone_that_nobody_knows_is_utc(upcoming: Evening, name: str) -> None:
    [face, _] = faces_of(upcoming.streams.shop.repository, held(upcoming))
    assert face.venue is not None
    assert str(face.zone) == VENUE_DETAILS.time_zone
    assert replace(face, venue=face.venue.model_copy(update={"time_zone": name})).zone is UTC
    assert replace(face, venue=None).zone is UTC
