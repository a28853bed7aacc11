"""A log written by the original Cloudbash loads as it is."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.codec import aggregate_type_of, decode, recorded
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.stored import from_attributes, to_attributes
from chalicelib.platform.eventsourcing.stores.dynamodb.items import from_item, to_item
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.shop.carts.cart import CART, Cart
from chalicelib.shop.carts.events import CartCreated
from chalicelib.shop.concerts.concert import CONCERT, ConcertStatus
from chalicelib.shop.concerts.events import ConcertCreated, ConcertScheduled, ConcertTicketTypeAdded
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.venues.events import VenueCreated
from chalicelib.shop.venues.venue import VENUE, VenueDetails
from tests.support.original import (
    CUSTOMER,
    ITEM,
    ORIGINAL,
    ORIGINAL_EVENTS,
    ORIGINAL_IDS,
    STREAM,
    TICKET_TYPE,
    TYPE,
    VENUE_DATA,
    VENUE_ID,
)
from tests.support.shop import ORGANISER, Clock
from tests.support.stored import SOMEBODY, imported

VERBATIM = {
    "AggregateId": "a8bab764-659b-4873-a8aa-618ed8b199bf",
    "AggregateVersion": 3,
    "Created": "2020-05-25T16:10:56.123Z",
    "Data": '{"CustomerId":"566316c4-ba88-4c0a-8c3a-0389792a1fe0","EventId":"648c72e1-38f1-431b-8e73-91463ec876db",'
    '"AggregateId":"a8ea2d86-f091-4abe-895c-4a90f267882a","AggregateVersion":0}',
    "EventType": "Cloudbash.Domain.Carts.Events.CartCreatedEvent",
}


def read(name: str, **data: Any) -> Event:
    return decode(imported(f"Cloudbash.Domain.{name}Event", STREAM, **data))


def test_the_item_in_the_design_loads_verbatim() -> None:
    item = from_attributes(VERBATIM)
    event = recorded(item)
    assert event.event == CartCreated(customer_id=UUID("566316c4-ba88-4c0a-8c3a-0389792a1fe0"))
    assert (event.stream_id, event.version) == (UUID("a8bab764-659b-4873-a8aa-618ed8b199bf"), 3)
    assert event.created == datetime(2020, 5, 25, 16, 10, 56, 123_000, UTC)
    assert aggregate_type_of(item) == "Cart"


@pytest.mark.parametrize(("name", "data", "expected"), ORIGINAL, ids=ORIGINAL_IDS)
def test_every_event_of_the_original_loads(name: str, data: dict[str, Any], expected: type[Event]) -> None:
    event = read(name, **data)
    assert type(event) is expected


@pytest.mark.parametrize("item", ORIGINAL_EVENTS, ids=ORIGINAL_IDS)
def test_an_item_of_the_original_is_passed_on_with_its_five_attributes_and_no_other(item: Any) -> None:
    assert set(to_attributes(item)) == {"AggregateId", "AggregateVersion", "Created", "Data", "EventType"}
    assert from_item(to_item(item)) == item


def test_a_venue_of_the_original_has_its_address_in_one_line_and_no_owner() -> None:
    venue = VENUE.fold([read("Venues.Events.VenueCreated", **VENUE_DATA)])
    assert venue.details == VenueDetails("Doornroosje", "", 400, "Nijmegen", "", "", "UTC", "http://x.nl")
    assert venue.organiser_id is None


def test_what_is_null_in_the_original_is_empty() -> None:
    null_venue = read(
        "Venues.Events.VenueCreated", **{**VENUE_DATA, "Name": None, "Address": None, "Description": None}
    )
    assert isinstance(null_venue, VenueCreated)
    assert (null_venue.name, null_venue.address, null_venue.description) == ("", "", "")
    concert = read("Concerts.Events.ConcertCreated", Name=None, VenueId=str(VENUE_ID), ImageUrl=None)
    assert isinstance(concert, ConcertCreated)
    assert (concert.name, concert.image_url) == ("", None)


def test_a_price_of_the_original_is_in_euros_with_cents() -> None:
    for price, amount in ((25.0, "25.00"), (25, "25.00"), (12.5, "12.50"), (0.1, "0.10"), (19.99, "19.99")):
        event = read("Concerts.Events.ConcertTicketTypeAdded", Type={**TICKET_TYPE, "Price": price})
        assert isinstance(event, ConcertTicketTypeAdded)
        assert event.type.price == Money(amount=Decimal(amount), currency="EUR")
        assert str(event.type.price.amount) == amount


def test_instants_of_the_original_are_utc_unless_they_say_otherwise() -> None:
    event = read(
        "Concerts.Events.ConcertScheduled", StartDate="2020-07-01T20:00:00", EndDate="2020-07-01T23:00:00.1234567+02:00"
    )
    assert isinstance(event, ConcertScheduled)
    assert event.start_date == datetime(2020, 7, 1, 20, tzinfo=UTC)
    assert event.end_date.replace(microsecond=0) == datetime(2020, 7, 1, 21, tzinfo=UTC)


def test_a_concert_of_the_original_folds_to_a_published_one_without_pools() -> None:
    concert = CONCERT.fold(
        [
            read("Concerts.Events.ConcertCreated", Name="Low", VenueId=str(VENUE_ID), ImageUrl=None),
            read("Concerts.Events.ConcertScheduled", StartDate="2020-07-01T20:00:00", EndDate="2020-07-01T23:00:00"),
            read("Concerts.Events.ConcertTicketTypeAdded", Type=TICKET_TYPE),
            read("Concerts.Events.ConcertPublished"),
        ]
    )
    assert (concert.status, concert.pools, list(concert.ticket_types)) == (ConcertStatus.PUBLISHED, (), [TYPE])


def test_an_order_of_the_original_folds_to_one_that_cannot_be_paid() -> None:
    items = [{"Id": str(ITEM), "TicketId": str(TYPE)}]
    order = ORDER.fold([read("Orders.Events.OrderCreated", CustomerId=str(CUSTOMER), Items=items)])
    assert (order.status, order.customer_id) == (OrderStatus.IMPORTED, CUSTOMER)


def test_a_stream_that_begins_above_version_zero_loads_and_goes_on_with_its_hash_chain() -> None:
    store = MemoryEventStore()
    first = from_attributes(VERBATIM)
    added = imported(
        "Cloudbash.Domain.Carts.Events.CartItemAddedEvent",
        first.aggregate_id,
        4,
        Item={"Id": str(ITEM), "TicketTypeId": str(TYPE), "Quantity": 2},
    )
    store.append([first])
    store.append([added])
    repository = Repository(store, Clock())

    def remove(session: Session) -> int:
        cart: Cart = session.load(CART, first.aggregate_id)
        session.append(CART, first.aggregate_id, *cart.remove_item(ITEM, session.now))
        return session.version(first.aggregate_id)

    assert repository.execute(remove, SOMEBODY) == 5
    *before, ours = store.read(first.aggregate_id)
    assert before == [first, added]
    assert (ours.aggregate_version, ours.previous_hash) == (5, added.expected_hash())
    assert (ours.hash, ours.schema_version, ours.aggregate_type) == (ours.expected_hash(), 1, "Cart")
    assert repository.load(CART, first.aggregate_id)[0].lines == {}


def test_the_chain_goes_on_whatever_an_imported_item_is_altered_to() -> None:
    """The first event of ours seals the imported one before it: altering that one breaks the chain."""
    item = from_attributes(VERBATIM)
    assert replace(item, data=item.data.replace("566316c4", "666316c4")).chain_hash != item.chain_hash


@pytest.mark.parametrize("data", ["", "nonsense", "[]", "null", '"text"', "42", '{"Type":null}', '{"Type":[]}', "{"])
@pytest.mark.parametrize("name", sorted({name for name, _, _ in ORIGINAL}))
def test_data_that_is_no_event_is_damage_and_no_other_error(name: str, data: str) -> None:
    for version in (0, 1):
        item = replace(imported(f"Cloudbash.Domain.{name}Event", STREAM), data=data, schema_version=version)
        with suppress(LogDamaged):  # events without facts of their own need no more than an object
            decode(item)


def test_an_instant_that_has_no_utc_is_damage_and_no_other_error() -> None:
    for start in ("0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"):
        with pytest.raises(LogDamaged):
            read("Concerts.Events.ConcertScheduled", StartDate=start, EndDate="2020-07-01T23:00:00")


def test_no_organiser_manages_what_has_no_owner() -> None:
    assert not ORGANISER.manages(None)
