"""What one customer may have of a concert is limited exactly, where the organiser limits it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.carts.commands import extend_holds
from chalicelib.shop.inventory.allowance import ALLOWANCE, CustomerLimitExceeded, allowance_id
from chalicelib.shop.inventory.ticket_pool import HoldExpired
from chalicelib.shop.orders.commands import PAYMENT_GRACE
from chalicelib.shop.orders.payments.port import Charged
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.settlement import record_outcome, settle
from tests.support.shop import CUSTOMER, HOLD_FOR, OTHER_CUSTOMER, PAY_WITHIN, Shop

LIMIT = 4
MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def shop() -> Shop:
    return Shop(MemoryEventStore())


@pytest.fixture
def limited(shop: Shop) -> tuple[UUID, UUID, UUID]:
    """A concert with a limit, and its two ticket types."""
    concert_id = shop.draft(max_per_customer=LIMIT)
    standing, seated = shop.ticket_type(concert_id), shop.ticket_type(concert_id, name="Seated")
    shop.publish(concert_id)
    return concert_id, standing, seated


def taken(shop: Shop, concert_id: UUID, actor: Actor = CUSTOMER) -> int:
    allowance, _ = shop.other_container().load(ALLOWANCE, allowance_id(concert_id, actor.id))
    return allowance.at(shop.clock()).taken


def refusal(shop: Shop, ticket_type_id: UUID, quantity: int = 1) -> dict[str, int]:
    cart_id = shop.cart()
    with pytest.raises(CustomerLimitExceeded) as refused:
        shop.add(cart_id, ticket_type_id, quantity)
    return dict(refused.value.facts)


def test_it_counts_all_ticket_types_and_all_carts_of_one_customer(shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    concert_id, standing, seated = limited
    shop.add(shop.cart(), standing, 3)
    assert refusal(shop, seated, 2) == {"limit": LIMIT, "taken": 3}
    shop.add(shop.cart(), seated)
    assert refusal(shop, standing) == {"limit": LIMIT, "taken": 4}
    assert taken(shop, concert_id) == LIMIT


def test_every_customer_has_an_allowance_of_their_own(shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    _, standing, _ = limited
    shop.add(shop.cart(), standing, LIMIT)
    shop.add(shop.cart(OTHER_CUSTOMER), standing, LIMIT, shop.request(OTHER_CUSTOMER))


def test_what_is_given_back_may_be_taken_again(shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    _, standing, seated = limited
    cart_id = shop.cart()
    item = shop.add(cart_id, standing, LIMIT)
    shop.remove(cart_id, item.item_id)
    shop.add(cart_id, seated, LIMIT)


def test_a_hold_that_has_ended_counts_no_more(shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    _, standing, _ = limited
    shop.add(shop.cart(), standing, LIMIT)
    shop.clock.advance(HOLD_FOR - MOMENT)
    assert refusal(shop, standing)["taken"] == LIMIT
    shop.clock.advance(MOMENT)
    shop.add(shop.cart(), standing, LIMIT)


def test_an_extended_hold_counts_as_long_as_it_lasts(shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    _, standing, _ = limited
    cart_id = shop.cart()
    shop.add(cart_id, standing, LIMIT)
    shop.clock.advance(HOLD_FOR / 2)
    extend_holds(shop.repository, shop.request(CUSTOMER), cart_id, HOLD_FOR)
    shop.clock.advance(HOLD_FOR - MOMENT)
    assert refusal(shop, standing)["taken"] == LIMIT
    shop.clock.advance(MOMENT)
    shop.add(shop.cart(), standing, LIMIT)


def test_an_order_counts_until_it_expires_and_for_good_once_it_is_paid(
    shop: Shop, limited: tuple[UUID, UUID, UUID]
) -> None:
    concert_id, standing, _ = limited
    unpaid, paid = shop.cart(), shop.cart()
    shop.add(unpaid, standing, 3)
    shop.add(paid, standing)
    unpaid_order = shop.check_out(unpaid).order_id
    shop.pay(shop.check_out(paid).order_id)
    now = shop.clock.advance(PAY_WITHIN)
    assert taken(shop, concert_id) == LIMIT
    settle(shop.context(), unpaid_order, now)
    assert taken(shop, concert_id) == 1
    shop.clock.advance(timedelta(days=7))
    assert refusal(shop, standing, LIMIT) == {"limit": LIMIT, "taken": 1}


def test_a_late_payment_is_returned_if_the_customer_has_used_the_allowance_since(
    shop: Shop, limited: tuple[UUID, UUID, UUID]
) -> None:
    _, standing, _ = limited
    cart_id = shop.cart()
    shop.add(cart_id, standing, LIMIT)
    order_id = shop.check_out(cart_id).order_id
    payment_id = shop.pay(order_id, "tok_delayed").payment_id
    shop.clock.advance(PAY_WITHIN + PAYMENT_GRACE)
    shop.add(shop.cart(), standing, LIMIT)
    total = shop.order_state(order_id).total
    record_outcome(shop.context(), order_id, payment_id, Charged("late", total))
    order = shop.order_state(order_id)
    assert (order.status, order.tickets) == (OrderStatus.EXPIRED, ())
    assert order.refunds_under_way
    assert shop.pool(standing).sold == 0


def test_of_many_requests_at_once_no_more_than_the_limit_succeed(shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    concert_id, standing, seated = limited
    carts = [shop.cart() for _ in range(12)]
    requests = [shop.request(CUSTOMER) for _ in carts]
    containers = [shop.other_container() for _ in carts]

    def take(number: int) -> bool:
        ticket_type_id = standing if number % 2 else seated
        try:
            shop.add(carts[number], ticket_type_id, 1, requests[number], containers[number])
        except CustomerLimitExceeded:
            return False
        return True

    with ThreadPoolExecutor(max_workers=6) as threads:
        assert sum(threads.map(take, range(len(carts)))) == LIMIT
    assert taken(shop, concert_id) == LIMIT


def test_a_hold_that_has_ended_by_another_containers_clock_cannot_be_checked_out(
    shop: Shop, limited: tuple[UUID, UUID, UUID]
) -> None:
    _, standing, _ = limited
    cart_id = shop.cart()
    shop.add(cart_id, standing, LIMIT)
    shop.clock.advance(HOLD_FOR)
    shop.add(shop.cart(), standing, LIMIT)
    shop.clock.advance(-2 * MOMENT)
    with pytest.raises((HoldExpired, CustomerLimitExceeded)):
        shop.check_out(cart_id)


def test_it_costs_one_log_item_more_for_each_step(shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    _, standing, _ = limited
    before = shop.store.usage.items_written
    cart_id = shop.cart()
    shop.add(cart_id, standing, LIMIT)
    shop.pay(shop.check_out(cart_id).order_id)
    assert shop.store.usage.items_written - before == 9 + 3


def test_without_a_limit_nothing_is_counted_and_nothing_is_read(shop: Shop) -> None:
    concert_id, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    reads = shop.store.usage.reads
    shop.add(cart_id, ticket_type_id, 10)
    assert shop.store.usage.reads == reads
    assert shop.store.read(allowance_id(concert_id, CUSTOMER.id)) == []
