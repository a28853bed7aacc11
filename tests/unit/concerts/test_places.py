"""A venue takes the concerts of its owner, and of others if it is shared; what is published shows a copy of it."""

from dataclasses import replace
from uuid import UUID

import pytest

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.shop.concerts.commands import change_concert, create_concert
from chalicelib.shop.concerts.concert import ConcertDetails, VenueGone
from chalicelib.shop.concerts.history import find_concert_as_of
from chalicelib.shop.concerts.live_commands import describe_venue, move_concert
from chalicelib.shop.venues.commands import change_venue, delete_venue
from tests.support.shop import ORGANISER, OTHER_ORGANISER, VENUE_DETAILS, Shop

SHARED = replace(VENUE_DETAILS, shared=True)
SPOILT = replace(SHARED, name="CLOSED", city="Nowhere", time_zone="Pacific/Kiritimati")


def share(shop: Shop) -> UUID:
    """A venue of one organiser that all may use."""
    venue_id = shop.venue(ORGANISER)
    change_venue(shop.repository, shop.request(ORGANISER), venue_id, lambda _: SHARED)
    return venue_id


def draft_at(shop: Shop, venue_id: UUID) -> UUID:
    """A draft of another organiser, complete but for its publication."""
    concert_id = shop.draft(OTHER_ORGANISER)
    change_concert(
        shop.repository,
        shop.request(OTHER_ORGANISER),
        concert_id,
        lambda details: replace(details, venue_id=venue_id),
    )
    shop.ticket_type(concert_id, actor=OTHER_ORGANISER)
    return concert_id


def test_a_venue_takes_concerts_of_others_only_while_it_is_shared(memory_shop: Shop) -> None:
    venue_id = memory_shop.venue(ORGANISER)
    with pytest.raises(InvalidInput) as refusal:
        create_concert(memory_shop.repository, memory_shop.request(OTHER_ORGANISER), ConcertDetails("Low", venue_id))
    assert refusal.value.fields == (("#/venue_id", "names a venue of another organiser, who does not share it"),)
    change_venue(memory_shop.repository, memory_shop.request(ORGANISER), venue_id, lambda _: SHARED)
    create_concert(memory_shop.repository, memory_shop.request(OTHER_ORGANISER), ConcertDetails("Low", venue_id))


def test_a_draft_is_not_published_at_a_venue_that_is_shared_no_more(memory_shop: Shop) -> None:
    venue_id = share(memory_shop)
    concert_id = draft_at(memory_shop, venue_id)
    change_venue(memory_shop.repository, memory_shop.request(ORGANISER), venue_id, lambda _: VENUE_DETAILS)
    with pytest.raises(VenueGone):
        memory_shop.publish(concert_id, OTHER_ORGANISER)


def test_a_deleted_venue_takes_no_new_concerts(memory_shop: Shop) -> None:
    venue_id = share(memory_shop)
    concert_id = draft_at(memory_shop, venue_id)
    delete_venue(memory_shop.repository, memory_shop.request(ORGANISER), venue_id)
    with pytest.raises(VenueGone):
        memory_shop.publish(concert_id, OTHER_ORGANISER)
    with pytest.raises(InvalidInput):
        create_concert(memory_shop.repository, memory_shop.request(ORGANISER), ConcertDetails("Low", venue_id))


def test_what_the_owner_does_with_a_venue_does_not_change_a_published_concert_of_another(memory_shop: Shop) -> None:
    venue_id = share(memory_shop)
    concert_id = draft_at(memory_shop, venue_id)
    memory_shop.publish(concert_id, OTHER_ORGANISER)
    before = memory_shop.concert_state(concert_id)
    shown = shown_by(memory_shop, concert_id)
    change_venue(memory_shop.repository, memory_shop.request(ORGANISER), venue_id, lambda _: SPOILT)
    delete_venue(memory_shop.repository, memory_shop.request(ORGANISER), venue_id)
    assert memory_shop.concert_state(concert_id) == before
    assert shown_by(memory_shop, concert_id) == shown
    assert shown["name"] == VENUE_DETAILS.name
    memory_shop.publish(concert_id, OTHER_ORGANISER)


def test_the_organiser_changes_what_the_concert_shows(memory_shop: Shop) -> None:
    venue_id = share(memory_shop)
    concert_id = draft_at(memory_shop, venue_id)
    memory_shop.publish(concert_id, OTHER_ORGANISER)
    caller = memory_shop.request(OTHER_ORGANISER)
    describe_venue(memory_shop.repository, caller, concert_id, {"name": "Paradiso, small hall"})
    assert shown_by(memory_shop, concert_id)["name"] == "Paradiso, small hall"
    change_venue(
        memory_shop.repository,
        memory_shop.request(ORGANISER),
        venue_id,
        lambda details: replace(details, address="Leidseplein"),
    )
    move_concert(memory_shop.repository, memory_shop.request(OTHER_ORGANISER), concert_id, None, venue_id, None)
    shown = shown_by(memory_shop, concert_id)
    assert (shown["name"], shown["address"]) == (VENUE_DETAILS.name, "Leidseplein")


def shown_by(shop: Shop, concert_id: UUID) -> JsonObject:
    concert = find_concert_as_of(shop.store, concert_id, PointInTime(shop.clock.now), lambda _: True)
    return dict(concert["venue"] or {})
