"""Payments that come late, twice or wrong, and concerts that are cancelled, over HTTP and the whole pipeline."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import httpx
import pytest

from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.shop.orders.payments.signatures import sign
from tests.journeys.shop import Shop, clock_of_the_shop, made, order_of, pay, publish_concert, refused

WEBHOOK = "/webhooks/payments/sandbox"


def later(by: timedelta) -> AbstractContextManager[None]:
    """The shop's clock is ahead."""
    return clock_of_the_shop(lambda: utc_now() + by)


def order_at(
    shop: Shop, customer: httpx.Client, order_id: str, until: Callable[[JsonObject], bool] = lambda _: True
) -> JsonObject:
    """The order when everything has settled; `until` is what the processes are expected to make of it."""

    def read() -> JsonObject:
        return made(customer.get(f"/orders/{order_id}"))

    shop.settle(lambda: until(read()))
    return read()


def is_confirmed(order: JsonObject) -> bool:
    return bool(order["status"] == "confirmed")


def has_given_the_money_back(order: JsonObject) -> bool:
    return [payment["status"] for payment in order["payments"]] == ["refunded"]


def available(shop: Shop, concert_id: str) -> int:
    shop.settle()
    answer = made(shop.visitor().get(f"/concerts/{concert_id}/availability"))
    count: int = answer["ticket_types"][0]["available"]
    return count


def test_a_payment_whose_reply_was_lost_is_confirmed_by_the_providers_notification(shop: Shop) -> None:
    customer = shop.customer()
    order_id = order_of(customer, publish_concert(shop.organiser()).ticket_type_id, 2)
    refused(pay(customer, order_id, "tok_lost_reply"), 503, "unavailable")
    order = order_at(shop, customer, order_id, is_confirmed)
    assert (order["status"], len(order["tickets"])) == ("confirmed", 2)
    assert {ticket["status"] for ticket in order["tickets"]} == {"valid"}


def test_a_payment_notified_twice_confirms_once(shop: Shop) -> None:
    customer = shop.customer()
    order_id = order_of(customer, publish_concert(shop.organiser()).ticket_type_id, 2)
    made(pay(customer, order_id, "tok_notified_twice"))
    order = order_at(shop, customer, order_id, is_confirmed)
    assert (order["status"], order["version"]) == ("confirmed", 2)


@pytest.mark.needs_the_stack
def test_a_delayed_payment_is_under_way_and_then_confirmed_by_the_watchdog(shop: Shop) -> None:
    customer = shop.customer()
    order_id = order_of(customer, publish_concert(shop.organiser()).ticket_type_id, 2)
    answer = made(pay(customer, order_id, "tok_delayed"))
    assert (answer["status"], answer["order_status"]) == ("started", "awaiting_payment")
    refused(pay(customer, order_id), 409, "payment_in_progress")
    shop.settle()
    with later(timedelta(minutes=2)):
        shop.pump.tick()
        assert order_at(shop, customer, order_id)["status"] == "confirmed"


def test_another_amount_never_confirms(shop: Shop) -> None:
    customer = shop.customer()
    order_id = order_of(customer, publish_concert(shop.organiser()).ticket_type_id, 2)
    refused(pay(customer, order_id, "tok_wrong_amount"), 409, "payment_returned")
    order = order_at(shop, customer, order_id, has_given_the_money_back)
    assert (order["status"], [payment["status"] for payment in order["payments"]]) == ("awaiting_payment", ["refunded"])


@pytest.mark.needs_the_stack
def test_an_unpaid_order_expires_and_its_tickets_are_for_sale_again(shop: Shop) -> None:
    customer = shop.customer()
    concert = publish_concert(shop.organiser())
    order_id = order_of(customer, concert.ticket_type_id, 2)
    assert available(shop, concert.concert_id) == 18
    with later(timedelta(minutes=16)):
        shop.pump.tick()
        order = order_at(shop, customer, order_id)
        refused(pay(customer, order_id), 410, "order_expired")
        assert (order["status"], order["version"]) == ("expired", 1)
        assert available(shop, concert.concert_id) == 20


