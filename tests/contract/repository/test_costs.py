"""What a command costs, on every store."""

from uuid import uuid4

import pytest

from chalicelib.platform.errors import NotFound, RuleViolated
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.venues.venue import VENUE
from tests.contract.repository.commands import Costs, create, delete
from tests.support.operations import as_puts
from tests.support.shop import Clock, CountedStore, Shop
from tests.support.stored import SOMEBODY


def test_a_new_stream_costs_one_write_and_no_read(store: CountedStore) -> None:
    create(Repository(store, Clock()))
    assert as_puts(store.usage.requests) == {"PutItem": 1}


def test_a_change_of_a_stream_in_the_cache_costs_one_write_and_no_read(store: CountedStore) -> None:
    repository = Repository(store, Clock())
    stream_id = create(repository)
    costs = Costs(store)
    assert delete(repository, stream_id) == 1
    assert costs() == {"PutItem": 1}


def test_the_cost_of_a_change_does_not_grow_with_the_stream(shop_on_store: Shop) -> None:
    _, ticket_type_id = shop_on_store.on_sale(quantity=60, max_per_order=60)
    carts = [shop_on_store.cart() for _ in range(30)]
    costs = Costs(shop_on_store.store)
    spent = []
    for cart_id in carts:
        shop_on_store.add(cart_id, ticket_type_id)
        spent.append(costs())
    assert spent == [{"TransactWriteItems": 1}] * 30


def test_a_line_costs_one_transaction_where_cart_and_pool_are_known(shop_on_store: Shop) -> None:
    _, ticket_type_id = shop_on_store.on_sale()
    cart_id = shop_on_store.cart()
    costs = Costs(shop_on_store.store)
    shop_on_store.add(cart_id, ticket_type_id)
    assert costs() == {"TransactWriteItems": 1}


def test_a_line_costs_three_reads_more_where_nothing_is_known(shop_on_store: Shop) -> None:
    _, ticket_type_id = shop_on_store.on_sale(quantity=3 * TICKETS_PER_POOL)
    cart_id = shop_on_store.cart()
    costs = Costs(shop_on_store.store)
    shop_on_store.add(cart_id, ticket_type_id, repository=shop_on_store.other_container())
    assert costs() == {"TransactWriteItems": 1, "Query": 2, "GetItem": 1}


def test_the_way_from_the_cart_to_the_paid_order_costs_four_writes_and_no_read(shop_on_store: Shop) -> None:
    _, ticket_type_id = shop_on_store.on_sale()
    costs = Costs(shop_on_store.store)
    cart_id = shop_on_store.cart()
    assert costs() == {"TransactWriteItems": 1}, "the cart, and the customer's list of carts"
    shop_on_store.add(cart_id, ticket_type_id, 2)
    assert costs() == {"TransactWriteItems": 1}
    order = shop_on_store.check_out(cart_id)
    assert costs() == {"TransactWriteItems": 1}
    shop_on_store.pay(order.order_id)
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
