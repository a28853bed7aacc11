"""Cards that want their customer to authenticate, against a server that speaks the shapes of Stripe's API."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import PaymentRefused
from chalicelib.shop.orders.commands import PaidOrder
from chalicelib.shop.orders.order import PaymentInProgress
from chalicelib.shop.orders.order_facts import REQUEST_TIME
from chalicelib.shop.orders.payments.next_action import NextAction
from chalicelib.shop.orders.payments.webhooks import receive
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from tests.support.machinery import Machinery, machinery
from tests.support.shop import CUSTOMER, PAY_WITHIN
from tests.support.stripe_server import BANK, WANTS_AUTHENTICATION, FakeStripe, running_stripe

pytest.importorskip("stripe")

from chalicelib.shop.orders.payments.stripe import SIGNATURE_HEADER, StripeGateway, connect

SECRET = "whsec_test"
RETURN_URL = "https://tickets.example/paid"
AMOUNT = 2500


@dataclass
class Purchase:
    """One order of one ticket, whose card wants authentication."""

    running: Machinery
    fake: FakeStripe
    gateway: StripeGateway
    order_id: UUID
    caller: Caller
    payments: list[UUID] = field(default_factory=list)

    def pay(self, token: str = WANTS_AUTHENTICATION, caller: Caller | None = None) -> PaidOrder:
        """By a container that knows nothing."""
        shop = self.running.shop
        paid = shop.pay(self.order_id, token, caller or self.caller, shop.other_container())
        self.payments.append(paid.payment_id)
        return paid

    def hear(self, kind: str, intent: str = "pi_1") -> None:
        """Stripe calls our webhook, and the worker does what follows."""
        subject = {name: self.fake.intents[intent][name] for name in ("id", "object", "metadata")}
        news = {"id": "evt_1", "object": "event", "type": f"payment_intent.{kind}", "data": {"object": subject}}
        body, now = json.dumps(news).encode(), int(time.time())
        digest = hmac.new(SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        receive(self.gateway, self.running.queue, body, {SIGNATURE_HEADER: f"t={now},v1={digest}"})
        self.running.run()

    def advance(self, by: timedelta) -> None:
        self.running.shop.clock.advance(by)

    @property
    def ending(self) -> tuple[OrderStatus | None, list[PaymentStatus], int]:
        """What became of the order and its payments, and what Stripe has taken and kept."""
        order = self.running.shop.order_state(self.order_id)
        taken = sum(intent["amount_received"] for intent in self.fake.intents.values())
        returned = sum(refund["amount"] for refund in self.fake.refunds.values())
        return order.status, [payment.status for payment in order.payments.values()], taken - returned


PAID = (OrderStatus.CONFIRMED, [PaymentStatus.SUCCEEDED], AMOUNT)
WAITING = (OrderStatus.AWAITING_PAYMENT, [PaymentStatus.STARTED], 0)
FAILED = (OrderStatus.AWAITING_PAYMENT, [PaymentStatus.FAILED], 0)
GONE = (OrderStatus.EXPIRED, [PaymentStatus.FAILED], 0)


@pytest.fixture
def purchase() -> Iterator[Purchase]:
    with running_stripe() as (fake, address):
        gateway, running = StripeGateway(connect("sk_test_123", address), SECRET, RETURN_URL), machinery()
        shop = running.shop
        shop.gateway = gateway  # type: ignore[assignment]
        _, ticket_type_id = shop.on_sale()
        cart_id = shop.cart()
        shop.add(cart_id, ticket_type_id)
        order_id = shop.check_out(cart_id).order_id
        yield Purchase(running, fake, gateway, order_id, shop.request(CUSTOMER, "key"))


def test_the_customer_is_sent_to_the_bank_and_the_secret_is_in_no_event(purchase: Purchase) -> None:
    paid = purchase.pay()
    assert paid.next_action == NextAction("pi_1_secret_1", f"{BANK}pi_1")
    assert (purchase.ending, paid.status) == (WAITING, PaymentStatus.STARTED)
    log = purchase.running.store
    stored = [event.data for stream_id in log.stream_ids() for event in log.read(stream_id)]
    assert not [data for data in stored if "secret" in data or BANK in data]
    assert "secret" not in repr(paid.next_action)


def test_without_an_address_to_return_to_the_browsers_library_asks(purchase: Purchase) -> None:
    purchase.gateway._return_url = ""  # noqa: SLF001 - otherwise the whole fixture again
    assert purchase.pay().next_action == NextAction("pi_1_secret_1")


def test_a_card_that_wants_no_authentication_is_paid_in_the_request(purchase: Purchase) -> None:
    assert purchase.pay("pm_card_visa").next_action is None
    assert purchase.ending == PAID
    assert purchase.fake.requests == ["POST /v1/payment_intents", "POST /v1/payment_intents/pi_1/confirm"]


def test_a_repeated_request_is_told_the_same_and_asks_for_no_second_payment(purchase: Purchase) -> None:
    assert purchase.pay() == purchase.pay()
    assert len(purchase.fake.intents) == 1


@pytest.mark.parametrize("times", [1, 2])
def test_an_authentication_that_succeeds_confirms_the_order_once(purchase: Purchase, times: int) -> None:
    purchase.pay()
    assert purchase.fake.authenticate("pi_1", succeeds=True)
    for _ in range(times):
        purchase.hear("succeeded")
    assert purchase.ending == PAID


def test_asking_again_learns_of_the_success_before_any_webhook(purchase: Purchase) -> None:
    purchase.pay()
    purchase.fake.authenticate("pi_1", succeeds=True)
    paid = purchase.pay()
    assert (paid.order_status, paid.next_action) == (OrderStatus.CONFIRMED, None)
    assert purchase.ending == PAID


def test_an_authentication_that_fails_ends_the_payment_with_its_reason_and_closes_it(purchase: Purchase) -> None:
    purchase.pay()
    purchase.fake.authenticate("pi_1", succeeds=False)
    purchase.hear("payment_failed")
    assert purchase.ending == FAILED
    assert purchase.fake.intents["pi_1"]["status"] == "canceled"
    with pytest.raises(PaymentRefused, match="unable to authenticate"):
        purchase.pay()
    purchase.pay("pm_card_visa", purchase.running.shop.request(CUSTOMER, "another card"))
    assert purchase.ending[0] is OrderStatus.CONFIRMED


def test_one_that_is_cancelled_at_the_provider_has_failed(purchase: Purchase) -> None:
    purchase.pay()
    purchase.fake.intents["pi_1"]["status"] = "canceled"
    purchase.hear("canceled")
    assert purchase.ending == FAILED


def test_an_abandoned_one_is_cancelled_at_the_deadline_and_cannot_be_finished_any_more(purchase: Purchase) -> None:
    purchase.pay()
    purchase.advance(PAY_WITHIN - timedelta(seconds=1))
    purchase.running.runner().retry_overdue(purchase.running.shop.clock())
    purchase.running.run()
    assert purchase.ending == WAITING
    purchase.running.run_until_quiet()
    assert purchase.ending == GONE
    assert not purchase.fake.authenticate("pi_1", succeeds=True)


def test_one_that_succeeds_after_the_deadline_and_before_it_was_cancelled_confirms(purchase: Purchase) -> None:
    purchase.pay()
    purchase.advance(PAY_WITHIN + REQUEST_TIME)
    assert purchase.fake.authenticate("pi_1", succeeds=True)
    purchase.running.run_until_quiet()
    assert purchase.ending == PAID


def test_another_card_takes_the_place_of_one_that_waits_for_its_customer(purchase: Purchase) -> None:
    purchase.pay()
    other = purchase.running.shop.request(CUSTOMER, "another card")
    purchase.pay("pm_card_visa", other)
    assert purchase.ending == (OrderStatus.CONFIRMED, [PaymentStatus.FAILED, PaymentStatus.SUCCEEDED], AMOUNT)
    assert not purchase.fake.authenticate("pi_1", succeeds=True)


def test_one_that_succeeded_meanwhile_keeps_its_place(purchase: Purchase) -> None:
    purchase.pay()
    purchase.fake.authenticate("pi_1", succeeds=True)
    with pytest.raises(PaymentInProgress):
        purchase.pay("pm_card_visa", purchase.running.shop.request(CUSTOMER, "another card"))
    purchase.hear("succeeded")
    assert purchase.ending == PAID
