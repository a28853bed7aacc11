"""Load, decide, append: what a command costs, and what it may believe. On every store."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import Busy, NotFound, PreconditionFailed, RuleViolated, Unavailable
from chalicelib.platform.eventsourcing.aggregate import Aggregate, Folded
from chalicelib.platform.eventsourcing.epoch_cache import CachedResult
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import MAX_ATTEMPTS, Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.eventsourcing.store import ConcurrencyError, EventStore, ScanPage
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.eventsourcing.streams import StreamCache
from chalicelib.shop.carts.cart import CART
from chalicelib.shop.concerts.concert import CONCERT
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketsSoldOut, pool_id
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.venues.events import VenueCreated, VenueDeleted
from chalicelib.shop.venues.venue import VENUE, Venue
from tests.support.operations import as_puts
from tests.support.shop import CUSTOMER, Clock, CountedStore, Shop
from tests.support.stored import SOMEBODY, item

pytest_plugins = ["tests.support.counting", "tests.support.stores"]

CREATED = VenueCreated(name="", description="", capacity=1, address="", city="", country="", time_zone="UTC")


class Costs:
    """The requests that were sent since the last look, whichever way of appending was used."""

    def __init__(self, store: CountedStore) -> None:
        self._store = store
        self._before = as_puts(store.usage.requests)

    def __call__(self) -> dict[str, int]:
        now = as_puts(self._store.usage.requests)
        since = {name: count - self._before.get(name, 0) for name, count in now.items()}
        self._before = now
        return {name: count for name, count in since.items() if count}


class Unlucky:
    """A store in front of another: it loses the first races, or all, and remembers what was read."""

    def __init__(self, store: EventStore, losses: int, error: Exception | None = None) -> None:
        self._store = store
        self._error = error
        self.losses = losses
        self.tries = 0
        self.read_after: list[int] = []

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        self.tries += 1
        if self.losses:
            self.losses -= 1
            raise self._error or ConcurrencyError(frozenset(event.aggregate_id for event in events))
        self._store.append(events, raising)

    def read_slice(self, stream_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        return self._store.read_slice(stream_id, after, limit)

    def read_last(self, stream_id: UUID, count: int) -> list[StoredEvent]:
        return self._store.read_last(stream_id, count)

    def find_result(self, key: UUID) -> CachedResult:
        return self._store.find_result(key)

    def store_result(self, key: UUID, epoch: int, value: str) -> bool:
        return self._store.store_result(key, epoch, value)

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        self.read_after.append(after)
        return self._store.read(stream_id, after)

    def scan(self, segment: int = 0, segments: int = 1, after: str | None = None) -> Iterator[ScanPage]:
        return self._store.scan(segment, segments, after)

    def size(self) -> int:
        return self._store.size()


def create(repository: Repository) -> UUID:
    stream_id = uuid4()

    def command(session: Session) -> None:
        session.load(VENUE, stream_id, Load.ASSUME_EMPTY)
        session.append(VENUE, stream_id, CREATED)

    repository.execute(command, SOMEBODY)
    return stream_id


def delete(repository: Repository, stream_id: UUID) -> int:
    def command(session: Session) -> int:
        venue = session.load(VENUE, stream_id)
        session.append(VENUE, stream_id, *venue.delete())
        return session.version(stream_id)

    return repository.execute(command, SOMEBODY)


@pytest.fixture
def shop(shop_on_store: Shop) -> Shop:
    return shop_on_store


# --- what a command costs --------------------------------------------------------------------------------------------


def test_a_new_stream_costs_one_write_and_no_read(store: CountedStore) -> None:
    create(Repository(store, Clock()))
    assert as_puts(store.usage.requests) == {"PutItem": 1}


def test_a_change_of_a_stream_in_the_cache_costs_one_write_and_no_read(store: CountedStore) -> None:
    repository = Repository(store, Clock())
    stream_id = create(repository)
    costs = Costs(store)
    assert delete(repository, stream_id) == 1
    assert costs() == {"PutItem": 1}


def test_the_cost_of_a_change_does_not_grow_with_the_stream(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale(quantity=60, max_per_order=60)
    carts = [shop.cart() for _ in range(30)]
    costs = Costs(shop.store)
    spent = []
    for cart_id in carts:
        shop.add(cart_id, ticket_type_id)
        spent.append(costs())
    assert spent == [{"TransactWriteItems": 1}] * 30


def test_a_line_costs_one_transaction_where_cart_and_pool_are_known(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    costs = Costs(shop.store)
    shop.add(cart_id, ticket_type_id)
    assert costs() == {"TransactWriteItems": 1}


def test_a_line_costs_three_reads_more_where_nothing_is_known(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale(quantity=3 * TICKETS_PER_POOL)
    cart_id = shop.cart()
    costs = Costs(shop.store)
    shop.add(cart_id, ticket_type_id, repository=shop.other_container())
    assert costs() == {"TransactWriteItems": 1, "Query": 2, "GetItem": 1}


def test_the_way_from_the_cart_to_the_paid_order_costs_four_writes_and_no_read(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    costs = Costs(shop.store)
    cart_id = shop.cart()
    assert costs() == {"PutItem": 1}
    shop.add(cart_id, ticket_type_id, 2)
    assert costs() == {"TransactWriteItems": 1}
    order = shop.check_out(cart_id)
    assert costs() == {"TransactWriteItems": 1}
    shop.pay(order.order_id)
    assert costs() == {"PutItem": 1, "TransactWriteItems": 1}


def test_a_refusal_on_what_was_just_read_costs_no_second_look(store: CountedStore) -> None:
    costs = Costs(store)
    with pytest.raises(NotFound):
        delete(Repository(store, Clock()), uuid4())
    assert costs() == {"Query": 1}


def test_a_refusal_on_what_is_cached_costs_one_look(store: CountedStore) -> None:
    repository = Repository(store, Clock())
    stream_id = create(repository)

    def refuse(session: Session) -> None:
        session.load(VENUE, stream_id)
        raise RuleViolated("never")

    costs = Costs(store)
    with pytest.raises(RuleViolated):
        repository.execute(refuse, SOMEBODY)
    assert costs() == {"Query": 1}


# --- what a command may believe --------------------------------------------------------------------------------------


def test_sold_out_is_not_believed_of_a_cache_when_tickets_were_given_back_elsewhere(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale(quantity=2)
    cart_id = shop.cart()
    added = shop.add(cart_id, ticket_type_id, 2)
    elsewhere = shop.other_container()
    elsewhere.load(TICKET_POOL, pool_id(ticket_type_id, 0))
    shop.remove(cart_id, added.item_id)
    costs = Costs(shop.store)
    shop.add(shop.cart(), ticket_type_id, 2, repository=elsewhere)
    assert costs()["Query"] <= 3
    assert shop.pool(ticket_type_id).held == 2


def test_sold_out_is_said_when_it_is_true_now(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale(quantity=2)
    elsewhere = shop.other_container()
    elsewhere.load(TICKET_POOL, pool_id(ticket_type_id, 0))
    shop.add(shop.cart(), ticket_type_id, 2)
    with pytest.raises(TicketsSoldOut) as refusal:
        shop.add(shop.cart(), ticket_type_id, 1, repository=elsewhere)
    assert refusal.value.facts == {"available": 0}


def test_the_last_tickets_go_to_one_of_two_containers_that_both_believe_to_have_them(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale(quantity=2)
    containers = [shop.other_container() for _ in range(2)]
    for container in containers:
        container.load(TICKET_POOL, pool_id(ticket_type_id, 0))
    shop.add(shop.cart(), ticket_type_id, 2, repository=containers[0])
    cart_id = shop.cart()
    with pytest.raises(TicketsSoldOut):
        shop.add(cart_id, ticket_type_id, 2, repository=containers[1])
    assert len(shop.store.read(cart_id)) == 1


def test_nothing_to_do_is_not_believed_of_a_cache(store: CountedStore) -> None:
    here, elsewhere = Repository(store, Clock()), Repository(store, Clock())
    stream_id = create(here)
    delete(here, stream_id)
    elsewhere.load(VENUE, stream_id)
    here.execute(lambda session: session.append(VENUE, stream_id, CREATED), SOMEBODY)
    assert delete(elsewhere, stream_id) == 3


def test_another_container_that_was_first_is_noticed_and_the_command_decides_again(store: CountedStore) -> None:
    here, elsewhere = Repository(store, Clock()), Repository(store, Clock())
    stream_id = create(here)
    elsewhere.load(VENUE, stream_id)
    delete(here, stream_id)
    costs = Costs(store)
    assert delete(elsewhere, stream_id) == 1
    with_partiql = {"GetItem": 1} if "ExecuteStatement" in store.usage.requests else {}
    assert costs() == {"PutItem": 1, **with_partiql, "Query": 1}, "a lost write, then the tail: that it is done"
    assert len(store.read(stream_id)) == 2


def test_a_stream_that_was_assumed_to_be_new_and_is_not_is_read_and_decided_on(store: CountedStore) -> None:
    stream_id = create(Repository(store, Clock()))
    seen: list[int] = []

    def command(session: Session) -> None:
        venue = session.load(VENUE, stream_id, Load.ASSUME_EMPTY)
        seen.append(session.version(stream_id))
        session.append(VENUE, stream_id, *([] if venue.details else [CREATED]))

    Repository(store, Clock()).execute(command, SOMEBODY)
    assert seen == [-1, 0]
    assert len(store.read(stream_id)) == 1


def test_a_stream_that_is_consulted_is_read_even_if_it_was_used_as_cached_before(store: CountedStore) -> None:
    here, elsewhere = Repository(store, Clock()), Repository(store, Clock())
    stream_id = create(here)
    elsewhere.load(VENUE, stream_id)
    delete(here, stream_id)

    def command(session: Session) -> list[bool]:
        return [session.load(VENUE, stream_id).deleted, session.load(VENUE, stream_id, Load.FRESH).deleted]

    seen: list[list[bool]] = []
    elsewhere.execute(lambda session: seen.append(command(session)), SOMEBODY)
    assert seen[0] == [False, True]


def test_consulting_a_stream_that_was_changed_already_does_not_commit_on_top_of_what_was_not_seen(
    store: CountedStore,
) -> None:
    """The change was decided on the cached state: it must lose its race, and be decided again on what is there."""
    here, elsewhere = Repository(store, Clock()), Repository(store, Clock())
    stream_id = create(here)
    elsewhere.load(VENUE, stream_id)
    delete(here, stream_id)

    def command(session: Session) -> bool:
        venue = session.load(VENUE, stream_id)
        session.append(VENUE, stream_id, *venue.delete())
        return session.load(VENUE, stream_id, Load.FRESH).deleted

    assert elsewhere.execute(command, SOMEBODY)
    assert len(store.read(stream_id)) == 2, "deleted once"


def test_what_is_cached_after_a_commit_equals_what_is_in_the_log(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, 2)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id)
    streams: list[tuple[Aggregate[Any], UUID]] = [(CART, cart_id), (ORDER, order_id)]
    for aggregate, stream_id in [*streams, (TICKET_POOL, pool_id(ticket_type_id, 0))]:
        cached = shop.repository.cached(aggregate, stream_id)
        assert cached is not None
        events = shop.store.read(stream_id)
        assert cached.head == Head.of(events[-1])
    pool = shop.repository.cached(TICKET_POOL, pool_id(ticket_type_id, 0))
    assert pool is not None
    assert pool.state == shop.pool(ticket_type_id)
    cart, order = shop.repository.cached(CART, cart_id), shop.repository.cached(ORDER, order_id)
    assert cart is not None
    assert order is not None
    assert (cart.state, order.state) == (shop.cart_state(cart_id), shop.order_state(order_id))


# --- races and transient failures ------------------------------------------------------------------------------------


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


# --- one session -----------------------------------------------------------------------------------------------------


def test_a_session_sees_what_it_appended_and_the_versions_that_will_be() -> None:
    store = MemoryEventStore()
    stream_id = uuid4()

    def command(session: Session) -> tuple[Venue, int]:
        assert session.load(VENUE, stream_id) == Venue()
        assert session.version(stream_id) == -1
        session.append(VENUE, stream_id, CREATED, VenueDeleted())
        session.ensure_version(stream_id, -1)
        with pytest.raises(PreconditionFailed):
            session.ensure_version(stream_id, 1)
        return session.load(VENUE, stream_id), session.version(stream_id)

    venue, version = Repository(store, Clock()).execute(command, SOMEBODY)
    assert (venue.deleted, version) == (True, 1)
    assert [event.aggregate_version for event in store.read(stream_id)] == [0, 1]


def test_all_events_of_a_session_have_the_same_time_with_milliseconds() -> None:
    store, clock = MemoryEventStore(), Clock()
    clock.advance(timedelta(microseconds=1_999))
    times: list[int] = []

    def command(session: Session) -> None:
        times.append(session.now.microsecond)
        session.append(VENUE, stream_id, CREATED, VenueDeleted())

    stream_id = uuid4()
    Repository(store, clock).execute(command, SOMEBODY)
    assert times == [1_000]
    assert {event.created for event in store.read(stream_id)} == {"2030-01-01T12:00:00.001Z"}


def test_every_event_has_an_id_of_its_own_also_in_a_second_try() -> None:
    tried: list[StoredEvent] = []

    class Remembering(Unlucky):
        def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
            tried.extend(events)
            super().append(events, raising)

    repository = Repository(Remembering(MemoryEventStore(), losses=3), Clock(), pause=lambda _: None)
    create(repository)
    assert len({event.event_id for event in tried}) == 4


def test_lost_races_are_counted_and_what_was_committed_is_shown_once(counted: Callable[[], dict[str, float]]) -> None:
    seen: list[Event] = []
    store = Unlucky(MemoryEventStore(), losses=3)
    create(Repository(store, Clock(), pause=lambda _: None, watch=seen.append))
    assert [type(event).__name__ for event in seen] == ["VenueCreated"]
    assert counted() == {"LostRaces": 3}


def test_a_peek_asks_nobody() -> None:
    store = MemoryEventStore()
    repository = Repository(store, Clock())
    stream_id = create(repository)
    costs = Costs(store)
    seen: list[Venue | None] = []

    def command(session: Session) -> None:
        seen.extend([session.hint_state(VENUE, stream_id), session.hint_state(VENUE, uuid4())])

    repository.execute(command, SOMEBODY)
    assert seen[0] is not None
    assert seen[1] is None
    assert costs() == {}


# --- the cache -------------------------------------------------------------------------------------------------------


def test_a_cached_stream_never_goes_back_to_an_older_version() -> None:
    cache, stream_id = StreamCache(), uuid4()
    cache.put("Venue", stream_id, Folded("new", Head(5)))
    cache.put("Venue", stream_id, Folded("old", Head(4)))
    found = cache.get("Venue", stream_id)
    assert found is not None
    assert found.state == "new"


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    cache, ids = StreamCache(capacity=2), [uuid4() for _ in range(3)]
    cache.put("Venue", ids[0], Folded(0, Head(0)))
    cache.put("Venue", ids[1], Folded(1, Head(0)))
    cache.get("Venue", ids[0])
    cache.put("Venue", ids[2], Folded(2, Head(0)))
    assert [cache.get("Venue", key) is not None for key in ids] == [True, False, True]


def test_a_forgotten_stream_is_read_again() -> None:
    store = MemoryEventStore()
    repository = Repository(store, Clock(), cache=StreamCache(capacity=1))
    first, second = create(repository), create(repository)
    assert [delete(repository, first), delete(repository, second)] == [1, 1]


def test_two_requests_of_one_customer_at_the_same_cart_both_count(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    elsewhere = shop.other_container()
    shop.add(cart_id, ticket_type_id, repository=elsewhere)
    shop.add(cart_id, ticket_type_id)
    shop.add(cart_id, ticket_type_id, repository=elsewhere, caller=shop.request(CUSTOMER))
    assert len(shop.cart_state(cart_id).lines) == 3


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
