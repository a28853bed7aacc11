"""The stored format is a promise to every log that exists."""

from chalicelib.platform.eventsourcing.stored import StoredEvent, from_attributes, to_attributes
from chalicelib.platform.eventsourcing.stores.dynamodb.items import from_item, to_item

ORIGINAL_ITEM = {
    "AggregateId": "a8bab764-659b-4873-a8aa-618ed8b199bf",
    "AggregateVersion": 3,
    "Created": "2020-05-25T16:10:56.123Z",
    "Data": '{"CustomerId":"566316c4-ba88-4c0a-8c3a-0389792a1fe0","EventId":"648c72e1-38f1-431b-8e73-91463ec876db",'
    '"AggregateId":"a8ea2d86-f091-4abe-895c-4a90f267882a","AggregateVersion":0}',
    "EventType": "Cloudbash.Domain.Carts.Events.CartCreatedEvent",
}


def test_an_item_of_the_original_survives_a_round_trip_with_its_five_attributes_only() -> None:
    event = from_attributes(ORIGINAL_ITEM)
    assert to_attributes(event) == ORIGINAL_ITEM
    assert from_item(to_item(event)) == event


def test_the_key_of_the_item_wins_over_the_data() -> None:
    event = from_attributes(ORIGINAL_ITEM)
    assert (str(event.aggregate_id), event.aggregate_version) == ("a8bab764-659b-4873-a8aa-618ed8b199bf", 3)


def test_the_hash_covers_every_string_and_where_each_one_ends() -> None:
    event = from_attributes(ORIGINAL_ITEM)
    fields = {name: getattr(event, name) for name in StoredEvent.__slots__}
    shifted = StoredEvent(**fields | {"created": event.created + "x", "event_type": event.event_type[1:]})
    assert len({event.expected_hash(), shifted.expected_hash(), from_attributes(ORIGINAL_ITEM).expected_hash()}) == 2
