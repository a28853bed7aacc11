"""A cached result is believed exactly as long as nobody raised its epoch."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from chalicelib.platform.eventsourcing.epoch_cache import CachedResult
from chalicelib.platform.eventsourcing.store import ConcurrencyError
from chalicelib.shop.venues.events import VenueDeleted
from tests.support.shop import CountedStore
from tests.support.stored import item


def test_a_key_that_was_never_used_has_no_result(store: CountedStore) -> None:
    assert store.find_result(uuid4()) == CachedResult(epoch=0, value=None)


def test_a_result_is_stored_under_the_epoch_at_which_its_computation_began(store: CountedStore) -> None:
    key = uuid4()
    assert store.store_result(key, 0, "sold out")
    assert store.find_result(key) == CachedResult(0, "sold out")
    store.append([item(VenueDeleted())], raising=[key])
    assert store.find_result(key) == CachedResult(1, None)
    assert not store.store_result(key, 0, "sold out")
    assert store.find_result(key) == CachedResult(1, None)
    assert store.store_result(key, 1, "sold out again")
    assert store.find_result(key) == CachedResult(1, "sold out again")


def test_an_append_that_fails_raises_no_epoch(store: CountedStore) -> None:
    key, first = uuid4(), item(VenueDeleted())
    store.append([first])
    store.store_result(key, 0, "sold out")
    with pytest.raises(ConcurrencyError) as conflict:
        store.append([item(VenueDeleted(), first.aggregate_id)], raising=[key])
    assert conflict.value.streams == {first.aggregate_id}
    assert store.find_result(key) == CachedResult(0, "sold out")


def test_an_append_repeated_after_a_lost_reply_raises_the_epoch_once(store: CountedStore) -> None:
    key, event = uuid4(), item(VenueDeleted())
    for _ in range(2):
        store.append([event], raising=[key])
    assert store.find_result(key).epoch == 1
    assert store.read(event.aggregate_id) == [event]


def test_epochs_raised_by_many_at_once_are_all_counted(store: CountedStore) -> None:
    key = uuid4()

    def raise_it(_: int) -> None:
        event = item(VenueDeleted())
        while True:
            try:
                return store.append([event], raising=[key])
            except ConcurrencyError:
                continue

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(raise_it, range(32)))
    assert store.find_result(key).epoch == 32
