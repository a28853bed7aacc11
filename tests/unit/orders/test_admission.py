"""Letting people in, over the whole way to the log."""

from collections import Counter
from uuid import UUID

import pytest

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.orders.admission import check_in
from chalicelib.shop.orders.ticket import AlreadyCheckedIn
from tests.support.shop import ORGANISER as DOOR
from tests.support.shop import Shop, some_id


class Evening:
    """A concert and an order of two tickets."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.shop = Shop(self.store)
        self.concert_id, ticket_type_id = self.shop.on_sale()
        cart_id = self.shop.cart()
        self.shop.add(cart_id, ticket_type_id, 2)
        self.order_id = self.shop.check_out(cart_id).order_id
        self.shop.pay(self.order_id)
        self.first, self.second = (ticket.id for ticket in self.shop.order_state(self.order_id).tickets)

    def show(self, ticket_id: UUID, key: str | None = None) -> int:
        caller = self.shop.request(DOOR, key)
        return check_in(self.shop.other_container(), caller, self.concert_id, self.order_id, ticket_id).version


@pytest.fixture
def evening() -> Evening:
    return Evening()


def test_each_ticket_of_an_order_lets_one_person_in(evening: Evening) -> None:
    assert [evening.show(evening.first), evening.show(evening.second)] == [0, 0]
    with pytest.raises(AlreadyCheckedIn):
        evening.show(evening.first)


def test_a_repeated_request_gets_its_first_answer(evening: Evening) -> None:
    first = evening.show(evening.first, "key")
    assert evening.show(evening.first, "key") == first
    assert len(evening.store.read(evening.first)) == 1


def test_a_ticket_of_another_order_or_of_none_does_not_exist(evening: Evening) -> None:
    with pytest.raises(NotFound):
        evening.show(some_id("no ticket"))


def test_letting_somebody_in_costs_one_read_and_one_write(evening: Evening) -> None:
    before = Counter(evening.store.usage.requests)
    evening.show(evening.first)
    assert evening.store.usage.requests - before == Counter(Query=1, PutItem=1)
