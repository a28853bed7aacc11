"""Lost races are tried again; a transient failure ends the command."""

from collections.abc import Collection, Sequence
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import Busy, NotFound, RuleViolated, Unavailable
from chalicelib.platform.eventsourcing.repository import MAX_ATTEMPTS, Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.concerts.concert import CONCERT
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from chalicelib.shop.venues.venue import VENUE
from tests.contract.repository.commands import CREATED, Unlucky, create, delete
from tests.support.shop import CUSTOMER, Clock, CountedStore, Shop
from tests.support.stored import SOMEBODY, item


def test_a_lost_race_is_tried_again_on_the_tail_past_what_is_cached() -> None:
    unlucky = Unlucky(MemoryEventStore(), losses=0)
    pauses: list[float] = []
    repository = Repository(unlucky, Clock(), pause=pauses.append)
    stream_id = create(repository)
    unlucky.losses = 2
    assert delete(repository, stream_id) == 1
    assert unlucky.read_after == [0, 0]
    assert len(pauses) == 2


def test_when_the_races_never_end_the_answer_is_busy_and_nothing_was_written() -> None:
    store = MemoryEventStore()
    unlucky = Unlucky(store, losses=10**6)
    pauses: list[float] = []
    repository = Repository(unlucky, Clock(), pause=pauses.append)
    with pytest.raises(Busy):
        create(repository)
    assert (unlucky.tries, len(pauses)) == (MAX_ATTEMPTS, MAX_ATTEMPTS)
    assert store.stream_ids() == []
    assert all(0 <= pause <= 0.1 for pause in pauses)
    assert len(set(pauses)) > MAX_ATTEMPTS // 2, "pauses are jittered"


def test_busy_is_no_refusal_of_the_business() -> None:
    assert issubclass(Busy, Unavailable)
    assert not issubclass(Busy, RuleViolated)


def test_a_transient_failure_ends_a_command_at_once_and_leaves_no_trace_in_the_cache() -> None:
    store = MemoryEventStore()
    unlucky = Unlucky(store, losses=0, error=Unavailable("away"))
    repository = Repository(unlucky, Clock())
    stream_id = create(repository)
    unlucky.losses = 1
    tries = unlucky.tries
    with pytest.raises(Unavailable):
        delete(repository, stream_id)
    assert unlucky.tries == tries + 1
    cached = repository.cached(VENUE, stream_id)
    assert cached is not None
    assert cached.head.version == 0
    assert not cached.state.deleted
    assert delete(repository, stream_id) == 1


def test_a_write_that_was_carried_out_though_its_reply_never_came_is_met_by_the_next_command() -> None:
    class Deaf(MemoryEventStore):
        deaf = False

        def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
            super().append(events, raising)
            if self.deaf:
                self.deaf = False
                raise Unavailable("no reply")

    store = Deaf()
    repository = Repository(store, Clock())
    stream_id = create(repository)
    store.deaf = True
    with pytest.raises(Unavailable):
        delete(repository, stream_id)
    assert delete(repository, stream_id) == 1
    assert len(store.read(stream_id)) == 2


def test_an_error_that_is_none_of_ours_is_not_swallowed() -> None:
    def command(_: Session) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Repository(MemoryEventStore(), Clock()).execute(command, SOMEBODY)


def test_two_requests_of_one_customer_at_the_same_cart_both_count(shop_on_store: Shop) -> None:
    _, ticket_type_id = shop_on_store.on_sale()
    cart_id = shop_on_store.cart()
    elsewhere = shop_on_store.other_container()
    shop_on_store.add(cart_id, ticket_type_id, repository=elsewhere)
    shop_on_store.add(cart_id, ticket_type_id)
    shop_on_store.add(cart_id, ticket_type_id, repository=elsewhere, caller=shop_on_store.request(CUSTOMER))
    assert len(shop_on_store.cart_state(cart_id).lines) == 3


def test_an_event_put_by_hand_behind_our_back_is_a_lost_race_and_no_gap(store: CountedStore) -> None:
    repository = Repository(store, Clock())
    stream_id = create(repository)
    store.append([item(CREATED, stream_id, Head.of(store.read(stream_id)[-1]))])
    assert delete(repository, stream_id) == 2
    assert [event.aggregate_version for event in store.read(stream_id)] == [0, 1, 2]


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_a_stream_taken_for_another_aggregate_is_no_stream_and_spoils_nothing(store: CountedStore, warm: bool) -> None:
    """Ids come from clients: naming a pool as a cart must not make this container forget the pool."""
    shop = Shop(store, salt=str(uuid4()))
    concert_id, ticket_type_id = shop.on_sale()
    container = shop.repository if warm else shop.other_container()
    for stream_id in (pool_id(ticket_type_id, 0), concert_id):
        with pytest.raises(NotFound):
            shop.add(stream_id, ticket_type_id, repository=container)
    shop.add(shop.cart(), ticket_type_id, 2, repository=container)
    assert container.load(TICKET_POOL, pool_id(ticket_type_id, 0))[0].held == 2
    assert container.load(CONCERT, concert_id)[0].pools
