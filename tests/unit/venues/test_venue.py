"""What a venue decides, and what it refuses."""

from dataclasses import asdict, replace

from chalicelib.platform.errors import IdempotencyKeyReused, NotFound
from chalicelib.shop.venues.events import VenueCreated, VenueDeleted, VenueDetailsChanged
from chalicelib.shop.venues.venue import VENUE, VenueWasDeleted
from tests.support.scenario import given
from tests.support.shop import ORGANISER, VENUE_DETAILS

CREATED = VenueCreated(organiser_id=ORGANISER.id, request_hash="hash", **asdict(VENUE_DETAILS))
RENAMED = replace(VENUE_DETAILS, name="Melkweg", web_url="https://melkweg.nl")
CHANGED = VenueDetailsChanged(**asdict(RENAMED))


def test_creating_a_venue_records_its_details_and_whose_it_is() -> None:
    given(VENUE).when(lambda venue: venue.create(ORGANISER.id, VENUE_DETAILS, "hash")).then(CREATED)


def test_creating_a_venue_again_with_the_same_request_changes_nothing() -> None:
    given(VENUE, CREATED).when(lambda venue: venue.create(ORGANISER.id, VENUE_DETAILS, "hash")).then_nothing()


def test_creating_a_venue_again_with_another_body_is_refused() -> None:
    outcome = given(VENUE, CREATED).when(lambda venue: venue.create(ORGANISER.id, RENAMED, "other"))
    outcome.then_refuses(IdempotencyKeyReused)


def test_changed_details_are_recorded_whole() -> None:
    given(VENUE, CREATED).when(lambda venue: venue.change_details(RENAMED)).then(CHANGED)


def test_details_that_are_the_same_change_nothing() -> None:
    given(VENUE, CREATED, CHANGED).when(lambda venue: venue.change_details(RENAMED)).then_nothing()


def test_a_venue_that_never_was_cannot_be_changed() -> None:
    given(VENUE).when(lambda venue: venue.change_details(RENAMED)).then_refuses(NotFound)


def test_a_deleted_venue_cannot_be_changed() -> None:
    given(VENUE, CREATED, VenueDeleted()).when(lambda venue: venue.change_details(RENAMED)).then_refuses(
        VenueWasDeleted
    )


def test_a_venue_can_be_deleted() -> None:
    given(VENUE, CREATED).when(lambda venue: venue.delete()).then(VenueDeleted())


def test_deleting_again_changes_nothing() -> None:
    given(VENUE, CREATED, VenueDeleted()).when(lambda venue: venue.delete()).then_nothing()


def test_a_venue_that_never_was_cannot_be_deleted() -> None:
    given(VENUE).when(lambda venue: venue.delete()).then_refuses(NotFound)


def test_a_venue_keeps_its_owner_when_its_details_change() -> None:
    state = given(VENUE, CREATED, CHANGED).state
    assert (VENUE.owner(state), state.ensure_exists()) == (ORGANISER.id, RENAMED)
