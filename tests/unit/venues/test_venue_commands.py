"""What an organiser can do with a venue, over the whole way to the log."""

from dataclasses import replace

import pytest

from chalicelib.platform.errors import Forbidden, IdempotencyKeyReused, NotFound, PreconditionFailed
from chalicelib.shop.venues.commands import change_venue, create_venue, delete_venue
from chalicelib.shop.venues.venue import VENUE, VenueDetails
from tests.support.shop import OPERATOR, ORGANISER, OTHER_ORGANISER, VENUE_DETAILS, Shop, some_id


def rename(details: VenueDetails) -> VenueDetails:
    return replace(details, name="Melkweg")


def test_a_venue_is_created_with_one_write_and_no_read(memory_shop: Shop) -> None:
    venue_id = create_venue(memory_shop.repository, memory_shop.request(ORGANISER), VENUE_DETAILS)
    assert (memory_shop.store.usage.writes, memory_shop.store.usage.reads) == (1, 0)
    state, version = memory_shop.repository.load(VENUE, venue_id)
    assert (state.details, state.organiser_id, version) == (VENUE_DETAILS, ORGANISER.id, 0)


@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_a_repeated_creation_gives_the_same_answer_and_adds_nothing(memory_shop: Shop, cold: bool) -> None:
    first = create_venue(memory_shop.repository, memory_shop.request(ORGANISER, "key"), VENUE_DETAILS)
    before = memory_shop.log([first])
    repository = memory_shop.other_container() if cold else memory_shop.repository
    assert create_venue(repository, memory_shop.request(ORGANISER, "key"), VENUE_DETAILS) == first
    assert memory_shop.log([first]) == before


def test_the_same_key_with_another_body_is_refused(memory_shop: Shop) -> None:
    venue_id = create_venue(memory_shop.repository, memory_shop.request(ORGANISER, "key", "one"), VENUE_DETAILS)
    before = memory_shop.log([venue_id])
    with pytest.raises(IdempotencyKeyReused):
        create_venue(memory_shop.repository, memory_shop.request(ORGANISER, "key", "two"), rename(VENUE_DETAILS))
    assert memory_shop.log([venue_id]) == before


def test_the_same_key_of_another_caller_is_another_request(memory_shop: Shop) -> None:
    first = create_venue(memory_shop.repository, memory_shop.request(ORGANISER, "key"), VENUE_DETAILS)
    assert create_venue(memory_shop.repository, memory_shop.request(OTHER_ORGANISER, "key"), VENUE_DETAILS) != first


def test_the_owner_and_an_operator_may_change_a_venue_and_others_may_not(memory_shop: Shop) -> None:
    venue_id = memory_shop.venue()
    with pytest.raises(Forbidden):
        change_venue(memory_shop.repository, memory_shop.request(OTHER_ORGANISER), venue_id, rename)
    with pytest.raises(Forbidden):
        delete_venue(memory_shop.repository, memory_shop.request(OTHER_ORGANISER), venue_id)
    assert change_venue(memory_shop.repository, memory_shop.request(ORGANISER), venue_id, rename) == 1
    assert delete_venue(memory_shop.repository, memory_shop.request(OPERATOR), venue_id) == 2


def test_a_change_names_the_version_it_was_made_for(memory_shop: Shop) -> None:
    venue_id = memory_shop.venue()
    assert change_venue(memory_shop.repository, memory_shop.request(ORGANISER, if_match=0), venue_id, rename) == 1
    with pytest.raises(PreconditionFailed) as refusal:
        delete_venue(memory_shop.repository, memory_shop.request(ORGANISER, if_match=0), venue_id)
    assert refusal.value.facts == {"version": 1}
    assert delete_venue(memory_shop.repository, memory_shop.request(ORGANISER, if_match=1), venue_id) == 2


def test_an_old_version_is_refused_by_a_container_that_knows_no_newer_one(memory_shop: Shop) -> None:
    venue_id = memory_shop.venue()
    other = memory_shop.other_container()
    other.load(VENUE, venue_id)
    change_venue(memory_shop.repository, memory_shop.request(ORGANISER), venue_id, rename)
    with pytest.raises(PreconditionFailed) as refusal:
        delete_venue(other, memory_shop.request(ORGANISER, if_match=0), venue_id)
    assert refusal.value.facts == {"version": 1}


def test_a_new_version_is_accepted_by_a_container_that_knows_an_old_one_only(memory_shop: Shop) -> None:
    venue_id = memory_shop.venue()
    other = memory_shop.other_container()
    other.load(VENUE, venue_id)
    change_venue(memory_shop.repository, memory_shop.request(ORGANISER), venue_id, rename)
    assert delete_venue(other, memory_shop.request(ORGANISER, if_match=1), venue_id) == 2


def test_a_venue_that_never_was_is_not_found(memory_shop: Shop) -> None:
    with pytest.raises(NotFound):
        change_venue(memory_shop.repository, memory_shop.request(ORGANISER), some_id("nowhere"), rename)
    with pytest.raises(NotFound):
        delete_venue(memory_shop.repository, memory_shop.request(ORGANISER), some_id("nowhere"))


def test_a_change_that_changes_nothing_keeps_the_version(memory_shop: Shop) -> None:
    venue_id = memory_shop.venue()
    assert change_venue(memory_shop.repository, memory_shop.request(ORGANISER), venue_id, lambda details: details) == 0
