"""What Stripe does to the money of a payment, in the shapes of its API and its webhooks, reaches the order."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.money import Money
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.orders.payments.port import Attempt, News, Notification, RefundState
from chalicelib.shop.orders.payments.webhooks import receive
from chalicelib.shop.orders.rules import OrderStatus
from tests.contract.conftest import STRIPE_SECRET
from tests.support.machinery import Machinery, machinery
from tests.support.shop import ORGANISER
from tests.support.stripe_server import FakeStripe, refusal

pytest.importorskip("stripe")

from chalicelib.shop.orders.payments.stripe import SIGNATURE_HEADER, StripeGateway

SECRET = STRIPE_SECRET
PRICE = Money.of("25.00", "EUR")


class Sale:
    """A paid order of one ticket, and what Stripe says of it."""

    def __init__(self, fake: FakeStripe, gateway: StripeGateway) -> None:
        self.fake, self.gateway = fake, gateway
        self.running: Machinery = machinery()
        self.running.shop.gateway = gateway  # type: ignore[assignment]
        self.concert_id, ticket_type_id = self.running.shop.on_sale()
        cart_id = self.running.shop.cart()
        self.running.shop.add(cart_id, ticket_type_id)
        self.order_id: UUID = self.running.shop.check_out(cart_id).order_id
        self.running.shop.pay(self.order_id, "pm_card_visa")
        self.running.run()

    def hears(self, kind: str, subject: dict[str, Any], times: int = 2) -> None:
        body = json.dumps({"id": "evt", "object": "event", "type": kind, "data": {"object": subject}}).encode()
        for _ in range(times):
            receive(self.gateway, self.running.queue, body, signed(body))
        self.running.run()

    def cancel(self) -> None:
        shop = self.running.shop
        concerts.cancel_concert(shop.repository, shop.request(ORGANISER), self.concert_id)
        self.running.run()

    def status(self) -> OrderStatus | None:
        return self.running.shop.order_state(self.order_id).status


@pytest.fixture
def stripe_sale(served: tuple[FakeStripe, StripeGateway]) -> Sale:
    return Sale(*served)


def signed(body: bytes) -> dict[str, str]:
    timestamp = int(time.time())
    digest = hmac.new(SECRET.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {SIGNATURE_HEADER: f"t={timestamp},v1={digest}"}


def test_a_refund_in_the_dashboard_refunds_the_order(stripe_sale: Sale) -> None:
    stripe_sale.fake.add_refund("pi_1", 2500, {})
    charge = {"id": "ch_pi_1", "object": "charge", "payment_intent": "pi_1"}
    stripe_sale.hears("charge.refunded", charge | {"metadata": stripe_sale.fake.intents["pi_1"]["metadata"]})
    assert stripe_sale.status() is OrderStatus.REFUNDED


def test_a_refund_in_the_dashboard_leaves_the_rest_for_us(stripe_sale: Sale) -> None:
    for amount in (400, 300, 300):
        stripe_sale.hears("refund.created", stripe_sale.fake.add_refund("pi_1", amount, {}))
    assert stripe_sale.status() is OrderStatus.CONFIRMED
    stripe_sale.cancel()
    assert [refund["amount"] for refund in stripe_sale.fake.refunds.values()] == [400, 300, 300, 1500]
    assert stripe_sale.status() is OrderStatus.REFUNDED


@pytest.mark.parametrize("status", ["failed", "canceled"])
@pytest.mark.parametrize("at_first", ["failed", "pending", "succeeded"])
def test_a_refund_that_fails_at_any_time_is_made_again_under_another_key(
    stripe_sale: Sale, at_first: str, status: str
) -> None:
    stripe_sale.fake.refund_status = at_first
    stripe_sale.cancel()
    stripe_sale.fake.refunds["re_1"] |= {"status": status, "failure_reason": "expired_or_canceled_card"}
    stripe_sale.hears("refund.failed", stripe_sale.fake.refunds["re_1"])
    assert stripe_sale.status() is OrderStatus.REFUND_FAILED
    stripe_sale.fake.refund_status = "succeeded"
    stripe_sale.running.shop.clock.advance(timedelta(minutes=10))
    stripe_sale.running.run_until_quiet()
    assert stripe_sale.status() is OrderStatus.REFUNDED
    assert [refund["status"] for refund in stripe_sale.fake.refunds.values()][-1] == "succeeded"
    assert len(stripe_sale.fake.refunds) == 2


def test_a_refund_that_stripe_refuses_is_a_failure_with_a_reason(stripe_sale: Sale) -> None:
    stripe_sale.fake.refuses_refunds = refusal("insufficient_funds")
    stripe_sale.cancel()
    order = stripe_sale.running.shop.order_state(stripe_sale.order_id)
    [failures] = order.failures.values()
    assert (order.status, failures.references) == (OrderStatus.REFUND_FAILED, ("",))
    assert failures.reason == "Stripe refuses the refund: insufficient_funds."


@pytest.mark.parametrize(("closed_as", "ending"), [("won", OrderStatus.CONFIRMED), ("lost", OrderStatus.CHARGED_BACK)])
def test_a_dispute_names_only_the_intent_and_still_reaches_the_order(
    stripe_sale: Sale, closed_as: str, ending: OrderStatus
) -> None:
    dispute = stripe_sale.fake.add_dispute("pi_1")
    for kind in ("created", "funds_withdrawn"):
        stripe_sale.hears(f"charge.dispute.{kind}", dispute)
        assert stripe_sale.status() is OrderStatus.DISPUTED
    dispute["status"] = closed_as
    stripe_sale.hears("charge.dispute.closed", dispute)
    assert stripe_sale.status() is ending


def test_a_refund_of_a_known_payment_costs_one_look_and_one_refund_and_no_search(stripe_sale: Sale) -> None:
    stripe_sale.fake.requests.clear()
    stripe_sale.cancel()
    assert stripe_sale.fake.requests == ["GET /v1/payment_intents/pi_1", "POST /v1/refunds"]


def test_a_payment_with_more_refunds_than_a_page_has_is_read_whole(served: tuple[FakeStripe, StripeGateway]) -> None:
    fake, gateway = served
    this = Attempt(uuid4(), uuid4(), PRICE)
    gateway.charge(this, "pm_card_visa")
    for _ in range(5):
        fake.add_refund("pi_1", 100, {})
    found = gateway.find_reversals(this)
    assert [one.state for one in found.refunds] == [RefundState.SUCCEEDED] * 5
    assert found.left_of(PRICE) == Money.of("20.00", "EUR")


def test_a_refund_of_ours_names_its_payment_and_what_is_not_ours_is_left_alone(
    served: tuple[FakeStripe, StripeGateway],
) -> None:
    fake, gateway = served
    order_id, payment_id = uuid4(), uuid4()
    ours = {"object": "refund", "metadata": {"order_id": str(order_id), "payment_id": str(payment_id)}}
    assert notified(gateway, ours) == Notification(order_id, payment_id, News.REVERSAL)
    for payment_intent in (None, "pi_1/../../x", 7):
        assert notified(gateway, {"object": "dispute", "payment_intent": payment_intent, "metadata": {}}) is None
    assert fake.requests == []


def notified(gateway: StripeGateway, subject: dict[str, Any]) -> Notification | None:
    body = json.dumps({"id": "evt", "object": "event", "type": "refund.updated", "data": {"object": subject}}).encode()
    return gateway.read_notification(body, signed(body))
