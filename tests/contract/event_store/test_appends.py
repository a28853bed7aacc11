"""Every event store appends all or nothing, each version once."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.store import (
    MAX_COMMIT_ITEMS,
    MAX_ITEM_BYTES,
    CommitTooLarge,
    ConcurrencyError,
    InvalidCommit,
)
from chalicelib.platform.eventsourcing.stored import Head
from chalicelib.shop.venues.events import VenueDeleted
from tests.contract.event_store.events import DELETED, sized, spent, venue
from tests.support.operations import as_puts
from tests.support.shop import CountedStore
from tests.support.stored import imported, item, store_all


def test_what_was_appended_is_read_back_to_the_last_byte(store: CountedStore) -> None:
    for event in (item(venue("Straße")), item(venue("""' "; ? :one {'AggregateId': 'x'} -- \\ \n""" + "\0"))):
        store.append([event])
        assert store.read(event.aggregate_id) == [event]


def test_an_item_of_the_original_is_kept_as_it_is(store: CountedStore) -> None:
    event = imported("Cloudbash.Domain.Carts.Events.CartCreatedEvent", uuid4(), 3, CustomerId=str(uuid4()))
    store.append([event])
    assert store.read(event.aggregate_id) == [event]


def test_items_of_the_original_can_be_imported_several_at_a_time(store: CountedStore) -> None:
    for _ in range(2):
        stream_id = uuid4()
        events = [imported("Cloudbash.Domain.Venues.Events.VenueDeletedEvent", stream_id, v) for v in (2, 3)]
        store.append(events)
        assert store.read(stream_id) == events


def test_two_items_without_an_event_id_are_not_taken_for_the_same(store: CountedStore) -> None:
    first = replace(imported(VenueDeleted.stored_name, uuid4()), data="{}")
    store.append([first])
    with pytest.raises(ConcurrencyError):
        store.append([replace(first, data='{"Other":1}')])
    assert store.read(first.aggregate_id) == [first]


def test_a_version_that_exists_is_never_overwritten(store: CountedStore) -> None:
    """The predecessor put events without a condition."""
    first = item(DELETED)
    store.append([first])
    with pytest.raises(ConcurrencyError) as conflict:
        store.append([item(DELETED, first.aggregate_id)])
    assert conflict.value.streams == {first.aggregate_id}
    assert store.read(first.aggregate_id) == [first]


def test_several_streams_change_together_or_not_at_all(store: CountedStore) -> None:
    taken, free, other = uuid4(), uuid4(), uuid4()
    first = item(DELETED, taken)
    store.append([first])
    with pytest.raises(ConcurrencyError) as conflict:
        store.append([*store_all(free, [DELETED] * 2), item(DELETED, taken), item(DELETED, other)])
    assert conflict.value.streams == {taken}
    assert [store.read(stream_id) for stream_id in (taken, free, other)] == [[first], [], []]
    both = [*store_all(free, [DELETED] * 2), item(DELETED, other)]
    store.append(both)
    assert store.read(free) + store.read(other) == both


@pytest.mark.parametrize("count", [1, 3])
def test_appending_the_same_events_again_is_a_success_once(store: CountedStore, count: int) -> None:
    stream_id = uuid4()
    events = store_all(stream_id, [DELETED] * count)
    store.append(events)
    store.append(events)
    assert store.read(stream_id) == events
    later = item(DELETED, stream_id, Head.of(events[-1]))
    store.append([later])
    store.append(events)
    assert store.read(stream_id) == [*events, later]


def test_a_commit_of_which_only_a_part_is_there_is_refused(store: CountedStore) -> None:
    stream_id = uuid4()
    events = store_all(stream_id, [DELETED] * 2)
    store.append(events[:1])
    with pytest.raises(ConcurrencyError):
        store.append(events)
    assert store.read(stream_id) == events[:1]


@pytest.mark.parametrize("beside", [0, 1])
def test_two_events_at_one_place_are_refused_before_any_request(store: CountedStore, beside: int) -> None:
    stream_id = uuid4()
    others = [item(DELETED) for _ in range(beside)]
    before = spent(store.usage)
    for second in (item(DELETED, stream_id), item(venue(), stream_id)):
        with pytest.raises(InvalidCommit, match="the same version"):
            store.append([item(DELETED, stream_id), *others, second])
    event = item(DELETED, stream_id)
    with pytest.raises(InvalidCommit, match="the same version"):
        store.append([event, *others, event])
    assert spent(store.usage) == before
    assert store.read(stream_id) == []


def test_an_epoch_is_not_raised_by_an_append_of_nothing(store: CountedStore) -> None:
    key = uuid4()
    before = spent(store.usage)
    with pytest.raises(InvalidCommit, match="no event"):
        store.append([], raising=[key])
    assert spent(store.usage) == before
    assert store.find_result(key).epoch == 0


def test_an_epoch_that_is_named_twice_is_raised_once(store: CountedStore) -> None:
    key = uuid4()
    store.append([item(DELETED)], raising=[key, key])
    assert store.find_result(key).epoch == 1


@pytest.mark.parametrize("beside", [0, 1])
@pytest.mark.parametrize("raised", [0, 1])
def test_a_stray_item_in_our_place_is_a_lost_race(
    store: CountedStore, put_stray: Callable[[UUID, int], None], beside: int, raised: int
) -> None:
    """Whatever it is that another hand has put there, it is not written over; reading it then tells what it is."""
    stream_id, others = uuid4(), [item(DELETED) for _ in range(beside)]
    put_stray(stream_id, 0)
    with pytest.raises(ConcurrencyError) as conflict:
        store.append([*others, item(DELETED, stream_id)], raising=[uuid4()] * raised)
    assert conflict.value.streams == {stream_id}
    assert [store.read(event.aggregate_id) for event in others] == [[]] * beside
    with pytest.raises(LogDamaged):
        store.read(stream_id)


def test_a_hundred_events_are_one_commit(store: CountedStore) -> None:
    stream_id = uuid4()
    events = store_all(stream_id, [DELETED] * MAX_COMMIT_ITEMS)
    store.append(events)
    assert store.read(stream_id) == events
    assert as_puts(store.usage.requests) == {"TransactWriteItems": 1, "Query": 1}


def test_appending_nothing_costs_nothing(store: CountedStore) -> None:
    before = spent(store.usage)
    store.append([])
    assert spent(store.usage) == before


def test_the_largest_event_is_stored_and_one_byte_more_is_refused_before_any_request(store: CountedStore) -> None:
    largest = sized(MAX_ITEM_BYTES)
    store.append([largest])
    assert store.read(largest.aggregate_id) == [largest]
    before = spent(store.usage)
    with pytest.raises(CommitTooLarge, match="409600"):
        store.append([sized(MAX_ITEM_BYTES + 1)])
    assert spent(store.usage) == before


def test_the_size_of_an_event_is_counted_in_bytes_and_not_in_characters(store: CountedStore) -> None:
    before = spent(store.usage)
    with pytest.raises(CommitTooLarge):
        store.append([item(venue("Ü" * (MAX_ITEM_BYTES // 2)))])
    assert spent(store.usage) == before


def test_too_many_events_or_bytes_are_refused_before_any_request(store: CountedStore) -> None:
    before = spent(store.usage)
    with pytest.raises(CommitTooLarge, match="101 events"):
        store.append(store_all(uuid4(), [DELETED] * (MAX_COMMIT_ITEMS + 1)))
    with pytest.raises(CommitTooLarge, match="bytes in one commit"):
        store.append([sized(MAX_ITEM_BYTES) for _ in range(11)])
    assert spent(store.usage) == before