@pytest.mark.needs_the_stack
def test_a_late_payment_gets_its_tickets_or_its_money_back(shop: Shop) -> None:
    concert = publish_concert(shop.organiser(), {"quantity": 3})
    first, second = shop.customer(), shop.customer()
    orders = {first: order_of(first, concert.ticket_type_id, 2), second: order_of(second, concert.ticket_type_id, 1)}
    for customer, order_id in orders.items():
        refused(pay(customer, order_id, "tok_lost_reply"), 503, "unavailable")
    rival = shop.customer()
    with later(timedelta(minutes=20)):
        made(pay(rival, order_of(rival, concert.ticket_type_id, 2)))
        shop.settle()
        shop.pump.tick()
        endings = sorted(order_at(shop, customer, order_id)["status"] for customer, order_id in orders.items())
        assert endings == ["confirmed", "expired"]
        refunded = order_at(shop, first, orders[first])
        assert [payment["status"] for payment in refunded["payments"]] == ["refunded"]
        assert available(shop, concert.concert_id) == 0


@pytest.mark.needs_the_stack
def test_a_webhook_needs_the_providers_signature(shop: Shop) -> None:
    body = b'{"order_id": "6e2f4d3c-0000-4000-8000-000000000000", "payment_id": "6e2f4d3c-0000-4000-8000-000000000001"}'
    secret = shop.stack.environment["SANDBOX_SECRET"]
    visitor, kind = shop.visitor(), {"Content-Type": "application/json"}

    def sent(signature: str) -> httpx.Response:
        return visitor.post(WEBHOOK, content=body, headers=kind | {"Payment-Signature": signature})

    refused(visitor.post(WEBHOOK, content=body, headers=kind), 400, "bad_signature")
    refused(sent(sign("another secret", body, utc_now())), 400, "bad_signature")
    refused(sent(sign(secret, body + b" ", utc_now())), 400, "bad_signature")
    refused(sent(sign(secret, body, utc_now() - timedelta(minutes=6))), 400, "bad_signature")
    refused(visitor.post("/webhooks/payments/nobody", content=body, headers=kind), 404, "not_found")


@pytest.mark.needs_the_stack
def test_a_signed_webhook_is_taken_and_what_it_says_is_asked_of_the_provider(shop: Shop) -> None:
    """A notification is a hint: whoever could sign one could not confirm an order with it."""
    customer = shop.customer()
    order_id = order_of(customer, publish_concert(shop.organiser()).ticket_type_id, 2)
    payment_id = made(pay(customer, order_id, "tok_delayed"))["payment_id"]
    body = f'{{"order_id": "{order_id}", "payment_id": "{payment_id}"}}'.encode()
    signature = sign(shop.stack.environment["SANDBOX_SECRET"], body, utc_now())
    headers = {"Content-Type": "application/json", "Payment-Signature": signature}
    assert shop.visitor().post(WEBHOOK, content=body, headers=headers).status_code == 202
    assert order_at(shop, customer, order_id)["status"] == "awaiting_payment"


@pytest.mark.needs_the_stack
@pytest.mark.parametrize("body", [b"[]", b"nonsense", b"{}", b'{"order_id": 1, "payment_id": 2}', b"\xff"])
def test_a_signed_body_that_makes_no_sense_is_refused(shop: Shop, body: bytes) -> None:
    signature = sign(shop.stack.environment["SANDBOX_SECRET"], body, utc_now())
    headers = {"Content-Type": "application/json", "Payment-Signature": signature}
    refused(shop.visitor().post(WEBHOOK, content=body, headers=headers), 422, "invalid_input")


def test_a_card_that_wants_authentication_is_paid_once_the_bank_says_so(shop: Shop) -> None:
    customer = shop.customer()
    order_id = order_of(customer, publish_concert(shop.organiser()).ticket_type_id, 2)
    answer = pay(customer, order_id, "tok_3ds")
    assert (answer.status_code, answer.json()["status"]) == (202, "requires_action")
    secret = answer.json()["next_action"]["client_secret"]
    bank = f"/sandbox/payments/{answer.json()['payment_id']}/authentication"
    assert shop.visitor().post(bank, json={"client_secret": secret, "succeeds": True}).status_code == 202
    assert order_at(shop, customer, order_id, is_confirmed)["status"] == "confirmed"
