"""What an organiser can do with a venue, over the whole way to the log."""

from dataclasses import replace

import pytest

from chalicelib.platform.errors import Forbidden, IdempotencyKeyReused, NotFound, PreconditionFailed
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.venues.commands import change_venue, create_venue, delete_venue
from chalicelib.shop.venues.venue import VENUE, VenueDetails
from tests.support.shop import OPERATOR, ORGANISER, OTHER_ORGANISER, VENUE_DETAILS, Shop, some_id


@pytest.fixture
def shop() -> Shop:
    return Shop(MemoryEventStore())


def rename(details: VenueDetails) -> VenueDetails:
    return replace(details, name="Melkweg")


def test_a_venue_is_created_with_one_write_and_no_read(shop: Shop) -> None:
    venue_id = create_venue(shop.repository, shop.request(ORGANISER), VENUE_DETAILS)
    assert (shop.store.usage.writes, shop.store.usage.reads) == (1, 0)
    state, version = shop.repository.load(VENUE, venue_id)
    assert (state.details, state.organiser_id, version) == (VENUE_DETAILS, ORGANISER.id, 0)


@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_a_repeated_creation_gives_the_same_answer_and_adds_nothing(shop: Shop, cold: bool) -> None:
    first = create_venue(shop.repository, shop.request(ORGANISER, "key"), VENUE_DETAILS)
    before = shop.log([first])
    repository = shop.other_container() if cold else shop.repository
    assert create_venue(repository, shop.request(ORGANISER, "key"), VENUE_DETAILS) == first
    assert shop.log([first]) == before


def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    venue_id = create_venue(shop.repository, shop.request(ORGANISER, "key", "one"), VENUE_DETAILS)
    before = shop.log([venue_id])
    with pytest.raises(IdempotencyKeyReused):
        create_venue(shop.repository, shop.request(ORGANISER, "key", "two"), rename(VENUE_DETAILS))
    assert shop.log([venue_id]) == before


def test_the_same_key_of_another_caller_is_another_request(shop: Shop) -> None:
    first = create_venue(shop.repository, shop.request(ORGANISER, "key"), VENUE_DETAILS)
    assert create_venue(shop.repository, shop.request(OTHER_ORGANISER, "key"), VENUE_DETAILS) != first


def test_the_owner_and_an_operator_may_change_a_venue_and_others_may_not(shop: Shop) -> None:
    venue_id = shop.venue()
    with pytest.raises(Forbidden):
        change_venue(shop.repository, shop.request(OTHER_ORGANISER), venue_id, rename)
    with pytest.raises(Forbidden):
        delete_venue(shop.repository, shop.request(OTHER_ORGANISER), venue_id)
    assert change_venue(shop.repository, shop.request(ORGANISER), venue_id, rename) == 1
    assert delete_venue(shop.repository, shop.request(OPERATOR), venue_id) == 2


def test_a_change_names_the_version_it_was_made_for(shop: Shop) -> None:
    venue_id = shop.venue()
    assert change_venue(shop.repository, shop.request(ORGANISER, if_match=0), venue_id, rename) == 1
    with pytest.raises(PreconditionFailed) as refusal:
        delete_venue(shop.repository, shop.request(ORGANISER, if_match=0), venue_id)
    assert refusal.value.facts == {"version": 1}
    assert delete_venue(shop.repository, shop.request(ORGANISER, if_match=1), venue_id) == 2


def test_an_old_version_is_refused_by_a_container_that_knows_no_newer_one(shop: Shop) -> None:
    venue_id = shop.venue()
    other = shop.other_container()
    other.load(VENUE, venue_id)
    change_venue(shop.repository, shop.request(ORGANISER), venue_id, rename)
    with pytest.raises(PreconditionFailed) as refusal:
        delete_venue(other, shop.request(ORGANISER, if_match=0), venue_id)
    assert refusal.value.facts == {"version": 1}


def test_a_new_version_is_accepted_by_a_container_that_knows_an_old_one_only(shop: Shop) -> None:
    venue_id = shop.venue()
    other = shop.other_container()
    other.load(VENUE, venue_id)
    change_venue(shop.repository, shop.request(ORGANISER), venue_id, rename)
    assert delete_venue(other, shop.request(ORGANISER, if_match=1), venue_id) == 2


def test_a_venue_that_never_was_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound):
        change_venue(shop.repository, shop.request(ORGANISER), some_id("nowhere"), rename)
    with pytest.raises(NotFound):
        delete_venue(shop.repository, shop.request(ORGANISER), some_id("nowhere"))


def test_a_change_that_changes_nothing_keeps_the_version(shop: Shop) -> None:
    venue_id = shop.venue()
    assert change_venue(shop.repository, shop.request(ORGANISER), venue_id, lambda details: details) == 0
