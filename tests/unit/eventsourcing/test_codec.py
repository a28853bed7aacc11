"""Between domain events and their stored form."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.codec import Origin, decode, encode, recorded
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stored import GENESIS_HASH, Head, StoredEvent
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.events import ConcertScheduled, ConcertTicketTypeAdded, TicketType
from chalicelib.shop.orders.events import IssuedTicket, OrderLine
from chalicelib.shop.venues.events import VenueDeleted
from tests.support.any_events import events_of
from tests.support.contexts import all_event_classes
from tests.support.shop import some_id
from tests.support.stored import SOME_TIME, item, store_all

STREAM = some_id("stream")
ORIGIN = Origin("actor", "correlation", "causation")


def stored(event: Event, head: Head | None = None, now: datetime = SOME_TIME) -> StoredEvent:
    return encode(event, STREAM, head or Head(), ORIGIN, some_id("event"), now)


@pytest.mark.parametrize("cls", all_event_classes(), ids=lambda cls: cls.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_event_survives_the_log_with_and_without_its_optional_facts(
    cls: type[Event], data: st.DataObject
) -> None:
    event = data.draw(events_of(cls))
    assert decode(stored(event)) == event


@pytest.mark.parametrize("cls", all_event_classes(), ids=lambda cls: cls.__name__)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_an_event_is_stored_with_pascal_case_keys_and_its_place_inside(cls: type[Event], data: st.DataObject) -> None:
    stored_data = json.loads(stored(data.draw(events_of(cls)), Head(6, "", "hash")).data)
    assert all(key[0].isupper() and "_" not in key for key in stored_data)
    place = {"EventId": str(some_id("event")), "AggregateId": str(STREAM), "AggregateVersion": 7}
    assert place.items() <= stored_data.items()


def test_an_item_says_who_and_what_caused_it() -> None:
    made = stored(VenueDeleted())
    assert (made.actor_id, made.correlation_id, made.causation_id) == ("actor", "correlation", "causation")
    assert (made.event_type, made.aggregate_type) == (VenueDeleted.stored_name, "Venue")
    assert made.schema_version == VenueDeleted.schema_version


def test_the_stored_form_of_an_event_is_exactly_this() -> None:
    """What is in the logs already must not look different one day."""
    ticket_type = TicketType(
        id=some_id("type"),
        name="Früh \N{MUSICAL SYMBOL G CLEF}",
        price=Money.of("25", "EUR"),
        quantity=5,
        max_per_order=4,
        sales_end=datetime(2030, 1, 2, 1, 30, tzinfo=UTC),
    )
    assert stored(ConcertTicketTypeAdded(type=ticket_type, request_hash="abc")).data == (
        f'{{"Type":{{"Id":"{some_id("type")}","Name":"Früh \N{MUSICAL SYMBOL G CLEF}",'
        '"Price":{"Amount":"25.00","Currency":"EUR"},"Quantity":5,"MaxPerOrder":4,'
        '"SalesEnd":"2030-01-02T01:30:00.000Z"},"RequestHash":"abc",'
        f'"EventId":"{some_id("event")}","AggregateId":"{STREAM}","AggregateVersion":0}}'
    )


def test_a_line_and_a_ticket_without_a_concert_survive_the_log() -> None:
    """Lines of the original know no concert; what is absent in the log must be absent again, not missing."""
    line = OrderLine(
        hold_id=STREAM,
        ticket_type_id=STREAM,
        ticket_type_name="",
        concert_id=None,
        concert_name="",
        quantity=1,
        unit_price=Money.zero("EUR"),
    )
    ticket = IssuedTicket(id=STREAM, ticket_type_id=STREAM, concert_id=None)
    for value in (line, ticket):
        assert type(value).model_validate_json(value.model_dump_json(by_alias=True, exclude_none=True)) == value


def test_items_of_a_stream_are_chained_by_their_hashes() -> None:
    items = store_all(STREAM, [VenueDeleted()] * 3)
    assert [event.aggregate_version for event in items] == [0, 1, 2]
    assert [event.previous_hash for event in items] == [GENESIS_HASH, items[0].hash, items[1].hash]
    assert all(event.hash == event.expected_hash() for event in items)


@pytest.mark.parametrize(
    "altered",
    [
        {"data": "{}"},
        {"created": "2031-01-01T00:00:00.000Z"},
        {"event_type": "Other"},
        {"aggregate_version": 1},
        {"aggregate_id": some_id("elsewhere")},
        {"actor_id": "other"},
        {"causation_id": "other"},
        {"correlation_id": "other"},
        {"schema_version": 2},
        {"aggregate_type": "Other"},
        {"previous_hash": "other"},
    ],
    ids=lambda altered: next(iter(altered)),
)
def test_no_attribute_can_be_altered_without_breaking_the_hash(altered: dict[str, object]) -> None:
    made = stored(VenueDeleted())
    assert replace(made, **altered).expected_hash() != made.hash  # type: ignore[arg-type]


def test_the_hash_knows_where_one_attribute_ends_and_the_next_begins() -> None:
    made = stored(VenueDeleted())
    shifted = replace(made, created=made.created + made.event_type[0], event_type=made.event_type[1:])
    assert shifted.expected_hash() != made.hash


def test_created_never_goes_back_within_a_stream() -> None:
    first = stored(VenueDeleted())
    second = stored(VenueDeleted(), Head.of(first), SOME_TIME - timedelta(seconds=2))
    third = stored(VenueDeleted(), Head.of(second), SOME_TIME + timedelta(milliseconds=1))
    assert [first.created, second.created, third.created] == [
        "2030-01-01T12:00:00.000Z",
        "2030-01-01T12:00:00.000Z",
        "2030-01-01T12:00:00.001Z",
    ]


def test_instants_are_stored_in_utc_with_milliseconds() -> None:
    late = datetime.fromisoformat("2030-06-01T22:00:00.9999+02:00")
    data = json.loads(stored(ConcertScheduled(start_date=late, end_date=late)).data)
    assert data["StartDate"] == "2030-06-01T20:00:00.999Z"


def test_an_event_has_no_more_of_an_instant_than_the_log_will_have() -> None:
    fine = datetime(2030, 6, 1, 20, 0, 0, 999_999, UTC)
    event = ConcertScheduled(start_date=fine, end_date=fine)
    assert decode(stored(event)) == event


def test_an_unknown_event_type_is_damage() -> None:
    with pytest.raises(LogDamaged, match="unknown event type Nobody"):
        decode(replace(item(VenueDeleted()), event_type="Nobody"))


@pytest.mark.parametrize("cls", all_event_classes(), ids=lambda cls: cls.__name__)
def test_an_event_of_a_newer_schema_is_damage_for_this_code(cls: type[Event]) -> None:
    newer = replace(item(VenueDeleted()), event_type=cls.stored_name, schema_version=cls.schema_version + 1)
    with pytest.raises(LogDamaged, match="newer"):
        decode(newer)


def test_damage_names_the_place() -> None:
    damaged = replace(item(VenueDeleted(), STREAM, Head(6, "", "")), data="{")
    with pytest.raises(LogDamaged) as damage:
        decode(damaged)
    assert damage.value.facts == {"stream": str(STREAM), "version": 7}


def test_an_item_whose_created_is_no_instant_is_damage() -> None:
    with pytest.raises(LogDamaged, match="Created"):
        recorded(replace(item(VenueDeleted()), created="yesterday"))


def test_what_we_do_not_know_in_the_data_is_left_alone() -> None:
    made = item(VenueDeleted())
    assert decode(replace(made, data=made.data.replace("{", '{"Later":[1],', 1))) == VenueDeleted()


def test_two_events_cannot_have_the_same_stored_name() -> None:
    with pytest.raises(TypeError, match="two events"):

        class Again(Event, stored_as=VenueDeleted.stored_name):
            """A second event under a name that is taken."""
