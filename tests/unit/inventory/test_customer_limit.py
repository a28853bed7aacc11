"""What one customer may have of a concert is limited exactly, where the organiser limits it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor
from chalicelib.shop.carts.cart import LinesExpired
from chalicelib.shop.carts.commands import extend_holds
from chalicelib.shop.inventory.allowance import ALLOWANCE, CustomerLimitExceeded, allowance_id
from chalicelib.shop.orders.commands import PAYMENT_GRACE
from chalicelib.shop.orders.payments.port import Charged
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.settlement import record_outcome, settle
from tests.support.shop import CUSTOMER, HOLD_FOR, OTHER_CUSTOMER, PAY_WITHIN, Shop

LIMIT = 4
MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def limited(memory_shop: Shop) -> tuple[UUID, UUID, UUID]:
    """A concert with a limit, and its two ticket types."""
    concert_id = memory_shop.draft(max_per_customer=LIMIT)
    standing, seated = memory_shop.ticket_type(concert_id), memory_shop.ticket_type(concert_id, name="Seated")
    memory_shop.publish(concert_id)
    return concert_id, standing, seated


def taken(shop: Shop, concert_id: UUID, actor: Actor = CUSTOMER) -> int:
    allowance, _ = shop.other_container().load(ALLOWANCE, allowance_id(concert_id, actor.id))
    return allowance.at(shop.clock()).taken


def refusal(shop: Shop, ticket_type_id: UUID, quantity: int = 1) -> dict[str, int]:
    cart_id = shop.cart()
    with pytest.raises(CustomerLimitExceeded) as refused:
        shop.add(cart_id, ticket_type_id, quantity)
    return dict(refused.value.facts)


def test_it_counts_all_ticket_types_and_all_carts_of_one_customer(
    memory_shop: Shop, limited: tuple[UUID, UUID, UUID]
) -> None:
    concert_id, standing, seated = limited
    memory_shop.add(memory_shop.cart(), standing, 3)
    assert refusal(memory_shop, seated, 2) == {"limit": LIMIT, "taken": 3}
    memory_shop.add(memory_shop.cart(), seated)
    assert refusal(memory_shop, standing) == {"limit": LIMIT, "taken": 4}
    assert taken(memory_shop, concert_id) == LIMIT


def test_every_customer_has_an_allowance_of_their_own(memory_shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    _, standing, _ = limited
    memory_shop.add(memory_shop.cart(), standing, LIMIT)
    memory_shop.add(memory_shop.cart(OTHER_CUSTOMER), standing, LIMIT, memory_shop.request(OTHER_CUSTOMER))


def test_what_is_given_back_may_be_taken_again(memory_shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    _, standing, seated = limited
    cart_id = memory_shop.cart()
    item = memory_shop.add(cart_id, standing, LIMIT)
    memory_shop.remove(cart_id, item.item_id)
    memory_shop.add(cart_id, seated, LIMIT)


def test_a_hold_that_has_ended_counts_no_more(memory_shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    _, standing, _ = limited
    memory_shop.add(memory_shop.cart(), standing, LIMIT)
    memory_shop.clock.advance(HOLD_FOR - MOMENT)
    assert refusal(memory_shop, standing)["taken"] == LIMIT
    memory_shop.clock.advance(MOMENT)
    memory_shop.add(memory_shop.cart(), standing, LIMIT)


def test_an_extended_hold_counts_as_long_as_it_lasts(memory_shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    _, standing, _ = limited
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, standing, LIMIT)
    memory_shop.clock.advance(HOLD_FOR / 2)
    extend_holds(memory_shop.repository, memory_shop.request(CUSTOMER), cart_id, HOLD_FOR)
    memory_shop.clock.advance(HOLD_FOR - MOMENT)
    assert refusal(memory_shop, standing)["taken"] == LIMIT
    memory_shop.clock.advance(MOMENT)
    memory_shop.add(memory_shop.cart(), standing, LIMIT)


def test_an_order_counts_until_it_expires_and_for_good_once_it_is_paid(
    memory_shop: Shop, limited: tuple[UUID, UUID, UUID]
) -> None:
    concert_id, standing, _ = limited
    unpaid, paid = memory_shop.cart(), memory_shop.cart()
    memory_shop.add(unpaid, standing, 3)
    memory_shop.add(paid, standing)
    unpaid_order = memory_shop.check_out(unpaid).order_id
    memory_shop.pay(memory_shop.check_out(paid).order_id)
    now = memory_shop.clock.advance(PAY_WITHIN)
    assert taken(memory_shop, concert_id) == LIMIT
    settle(memory_shop.context(), unpaid_order, now)
    assert taken(memory_shop, concert_id) == 1
    memory_shop.clock.advance(timedelta(days=7))
    assert refusal(memory_shop, standing, LIMIT) == {"limit": LIMIT, "taken": 1}


def test_a_late_payment_is_returned_if_the_customer_has_used_the_allowance_since(
    memory_shop: Shop, limited: tuple[UUID, UUID, UUID]
) -> None:
    _, standing, _ = limited
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, standing, LIMIT)
    order_id = memory_shop.check_out(cart_id).order_id
    payment_id = memory_shop.pay(order_id, "tok_delayed").payment_id
    memory_shop.clock.advance(PAY_WITHIN + PAYMENT_GRACE)
    memory_shop.add(memory_shop.cart(), standing, LIMIT)
    total = memory_shop.order_state(order_id).total
    record_outcome(memory_shop.context(), order_id, payment_id, Charged("late", total))
    order = memory_shop.order_state(order_id)
    assert (order.status, order.tickets) == (OrderStatus.EXPIRED, ())
    assert order.refunds_under_way
    assert memory_shop.pool(standing).sold == 0


def test_of_many_requests_at_once_no_more_than_the_limit_succeed(
    memory_shop: Shop, limited: tuple[UUID, UUID, UUID]
) -> None:
    concert_id, standing, seated = limited
    carts = [memory_shop.cart() for _ in range(12)]
    requests = [memory_shop.request(CUSTOMER) for _ in carts]
    containers = [memory_shop.other_container() for _ in carts]

    def take(number: int) -> bool:
        ticket_type_id = standing if number % 2 else seated
        try:
            memory_shop.add(carts[number], ticket_type_id, 1, requests[number], containers[number])
        except CustomerLimitExceeded:
            return False
        return True

    with ThreadPoolExecutor(max_workers=6) as threads:
        assert sum(threads.map(take, range(len(carts)))) == LIMIT
    assert taken(memory_shop, concert_id) == LIMIT


def test_a_hold_that_has_ended_by_another_containers_clock_cannot_be_checked_out(
    memory_shop: Shop, limited: tuple[UUID, UUID, UUID]
) -> None:
    _, standing, _ = limited
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, standing, LIMIT)
    memory_shop.clock.advance(HOLD_FOR)
    memory_shop.add(memory_shop.cart(), standing, LIMIT)
    memory_shop.clock.advance(-2 * MOMENT)
    with pytest.raises((LinesExpired, CustomerLimitExceeded)):
        memory_shop.check_out(cart_id)


def test_it_costs_one_log_item_more_for_each_step(memory_shop: Shop, limited: tuple[UUID, UUID, UUID]) -> None:
    _, standing, _ = limited
    before = memory_shop.store.usage.items_written
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, standing, LIMIT)
    memory_shop.pay(memory_shop.check_out(cart_id).order_id)
    assert memory_shop.store.usage.items_written - before == 10 + 3


def test_without_a_limit_nothing_is_counted_and_nothing_is_read(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    reads = memory_shop.store.usage.reads
    memory_shop.add(cart_id, ticket_type_id, 10)
    assert memory_shop.store.usage.reads == reads
    assert memory_shop.store.read(allowance_id(concert_id, CUSTOMER.id)) == []
