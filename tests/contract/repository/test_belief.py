"""What a command may believe of a cached stream, on every store."""

from typing import Any
from uuid import UUID

import pytest

from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.eventsourcing.stored import Head
from chalicelib.shop.carts.cart import CART
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketsSoldOut, pool_id
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.venues.venue import VENUE
from tests.contract.repository.commands import CREATED, Costs, create, delete
from tests.support.shop import Clock, CountedStore, Shop
from tests.support.stored import SOMEBODY


def test_sold_out_is_not_believed_of_a_cache_when_tickets_were_given_back_elsewhere(shop_on_store: Shop) -> None:
    _, ticket_type_id = shop_on_store.on_sale(quantity=2)
    cart_id = shop_on_store.cart()
    added = shop_on_store.add(cart_id, ticket_type_id, 2)
    elsewhere = shop_on_store.other_container()
    elsewhere.load(TICKET_POOL, pool_id(ticket_type_id, 0))
    shop_on_store.remove(cart_id, added.item_id)
    costs = Costs(shop_on_store.store)
    shop_on_store.add(shop_on_store.cart(), ticket_type_id, 2, repository=elsewhere)
    assert costs()["Query"] <= 3
    assert shop_on_store.pool(ticket_type_id).held == 2


def test_sold_out_is_said_when_it_is_true_now(shop_on_store: Shop) -> None:
    _, ticket_type_id = shop_on_store.on_sale(quantity=2)
    elsewhere = shop_on_store.other_container()
    elsewhere.load(TICKET_POOL, pool_id(ticket_type_id, 0))
    shop_on_store.add(shop_on_store.cart(), ticket_type_id, 2)
    with pytest.raises(TicketsSoldOut) as refusal:
        shop_on_store.add(shop_on_store.cart(), ticket_type_id, 1, repository=elsewhere)
    assert refusal.value.facts == {"available": 0}


def test_the_last_tickets_go_to_one_of_two_containers_that_both_believe_to_have_them(shop_on_store: Shop) -> None:
    _, ticket_type_id = shop_on_store.on_sale(quantity=2)
    containers = [shop_on_store.other_container() for _ in range(2)]
    for container in containers:
        container.load(TICKET_POOL, pool_id(ticket_type_id, 0))
    shop_on_store.add(shop_on_store.cart(), ticket_type_id, 2, repository=containers[0])
    cart_id = shop_on_store.cart()
    with pytest.raises(TicketsSoldOut):
        shop_on_store.add(cart_id, ticket_type_id, 2, repository=containers[1])
    assert len(shop_on_store.store.read(cart_id)) == 1


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


def test_what_is_cached_after_a_commit_equals_what_is_in_the_log(shop_on_store: Shop) -> None:
    _, ticket_type_id = shop_on_store.on_sale()
    cart_id = shop_on_store.cart()
    shop_on_store.add(cart_id, ticket_type_id, 2)
    order_id = shop_on_store.check_out(cart_id).order_id
    shop_on_store.pay(order_id)
    streams: list[tuple[Aggregate[Any], UUID]] = [(CART, cart_id), (ORDER, order_id)]
    for aggregate, stream_id in [*streams, (TICKET_POOL, pool_id(ticket_type_id, 0))]:
        cached = shop_on_store.repository.cached(aggregate, stream_id)
        assert cached is not None
        events = shop_on_store.store.read(stream_id)
        assert cached.head == Head.of(events[-1])
    pool = shop_on_store.repository.cached(TICKET_POOL, pool_id(ticket_type_id, 0))
    assert pool is not None
    assert pool.state == shop_on_store.pool(ticket_type_id)
    cart, order = shop_on_store.repository.cached(CART, cart_id), shop_on_store.repository.cached(ORDER, order_id)
    assert cart is not None
    assert order is not None
    assert (cart.state, order.state) == (shop_on_store.cart_state(cart_id), shop_on_store.order_state(order_id))
