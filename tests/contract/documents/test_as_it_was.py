"""A cart or an order as it was at an instant or a version."""

from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.shop.carts.events import (
    CartEvent,
)
from chalicelib.shop.carts.queries import get_cart, get_cart_as_of
from chalicelib.shop.orders.queries import get_order, get_order_as_of
from tests.contract.documents.histories import (
    EXAMPLES,
    SOMEBODY,
    cart_histories,
    nobody_opens,
    order_histories,
    ordered,
)
from tests.support.shop import BUYER, CUSTOMER, OTHER_CUSTOMER, PAY_WITHIN, Shop
from tests.support.stored import SOME_TIME, store_all


@EXAMPLES
@given(st.one_of(cart_histories(), order_histories()), st.lists(st.integers(0, 4), min_size=12, max_size=12))
def test_at_every_instant_and_version_what_was_is_what_the_read_model_said_then(
    documents: DocumentProjection, history: list[Event], minutes: list[int]
) -> None:
    stream_id, now, stream = uuid4(), SOME_TIME, list[StoredEvent]()
    is_cart = isinstance(history[0], CartEvent)
    said: list[tuple[datetime, int, JsonObject]] = []
    store = MemoryEventStore()
    for number, event in enumerate(history):
        now += timedelta(minutes=minutes[number % len(minutes)])
        head = Head.of(stream[-1]) if stream else Head()
        stream += store_all(stream_id, [event], head, now)
        store.append(stream[-1:])
        documents.apply(stream_id, number - 1, [recorded(stream[-1])])
        live = (
            get_cart(documents, store, stream_id, SOMEBODY, now)
            if is_cart
            else get_order(documents, store, stream_id, SOMEBODY, now, nobody_opens)
        )
        said.append((now, number, dict(live)))

    def then(point: PointInTime) -> JsonObject:
        if is_cart:
            return dict(get_cart_as_of(store, stream_id, SOMEBODY, point))
        return dict(get_order_as_of(store, stream_id, SOMEBODY, point, nobody_opens))

    for at, number, answer in said:
        assert then(PointInTime(version=number)) == answer
        if number + 1 == len(said) or said[number + 1][0] > at:
            assert then(PointInTime(as_of=at)) == answer
    with pytest.raises(NotFound):
        then(PointInTime(as_of=said[0][0] - timedelta(milliseconds=1)))
    with pytest.raises(NotFound):
        then(PointInTime(version=len(said)))


def test_what_was_is_judged_at_the_instant_that_is_asked_for(salted_shop: Shop) -> None:
    _, ticket_type_id = salted_shop.on_sale()
    cart_id = salted_shop.cart()
    added = salted_shop.add(cart_id, ticket_type_id)
    just_before, lapsed = added.hold_expires_at - timedelta(milliseconds=1), added.hold_expires_at
    salted_shop.clock.advance(timedelta(days=1))
    salted_shop.remove(cart_id, added.item_id)

    def expired(point: PointInTime) -> list[bool]:
        return [item["expired"] for item in get_cart_as_of(salted_shop.store, cart_id, CUSTOMER.id, point)["items"]]

    assert [expired(PointInTime(as_of=at)) for at in (just_before, lapsed, salted_shop.clock())] == [
        [False],
        [True],
        [],
    ]
    assert expired(PointInTime(version=1)) == [False]

    order_id = ordered(salted_shop)
    due = salted_shop.clock() + PAY_WITHIN
    for at, status in ((due - timedelta(milliseconds=1), "awaiting_payment"), (due, "expired")):
        order = get_order_as_of(salted_shop.store, order_id, CUSTOMER.id, PointInTime(as_of=at), salted_shop.vault.open)
        assert (order["status"], order["buyer"]) == (status, BUYER)


def test_of_what_was_a_stranger_hears_nothing_not_even_that_it_was(salted_shop: Shop) -> None:
    order_id, cart_id = ordered(salted_shop), salted_shop.cart()
    for point in (PointInTime(version=0), PointInTime(version=9), PointInTime(as_of=SOME_TIME)):
        for ask in (
            partial(get_cart_as_of, salted_shop.store, cart_id, OTHER_CUSTOMER.id, point),
            partial(get_cart_as_of, salted_shop.store, order_id, CUSTOMER.id, point),
            partial(get_cart_as_of, salted_shop.store, uuid4(), CUSTOMER.id, point),
            partial(get_order_as_of, salted_shop.store, order_id, OTHER_CUSTOMER.id, point, nobody_opens),
        ):
            with pytest.raises(NotFound) as refusal:
                ask()
            assert refusal.value.facts == {}
