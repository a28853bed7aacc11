"""What a reader is told of a document: only its own, as new as it has seen."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import NotFound, ReadModelBehind
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.readmodels.documents.own import MAX_TAIL, read_own
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.shop.carts.events import (
    CartCreated,
)
from chalicelib.shop.carts.queries import get_cart
from chalicelib.shop.inventory.events import HoldsLapsed
from chalicelib.shop.orders.queries import get_order, get_tickets, list_orders
from tests.contract.documents.histories import SOMEBODY, count_events, deliver, logged, ordered, removals
from tests.support.shop import BUYER, CUSTOMER, OTHER_CUSTOMER, Shop
from tests.support.stored import SOME_TIME, imported, store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def at_least(stream_id: UUID, version: int | None) -> MinVersions:
    return MinVersions({} if version is None else {stream_id: version})


@pytest.mark.parametrize("is_delivered", [True, False])
def test_to_another_customer_a_cart_or_an_order_does_not_exist(
    salted_shop: Shop, documents: DocumentProjection, is_delivered: bool
) -> None:
    order_id, cart_id = ordered(salted_shop), salted_shop.cart()
    if is_delivered:
        deliver(salted_shop, documents)
    stranger = OTHER_CUSTOMER.id
    write, opened = salted_shop.code_book.write, salted_shop.vault.open
    asked: list[Callable[[], object]] = [
        lambda: get_cart(documents, salted_shop.store, cart_id, stranger, SOME_TIME),
        lambda: get_cart(documents, salted_shop.store, cart_id, stranger, SOME_TIME, MinVersions({cart_id: 5})),
        lambda: get_order(documents, salted_shop.store, order_id, stranger, SOME_TIME, salted_shop.vault.open),
        lambda: get_tickets(documents, salted_shop.store, order_id, stranger, write, opened),
    ]
    for ask in asked:
        with pytest.raises(NotFound):
            ask()
    named = MinVersions({order_id: 0})
    assert list_orders(documents, salted_shop.store, stranger, 10, None, SOME_TIME, named) == ([], None)


@pytest.mark.parametrize("is_delivered", [True, False])
@pytest.mark.parametrize("min_version", [None, 0, 99])
def test_what_is_no_cart_is_not_found_as_one(
    salted_shop: Shop, documents: DocumentProjection, is_delivered: bool, min_version: int | None
) -> None:
    order_id, cart_id, venue_id = ordered(salted_shop), salted_shop.cart(), salted_shop.venue()
    if is_delivered:
        deliver(salted_shop, documents)
    unknown = imported("Cloudbash.Domain.Unknown.Events.SomethingHappenedEvent", uuid4())
    salted_shop.store.append([unknown])
    for key in (order_id, venue_id, unknown.aggregate_id, uuid4()):
        with pytest.raises(NotFound):
            get_cart(documents, salted_shop.store, key, CUSTOMER.id, SOME_TIME, at_least(key, min_version))
    for key in (cart_id, venue_id, unknown.aggregate_id, uuid4()):
        with pytest.raises(NotFound):
            get_order(
                documents,
                salted_shop.store,
                key,
                CUSTOMER.id,
                SOME_TIME,
                salted_shop.vault.open,
                at_least(key, min_version),
            )
        write, opened = salted_shop.code_book.write, salted_shop.vault.open
        with pytest.raises(NotFound):
            get_tickets(documents, salted_shop.store, key, CUSTOMER.id, write, opened, at_least(key, min_version))


def test_what_was_just_made_is_there_before_its_document_is(salted_shop: Shop, documents: DocumentProjection) -> None:
    order_id, cart_id = ordered(salted_shop), salted_shop.cart()
    assert documents.find(cart_id) is None
    assert get_cart(documents, salted_shop.store, cart_id, CUSTOMER.id, SOME_TIME)["version"] == 0
    order = get_order(documents, salted_shop.store, order_id, CUSTOMER.id, SOME_TIME, salted_shop.vault.open)
    assert (order["version"], order["buyer"]) == (0, BUYER)


def test_a_document_is_brought_up_to_the_version_that_the_reader_has_seen(
    salted_shop: Shop, documents: DocumentProjection
) -> None:
    _, ticket_type_id = salted_shop.on_sale()
    cart_id = salted_shop.cart()
    deliver(salted_shop, documents)
    salted_shop.add(cart_id, ticket_type_id)
    added = salted_shop.add(cart_id, ticket_type_id)

    def seen(min_version: int | None) -> tuple[int, int]:
        cart = get_cart(documents, salted_shop.store, cart_id, CUSTOMER.id, SOME_TIME, at_least(cart_id, min_version))
        return cart["version"], len(cart["items"])

    assert [seen(min_version) for min_version in (None, 0)] == [(0, 0), (0, 0)]
    assert [seen(min_version) for min_version in (1, added.version, 99)] == [(2, 2), (2, 2), (2, 2)]
    assert documents.position(cart_id) == 0
    deliver(salted_shop, documents)
    assert [seen(min_version) for min_version in (None, 2, 99)] == [(2, 2), (2, 2), (2, 2)]


def test_only_what_the_document_lacks_is_read_from_the_log(client: "DynamoDBClient", read_table: str) -> None:
    counting = DocumentProjection("counting", client, read_table, {"Cart": count_events})
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(3)])
    counting.apply(stream[0].aggregate_id, -1, [recorded(event) for event in stream[:2]])
    read = partial(read_own, counting, logged(stream), count_events, "Cart", stream[0].aggregate_id, SOMEBODY)
    assert read().document["seen"] == [0, 1]
    min_versions = at_least(stream[0].aggregate_id, 2)
    assert read(min_versions=min_versions).document["seen"] == [0, 1, 2, 3]
    assert min_versions.lag == {stream[0].aggregate_id: 1}


def test_a_document_that_is_new_enough_costs_no_read_of_the_log(
    salted_shop: Shop, documents: DocumentProjection
) -> None:
    cart_id = salted_shop.cart()
    deliver(salted_shop, documents)
    reads = salted_shop.store.usage.reads
    get_cart(documents, salted_shop.store, cart_id, CUSTOMER.id, SOME_TIME, at_least(cart_id, 0))
    assert salted_shop.store.usage.reads == reads


def test_of_a_long_stream_that_is_something_else_one_item_is_read(documents: DocumentProjection) -> None:
    pool_id = uuid4()
    store = logged(store_all(pool_id, [HoldsLapsed(at=SOME_TIME, hold_ids=(), quantity=0)] * 2000))
    for named in (None, 1999):
        with pytest.raises(NotFound):
            get_cart(documents, store, pool_id, CUSTOMER.id, SOME_TIME, at_least(pool_id, named))
    assert (store.usage.reads, store.usage.items_read) == (2, 2)


def test_a_document_that_lacks_more_than_one_reader_may_fold_in_is_behind(documents: DocumentProjection) -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(1) * (MAX_TAIL + 1)])
    store, cart_id = logged(stream), stream[0].aggregate_id
    with pytest.raises(ReadModelBehind):
        get_cart(documents, store, cart_id, SOMEBODY, SOME_TIME)
    documents.apply(cart_id, -1, [recorded(stream[0]), recorded(stream[1])])
    before = store.usage.reads
    cart = get_cart(documents, store, cart_id, SOMEBODY, SOME_TIME, at_least(cart_id, MAX_TAIL))
    assert (cart["version"], store.usage.reads - before) == (MAX_TAIL + 1, 1)
