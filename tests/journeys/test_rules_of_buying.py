"""What docs/buying.md promises about deadlines, two tabs and double clicks, over HTTP."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import httpx
import pytest

from chalicelib import composition
from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from chalicelib.shop.orders.order import ORDER, Order
from tests.journeys.shop import (
    BUYER,
    Json,
    Published,
    Shop,
    clock_of_the_shop,
    made,
    order_of,
    pay,
    publish_concert,
    race,
    refused,
)
from tests.support.ledger import movements
from tests.support.shop import Clock

MILLISECOND = timedelta(milliseconds=1)
CARD: Json = {"provider": "sandbox", "token": "tok_visa"}
AT_ONCE = 8


@pytest.fixture
def shop_clock(shop: Shop) -> Iterator[Clock]:
    """The shop's, which stands still."""
    assert shop.stack
    standing = Clock(utc_now().replace(microsecond=0))
    with clock_of_the_shop(standing):
        yield standing


def hold(customer: httpx.Client, concert: Published, quantity: int) -> tuple[str, datetime]:
    """A cart with one line, and the line's deadline."""
    cart_id: str = made(customer.post("/carts"))["id"]
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": quantity}
    line = made(customer.post(f"/carts/{cart_id}/items", json=body))
    return cart_id, datetime.fromisoformat(line["hold_expires_at"])


def order_in_log(order_id: str) -> Order:
    return composition.current().repository.load(ORDER, UUID(order_id))[0]


def money_of(order_id: str) -> list[Decimal]:
    here = composition.current()
    return movements(here.dynamodb, here.settings.sandbox_table, order_id)


def events_of(shop: Shop, stream_id: str) -> Counter[str]:
    """How many there are of each, by the last part of their names."""
    items: list[Json] = made(shop.as_role("operator").get(f"/streams/{stream_id}/events"))["items"]
    return Counter(item["event_type"].rsplit(".", 1)[-1].removesuffix("Event") for item in items)


def later_step(customer: httpx.Client, cart_id: str, step: str) -> httpx.Response:
    return customer.post(f"/carts/{cart_id}/{step}", json=BUYER if step == "checkout" else None)


@pytest.mark.needs_the_stack
@pytest.mark.parametrize("step", ["checkout", "hold-extensions"])
def test_until_just_before_its_deadline_a_hold_is_its_customers_and_nobody_elses(
    shop: Shop, shop_clock: Clock, step: str
) -> None:
    concert = publish_concert(shop.organiser(), {"quantity": 2})
    customer, rival = shop.customer(), shop.customer()
    cart_id, expires_at = hold(customer, concert, 2)
    shop_clock.now = expires_at - MILLISECOND
    rivals_cart = made(rival.post("/carts"))["id"]
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}
    assert refused(rival.post(f"/carts/{rivals_cart}/items", json=body), 409, "sold_out")["available"] == 0
    made(later_step(customer, cart_id, step))


@pytest.mark.needs_the_stack
@pytest.mark.parametrize("step", ["checkout", "hold-extensions"])
@pytest.mark.parametrize("rival_is_first", [False, True], ids=["before a rival", "after a rival"])
def test_at_its_deadline_a_hold_has_ended_and_its_tickets_are_for_sale(
    shop: Shop, shop_clock: Clock, step: str, rival_is_first: bool
) -> None:
    """No sweep has run, and no event says that the hold ended."""
    concert = publish_concert(shop.organiser(), {"quantity": 2})
    customer, rival = shop.customer(), shop.customer()
    cart_id, expires_at = hold(customer, concert, 2)
    shop_clock.now = expires_at
    if rival_is_first:
        hold(rival, concert, 2)
    assert len(refused(later_step(customer, cart_id, step), 410, "hold_expired")["items"]) == 1
    if not rival_is_first:
        hold(rival, concert, 2)


@pytest.mark.needs_the_stack
def test_an_order_can_be_paid_until_just_before_it_is_due(shop: Shop, shop_clock: Clock) -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    in_time, too_late = (order_of(customer, concert.ticket_type_id, 1) for _ in range(2))
    due_at = order_in_log(in_time).payment_due_at
    assert due_at is not None
    shop_clock.now = due_at - MILLISECOND
    assert made(pay(customer, in_time))["order_status"] == "confirmed"
    shop_clock.now = due_at
    refused(pay(customer, too_late), 410, "order_expired")
    assert (len(money_of(in_time)), money_of(too_late)) == (1, [])


@pytest.mark.needs_the_stack
def test_a_payment_begun_just_before_the_deadline_is_waited_for(shop: Shop, shop_clock: Clock) -> None:
    concert = publish_concert(shop.organiser(), {"quantity": 1})
    customer = shop.customer()
    order_id = order_of(customer, concert.ticket_type_id, 1)
    due_at = order_in_log(order_id).payment_due_at
    assert due_at is not None
    shop_clock.now = due_at - MILLISECOND
    assert made(pay(customer, order_id, "tok_delayed"))["status"] == "started"
    shop_clock.advance(timedelta(minutes=1, seconds=30))
    refused(pay(customer, order_id), 409, "payment_in_progress")
    shop.settle()
    shop.pump.tick()
    shop.settle()
    assert made(customer.get(f"/orders/{order_id}"))["status"] == "confirmed"


