"""An edit under a key happens once, whatever became of its answer and of the stream; no other edit has that key."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import IdempotencyKeyReused
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.venues.commands import change_venue
from chalicelib.shop.venues.venue import VENUE
from tests.support.crashes import Crash, Trap
from tests.support.shop import ORGANISER, Shop


class Overtaken(MemoryEventStore):
    """Lets somebody else be first, once, just before it appends."""

    overtake_with: tuple[StoredEvent, ...] = ()

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        first, self.overtake_with = self.overtake_with, ()
        super().append(first)
        super().append(events, raising)


def request(shop: Shop, capacity: int, key: str = "key", if_match: int | None = None) -> Caller:
    """The request for this capacity, under this key."""
    return shop.request(ORGANISER, key, f"capacity {capacity}", if_match)


def change(repository: Repository, venue_id: UUID, capacity: int, caller: Caller) -> int:
    return change_venue(repository, caller, venue_id, lambda details: replace(details, capacity=capacity))


def capacity_of(shop: Shop, venue_id: UUID) -> int:
    details = shop.other_container().load(VENUE, venue_id)[0].details
    assert details is not None
    return details.capacity


@pytest.mark.parametrize("if_match", [None, 0], ids=["any version", "the version it had seen"])
@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_an_edit_that_comes_again_after_another_one_is_not_carried_out_again(
    memory_shop: Shop, cold: bool, if_match: int | None
) -> None:
    venue_id = memory_shop.venue()
    assert change(memory_shop.repository, venue_id, 7, request(memory_shop, 7, "key", if_match)) == 1
    assert change(memory_shop.repository, venue_id, 8, request(memory_shop, 8, "other")) == 2
    repository = memory_shop.other_container() if cold else memory_shop.repository
    assert change(repository, venue_id, 7, request(memory_shop, 7, "key", if_match)) == 1
    assert capacity_of(memory_shop, venue_id) == 8


@pytest.mark.parametrize("if_match", [None, 0, 1, 2], ids=str)
def test_a_key_with_another_body_is_refused_whatever_version_it_expects(
    memory_shop: Shop, if_match: int | None
) -> None:
    venue_id = memory_shop.venue()
    change(memory_shop.repository, venue_id, 7, request(memory_shop, 7))
    change(memory_shop.repository, venue_id, 8, request(memory_shop, 8, "other"))
    for repository in (memory_shop.repository, memory_shop.other_container()):
        with pytest.raises(IdempotencyKeyReused):
            change(repository, venue_id, 9, request(memory_shop, 9, "key", if_match))
    assert capacity_of(memory_shop, venue_id) == 8


@pytest.mark.parametrize("carried_out", [False, True], ids=["before the append", "after it"])
def test_after_a_crash_the_key_stands_for_what_is_in_the_log(carried_out: bool) -> None:
    log, trap = MemoryEventStore(), Trap()
    shop = Shop(log)
    venue_id = shop.venue()
    trapped = Shop(trap.behind(log))
    trap.arm(3, carried_out)  # the stream is read, the request is looked for, and then comes the append
    with pytest.raises(Crash):
        change(trapped.repository, venue_id, 7, request(shop, 7))
    if not carried_out:
        assert change(shop.repository, venue_id, 9, request(shop, 9)) == 1
        return
    with pytest.raises(IdempotencyKeyReused):
        change(shop.repository, venue_id, 9, request(shop, 9))
    assert change(shop.repository, venue_id, 7, request(shop, 7)) == 1


def test_of_two_bodies_under_one_key_at_once_one_is_carried_out() -> None:
    log = Overtaken()
    shop = Shop(log)
    venue_id = shop.venue()
    elsewhere = Shop(MemoryEventStore())
    for stored in log.read(venue_id):
        elsewhere.store.append([stored])
    change(elsewhere.repository, venue_id, 7, request(elsewhere, 7))
    log.overtake_with = tuple(elsewhere.store.read(venue_id, after=0))
    with pytest.raises(IdempotencyKeyReused):
        change(shop.repository, venue_id, 9, request(shop, 9))
    assert capacity_of(shop, venue_id) == 7


def test_a_request_without_a_key_costs_no_read_and_stores_no_hash(memory_shop: Shop) -> None:
    venue_id = memory_shop.venue()
    caller = request(memory_shop, 7)
    before = memory_shop.store.usage.reads
    change(memory_shop.repository, venue_id, 7, replace(caller, request=replace(caller.request, is_repeatable=False)))
    assert memory_shop.store.usage.reads == before
    assert memory_shop.store.read(venue_id)[-1].request_hash is None


def test_a_request_with_a_key_costs_one_read_and_stores_the_hash_of_its_body(memory_shop: Shop) -> None:
    venue_id, before = memory_shop.venue(), memory_shop.store.usage.reads
    caller = request(memory_shop, 7)
    change(memory_shop.repository, venue_id, 7, caller)
    assert memory_shop.store.usage.reads == before + 1
    [stored] = memory_shop.store.read(venue_id, after=0)
    assert stored.request_hash == caller.request.request_hash
    assert stored.hash == stored.expected_hash()


def test_an_edit_of_before_there_were_hashes_is_known_by_its_key_alone(memory_shop: Shop) -> None:
    venue_id, caller = memory_shop.venue(), request(memory_shop, 7)
    unnamed = replace(caller, request=replace(caller.request, is_repeatable=False))
    change(memory_shop.repository, venue_id, 7, unnamed)
    assert change(memory_shop.repository, venue_id, 9, request(memory_shop, 9)) == 1
    assert capacity_of(memory_shop, venue_id) == 7
