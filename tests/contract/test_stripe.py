"""The Stripe adapter against a server that speaks the shapes of Stripe's API."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from chalicelib.composition import Composition
from chalicelib.platform.errors import BadSignature, InvalidInput, Unavailable
from chalicelib.platform.money import Money
from chalicelib.settings import NotConfigured, Settings
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.orders.payments.port import Attempt, Charged, Declined, Notification, PaymentPending, RefundOutcome
from chalicelib.shop.orders.refund import refund_id_of
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.settlement import cancel_order
from tests.support.machinery import machinery
from tests.support.shop import ORGANISER
from tests.support.stripe_server import FakeStripe, running_stripe

pytest.importorskip("stripe")

from chalicelib.shop.orders.payments.stripe import SIGNATURE_HEADER, StripeGateway, connect

SECRET = "whsec_test"
PRICE = Money.of("25.00", "EUR")


@pytest.fixture
def served() -> Iterator[tuple[FakeStripe, StripeGateway]]:
    with running_stripe() as (fake, address):
        yield fake, StripeGateway(connect("sk_test_123", address), SECRET)


@pytest.fixture
def fake(served: tuple[FakeStripe, StripeGateway]) -> FakeStripe:
    return served[0]


@pytest.fixture
def gateway(served: tuple[FakeStripe, StripeGateway]) -> StripeGateway:
    return served[1]


def attempt(amount: Money = PRICE) -> Attempt:
    return Attempt(uuid4(), uuid4(), amount)


def test_a_card_is_charged_with_the_amount_in_the_smallest_unit(fake: FakeStripe, gateway: StripeGateway) -> None:
    assert gateway.charge(attempt(), "pm_card_visa") == Charged("pi_1", PRICE)
    assert (fake.intents["pi_1"]["amount"], fake.intents["pi_1"]["currency"]) == (2500, "eur")


def test_a_currency_without_cents_has_none(fake: FakeStripe, gateway: StripeGateway) -> None:
    yen = Money.of("2500", "JPY")
    assert gateway.charge(attempt(yen), "pm_card_visa") == Charged("pi_1", yen)
    assert fake.intents["pi_1"]["amount"] == 2500


@pytest.mark.parametrize("behind", [False, True], ids=["search finds it", "search is behind"])
def test_charging_again_charges_nothing_more_and_gives_the_first_outcome(
    fake: FakeStripe, gateway: StripeGateway, behind: bool
) -> None:
    fake.search_is_behind = behind
    this = attempt()
    first = gateway.charge(this, "pm_card_visa")
    assert gateway.charge(this, "pm_card_visa") == first
    assert gateway.find_payment(this) == first
    assert len(fake.intents) == 1


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("pm_card_chargeDeclined", "Your card was declined."),
        ("pm_unknown", "This payment method cannot be used."),
    ],
)
def test_what_is_declined_is_closed_for_good(
    fake: FakeStripe, gateway: StripeGateway, method: str, reason: str
) -> None:
    this = attempt()
    assert gateway.charge(this, method) == Declined(reason)
    assert fake.intents["pi_1"]["status"] == "canceled"
    assert isinstance(gateway.find_payment(this), Declined)


def test_a_payment_that_is_being_processed_is_pending_and_cannot_be_cancelled_yet(
    fake: FakeStripe, gateway: StripeGateway
) -> None:
    this = attempt()
    assert gateway.charge(this, "pm_slow") == PaymentPending()
    assert gateway.find_payment(this) == PaymentPending()
    assert gateway.cancel(this) == PaymentPending()
    fake.intents["pi_1"] |= {"status": "succeeded", "amount_received": 2500}
    assert gateway.find_payment(this) == Charged("pi_1", PRICE)
    assert gateway.cancel(this) == Charged("pi_1", PRICE)


@pytest.mark.parametrize("behind", [False, True], ids=["search finds it", "search is behind"])
def test_a_payment_stripe_never_heard_of_can_be_cancelled_and_is_then_declined(
    fake: FakeStripe, gateway: StripeGateway, behind: bool
) -> None:
    fake.search_is_behind = behind
    this = attempt()
    assert gateway.find_payment(this) is None
    assert isinstance(gateway.cancel(this), Declined)
    assert isinstance(gateway.charge(this, "pm_card_visa"), Declined)
    assert [intent["amount_received"] for intent in fake.intents.values()] == [0]


def test_a_lost_reply_leaves_the_outcome_unknown_until_it_is_asked_for(
    fake: FakeStripe, gateway: StripeGateway
) -> None:
    this = attempt()
    fake.lose_reply_to = "/confirm"
    with pytest.raises(Unavailable):
        gateway.charge(this, "pm_card_visa")
    assert gateway.find_payment(this) == Charged("pi_1", PRICE)


def test_a_refund_is_made_once_and_found_by_our_id(fake: FakeStripe, gateway: StripeGateway) -> None:
    this = attempt()
    gateway.charge(this, "pm_card_visa")
    refund_id = refund_id_of(this.payment_id)
    assert gateway.find_refund(refund_id, this) is None
    for _ in range(2):
        assert gateway.refund(refund_id, this, PRICE) == RefundOutcome(completed=True)
    assert gateway.find_refund(refund_id, this) == RefundOutcome(completed=True)
    assert gateway.find_refund(uuid4(), this) is None
    assert [refund["amount"] for refund in fake.refunds.values()] == [2500]


def test_a_payment_goes_back_in_parts_each_once_and_never_more_than_was_taken(
    fake: FakeStripe, gateway: StripeGateway
) -> None:
    this = attempt(Money.of("90.00", "EUR"))
    gateway.charge(this, "pm_card_visa")
    parts = {refund_id_of(this.payment_id, uuid4()): Money.of(amount, "EUR") for amount in ("50.00", "40.00")}
    for refund_id, amount in [*parts.items(), *parts.items()]:
        assert gateway.refund(refund_id, this, amount) == RefundOutcome(completed=True)
    assert [gateway.find_refund(refund_id, this) for refund_id in parts] == [RefundOutcome(completed=True)] * 2
    assert [refund["amount"] for refund in fake.refunds.values()] == [5000, 4000]
    with pytest.raises(Unavailable):
        gateway.refund(uuid4(), this, Money.of("0.01", "EUR"))


def test_the_lost_reply_to_one_part_is_found_again_among_the_others(fake: FakeStripe, gateway: StripeGateway) -> None:
    running = machinery()
    shop = running.shop
    shop.gateway = gateway  # type: ignore[assignment]
    sold = [shop.on_sale(price=price) for price in ("25.00", "40.00")]
    cart_id = shop.cart()
    for _, ticket_type_id in sold:
        shop.add(cart_id, ticket_type_id)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id, "pm_card_visa")
    concerts.cancel_concert(shop.repository, shop.request(ORGANISER), sold[0][0])
    running.run_until_quiet()
    assert shop.order_state(order_id).status is OrderStatus.CONFIRMED
    concerts.cancel_concert(shop.repository, shop.request(ORGANISER), sold[1][0])
    fake.lose_reply_to = "/refunds"
    with pytest.raises(Unavailable):
        cancel_order(shop.context(), order_id, sold[1][0], "The concert is cancelled.")
    fake.lose_reply_to = ""
    running.run_until_quiet()
    assert shop.order_state(order_id).status is OrderStatus.REFUNDED
    assert [refund["amount"] for refund in fake.refunds.values()] == [2500, 4000]


def test_a_refund_on_its_way_is_not_completed(fake: FakeStripe, gateway: StripeGateway) -> None:
    this = attempt()
    gateway.charge(this, "pm_card_visa")
    fake.refund_status = "pending"
    assert gateway.refund(uuid4(), this, PRICE) == RefundOutcome(completed=False)


def test_a_token_must_be_a_payment_method(gateway: StripeGateway) -> None:
    gateway.ensure_valid("pm_card_visa")
    with pytest.raises(InvalidInput):
        gateway.ensure_valid("tok_visa")


def test_a_server_that_is_away_is_a_transient_failure() -> None:
    gone = StripeGateway(connect("sk_test_123", "http://127.0.0.1:9"), SECRET)
    with pytest.raises(Unavailable):
        gone.find_payment(attempt())


def event(metadata: dict[str, str], kind: str = "payment_intent.succeeded") -> bytes:
    subject = {"id": "pi_1", "object": "payment_intent", "metadata": metadata}
    return json.dumps({"id": "evt_1", "object": "event", "type": kind, "data": {"object": subject}}).encode()


def signed(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    timestamp = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {SIGNATURE_HEADER: f"t={timestamp},v1={digest}"}


@pytest.mark.parametrize("kind", ["payment_intent.succeeded", "payment_intent.payment_failed", "refund.updated"])
def test_an_event_names_the_order_and_the_payment(gateway: StripeGateway, kind: str) -> None:
    order_id, payment_id = uuid4(), uuid4()
    body = event({"order_id": str(order_id), "payment_id": str(payment_id)}, kind)
    assert gateway.read_notification(body, signed(body)) == Notification(order_id, payment_id)


def test_an_event_about_something_else_is_none_of_ours(gateway: StripeGateway) -> None:
    body = event({})
    assert gateway.read_notification(body, signed(body)) is None


@pytest.mark.parametrize("headers", [{}, signed(event({}), "whsec_other"), signed(event({}), at=time.time() - 301)])
def test_an_event_that_is_forged_or_stale_is_refused(gateway: StripeGateway, headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        gateway.read_notification(event({}), headers)


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b"{}", b"[" * 60_000, b'{"data":' * 8_000, b"NaN", b'"\\ud800"', b"\xff", b"9" * 60_000]
)
def test_a_signed_body_that_is_no_event_is_refused(gateway: StripeGateway, body: bytes) -> None:
    with pytest.raises(InvalidInput):
        gateway.read_notification(body, signed(body))


def test_the_stage_chooses_its_providers_by_setting() -> None:
    settings = Settings(payment_providers=("stripe",), stripe_api_key="sk_test_123", stripe_webhook_secret=SECRET)
    chosen = Composition(settings).gateways
    assert {name: type(gateway) for name, gateway in chosen.items()} == {"stripe": StripeGateway}
    with pytest.raises(NotConfigured):
        _ = Composition(Settings(payment_providers=("stripe",))).gateways


def test_an_order_is_paid_through_the_whole_shop(fake: FakeStripe, gateway: StripeGateway) -> None:
    running = machinery()
    running.shop.gateway = gateway  # type: ignore[assignment]
    _, ticket_type_id = running.shop.on_sale()
    cart_id = running.shop.cart()
    running.shop.add(cart_id, ticket_type_id, 2)
    order_id: UUID = running.shop.check_out(cart_id).order_id
    fake.lose_reply_to = "/confirm"
    with pytest.raises(Unavailable):
        running.shop.pay(order_id, "pm_card_visa")
    fake.lose_reply_to = ""
    running.run_until_quiet()
    assert running.shop.order_state(order_id).status is OrderStatus.CONFIRMED
    assert sum(intent["amount_received"] for intent in fake.intents.values()) == 5000
