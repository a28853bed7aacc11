"""How many cards a customer, or whoever is at one network address, may try: over all orders, within a while."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, Caller
from chalicelib.platform.counters.port import MemoryCounters
from chalicelib.platform.errors import PaymentRefused, RuleViolated, Unavailable
from chalicelib.shop.orders import commands as orders
from chalicelib.shop.orders.payments.declines import DeclineLimit, Limits, TooManyDeclines
from tests.support.shop import CUSTOMER, OTHER_CUSTOMER, Shop, some_id

HOME, ELSEWHERE = "192.0.2.7", "192.0.2.8"
LIMITS = Limits(per_customer=3, per_address=4)


class Till:
    """Takes payments of new orders, one ticket each, as the API does."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.limit = DeclineLimit(shop.counters, shop.clock, LIMITS)
        _, self.ticket_type_id = shop.on_sale(quantity=40)

    def order(self, customer: Actor = CUSTOMER) -> UUID:
        cart_id = self.shop.cart(customer)
        self.shop.add(cart_id, self.ticket_type_id, caller=self.shop.request(customer))
        return self.shop.check_out(cart_id, self.shop.request(customer)).order_id

    def pay(
        self, token: str, customer: Actor = CUSTOMER, address: str = HOME, order: UUID | None = None, key: str = ""
    ) -> orders.PaidOrder:
        caller: Caller = self.shop.request(customer, key or None)
        admit = partial(self.limit.admit, customer.id, address)
        order_id = order or self.order(customer)
        repository = self.shop.other_container()
        return orders.pay_order(repository, self.shop.gateways, caller, order_id, "sandbox", token, admit)

    def decline(self, times: int, customer: Actor = CUSTOMER, address: str = HOME) -> None:
        for _ in range(times):
            with pytest.raises(PaymentRefused):
                self.pay("tok_declined", customer, address)

    def refuse(self, customer: Actor = CUSTOMER, address: str = HOME) -> TooManyDeclines:
        """Neither the log nor the provider hears of it."""
        order_id, asked = self.order(customer), len(self.shop.gateway.asked)
        with pytest.raises(TooManyDeclines) as refusal:
            self.pay("tok_visa", customer, address, order_id)
        assert self.shop.order_state(order_id).payments == {}
        assert len(self.shop.gateway.asked) == asked
        return refusal.value


@pytest.fixture
def till(memory_shop: Shop) -> Till:
    return Till(memory_shop)


def customers(number: int) -> list[Actor]:
    return [Actor.of(str(some_id(f"tester {place}")), []) for place in range(number)]


def test_a_customer_whose_cards_were_declined_over_several_orders_has_to_wait(till: Till) -> None:
    till.decline(2)
    till.shop.clock.advance(timedelta(minutes=20))
    till.decline(1)
    assert till.refuse(address=ELSEWHERE).retry_after == timedelta(minutes=40)
    till.pay("tok_visa", OTHER_CUSTOMER)
    till.shop.clock.advance(timedelta(minutes=40))
    till.pay("tok_visa")


def test_payments_that_succeed_use_up_nothing(till: Till) -> None:
    till.decline(2)
    for _ in range(4):
        till.pay("tok_visa")
    till.decline(1)
    till.refuse()


def test_an_address_from_which_many_customers_cards_were_declined_has_to_wait(till: Till) -> None:
    for customer in customers(4):
        till.decline(1, customer)
    assert till.refuse(OTHER_CUSTOMER).retry_after == timedelta(hours=1)
    till.pay("tok_visa", OTHER_CUSTOMER, ELSEWHERE)


def test_without_an_address_the_customers_limit_holds(till: Till) -> None:
    till.decline(3, address="")
    till.refuse(address="")


def test_a_repeated_request_gets_its_answer_also_from_one_who_has_to_wait(till: Till) -> None:
    order_id = till.order()
    with pytest.raises(PaymentRefused):
        till.pay("tok_declined", order=order_id, key="first")
    till.decline(2)
    till.refuse()
    with pytest.raises(PaymentRefused):
        till.pay("tok_declined", order=order_id, key="first")


def test_a_repeated_request_is_counted_once(till: Till) -> None:
    order_id = till.order()
    for _ in range(3):
        with pytest.raises(PaymentRefused):
            till.pay("tok_declined", order=order_id, key="first")
    till.decline(2)
    till.refuse()


def test_a_payment_that_is_refused_for_another_reason_uses_up_nothing(till: Till) -> None:
    order_id = till.order()
    till.pay("tok_visa", order=order_id)
    for _ in range(5):
        with pytest.raises(RuleViolated):
            till.pay("tok_visa", order=order_id)
    till.shop.gateway.unreachable = True
    for _ in range(5):
        with pytest.raises(Unavailable):
            till.pay("tok_visa")
    till.shop.gateway.unreachable = False
    till.pay("tok_visa")


def test_an_authentication_that_is_given_up_counts_as_a_card_that_was_declined(till: Till) -> None:
    order_id = till.order()
    for _ in range(4):
        till.pay("tok_3ds", order=order_id)
    till.refuse()


def test_of_many_payments_at_once_no_more_than_the_limit_reaches_the_provider(till: Till) -> None:
    placed = [till.order() for _ in range(12)]

    def attempt(order_id: UUID) -> None:
        with suppress(PaymentRefused, TooManyDeclines):
            till.pay("tok_declined", order=order_id)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(attempt, placed))
    assert len(till.shop.gateway.asked) == LIMITS.per_customer


def test_the_address_is_kept_only_as_a_hash_under_a_salt_of_the_day(till: Till) -> None:
    counters = till.shop.counters
    assert isinstance(counters, MemoryCounters)
    till.decline(1)
    [place] = [key for key in counters.counts if "address" in key]
    till.shop.clock.advance(timedelta(days=1))
    till.decline(1)
    places = [key for key in counters.counts if "address" in key]
    assert len(places) == 2
    assert place in places
    assert not [key for key in counters.counts if HOME in key]


def test_a_payment_goes_on_though_its_count_cannot_be_given_back(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Unavailable("The counters are away.")

    monkeypatch.setattr(till.shop.counters, "give_back", away)
    till.pay("tok_visa")