@pytest.mark.needs_the_stack
def test_a_double_click_on_pay_is_one_payment_with_one_answer(shop: Shop) -> None:
    customer = shop.customer()
    order_id = order_of(customer, publish_concert(shop.organiser()).ticket_type_id, 1)
    path, headers = f"/orders/{order_id}/payments", {"Idempotency-Key": str(uuid4())}
    answers = race([lambda: customer.post(path, json=CARD, headers=headers)] * AT_ONCE)
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    assert money_of(order_id) == [Decimal("25.00")]
    assert events_of(shop, order_id) == {"OrderPlaced": 1, "PaymentStarted": 1, "OrderConfirmed": 1}


@pytest.mark.needs_the_stack
def test_of_payments_under_many_keys_at_once_one_is_made_and_the_others_are_refused(shop: Shop) -> None:
    customer = shop.customer()
    order_id = order_of(customer, publish_concert(shop.organiser()).ticket_type_id, 1)
    answers = race([lambda: pay(customer, order_id)] * AT_ONCE)
    refusals = [answer for answer in answers if answer.status_code != 201]
    assert len(refusals) == AT_ONCE - 1
    codes = {(answer.status_code, answer.json()["code"]) for answer in refusals}
    assert codes <= {(409, "payment_in_progress"), (409, "already_paid"), (429, "too_many_declines")}
    assert money_of(order_id) == [Decimal("25.00")]
    assert events_of(shop, order_id) == {"OrderPlaced": 1, "PaymentStarted": 1, "OrderConfirmed": 1}
    refused(pay(customer, order_id), 409, "already_paid")


@pytest.mark.needs_the_stack
def test_two_tabs_on_one_cart_make_one_order_of_what_was_in_it_then(shop: Shop) -> None:
    """One tab adds, one removes, both check out, all at once: whatever the order, the cart's events decide it."""
    concert = publish_concert(shop.organiser(), {"quantity": 50})
    customer = shop.customer()
    cart_id: str = made(customer.post("/carts"))["id"]
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}
    kept, *removed = (made(customer.post(f"/carts/{cart_id}/items", json=body))["item_id"] for _ in range(3))

    def remove(item_id: str) -> Callable[[], httpx.Response]:
        return lambda: customer.delete(f"/carts/{cart_id}/items/{item_id}")

    checkouts = [lambda: customer.post(f"/carts/{cart_id}/checkout", json=BUYER)] * 2
    additions = [lambda: customer.post(f"/carts/{cart_id}/items", json=body)] * 3
    answers = race([*additions, *map(remove, removed), *checkouts])
    added, gone, placed = answers[:3], answers[3:5], answers[5:]

    assert Counter(answer.status_code for answer in placed) == {201: 1, 409: 1}
    [order_id] = [answer.json()["order_id"] for answer in placed if answer.status_code == 201]
    for answer in answers:
        if not answer.is_success:
            assert refused(answer, 409, "cart_checked_out")["order_id"] == order_id

    accepted = {answer.json()["item_id"] for answer in added if answer.is_success}
    given_back = {item_id for item_id, answer in zip(removed, gone, strict=True) if answer.is_success}
    lines = {str(line.hold_id) for line in order_in_log(order_id).lines}
    assert lines == ({kept, *removed} | accepted) - given_back
    pool = composition.current().repository.load(TICKET_POOL, pool_id(UUID(concert.ticket_type_id), 0))[0]
    assert {str(key): str(found.order_id) for key, found in pool.holds.items()} == dict.fromkeys(lines, order_id)


def test_a_cart_that_is_checked_out_is_changed_no_more_and_names_its_order(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    cart_id, _ = hold(customer, concert, 1)
    [item] = made(customer.get(f"/carts/{cart_id}", headers={"Min-Version": f"{cart_id}:1"}))["items"]
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}
    late = [
        customer.post(f"/carts/{cart_id}/items", json=body),
        customer.delete(f"/carts/{cart_id}/items/{item['id']}"),
        customer.post(f"/carts/{cart_id}/hold-extensions"),
        customer.post(f"/carts/{cart_id}/checkout", json=BUYER),
    ]
    for answer in late:
        assert refused(answer, 409, "cart_checked_out")["order_id"] == order_id


@pytest.mark.needs_the_stack
def test_four_left_over_four_pools_are_sold_together_and_three_are_not_four(shop: Shop) -> None:
    concert = publish_concert(shop.organiser(), {"quantity": 4 * TICKETS_PER_POOL})
    leave_in_each_pool(concert, 1)
    customer = shop.customer()
    hold(shop.customer(), concert, 1)
    cart_id: str = made(customer.post("/carts"))["id"]
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": 4}
    assert refused(customer.post(f"/carts/{cart_id}/items", json=body), 409, "sold_out")["available"] == 3
    other = publish_concert(shop.organiser(), {"quantity": 4 * TICKETS_PER_POOL})
    leave_in_each_pool(other, 1)
    spanning, _ = hold(customer, other, 4)
    order_id = made(customer.post(f"/carts/{spanning}/checkout", json=BUYER))["order_id"]
    assert made(pay(customer, order_id))["order_status"] == "confirmed"
    [line] = order_in_log(order_id).lines
    assert sorted(share.quantity for share in line.shares) == [1, 1, 1, 1]


def leave_in_each_pool(concert: Published, quantity: int) -> None:
    """Somebody holds the rest of every pool; no cart is large enough for that."""
    repository = composition.current().repository
    for index in range(4):
        key = pool_id(UUID(concert.ticket_type_id), index)

        def command(session: Session, key: UUID = key) -> None:
            pool = session.load(TICKET_POOL, key)
            deadline = session.now + timedelta(minutes=15)
            session.append(TICKET_POOL, key, *pool.hold(uuid4(), uuid4(), pool.free - quantity, session.now, deadline))

        repository.execute(command, Origin("a crowd", "correlation", "cause"))
