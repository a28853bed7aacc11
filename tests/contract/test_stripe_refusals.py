"""What Stripe will never accept ends a payment with a reason for the buyer, whoever asks."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import PaymentRefused, Unavailable
from chalicelib.platform.money import Money
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.concert import ConcertStatus
from chalicelib.shop.orders.payments.port import Attempt, Declined
from chalicelib.shop.orders.rules import OrderStatus
from tests.support.machinery import Machinery, machinery
from tests.support.shop import ORGANISER, PAY_WITHIN
from tests.support.stripe_server import FakeStripe, refusal, running_stripe

pytest.importorskip("stripe")

from chalicelib.shop.orders.payments.stripe import StripeGateway, connect

TOO_SMALL = "The amount is below what the payment provider takes."
TOO_LARGE = "The amount is above what the payment provider takes."
REFUSED_AMOUNTS = [("0.30", "EUR", TOO_SMALL), ("2.00", "DKK", TOO_SMALL), ("999999999.00", "EUR", TOO_LARGE)]


@pytest.fixture
def served() -> Iterator[tuple[FakeStripe, StripeGateway]]:
    with running_stripe() as (fake, address):
        yield fake, StripeGateway(connect("sk_test_123", address), "whsec_test")


@pytest.fixture
def fake(served: tuple[FakeStripe, StripeGateway]) -> FakeStripe:
    return served[0]


@pytest.fixture
def gateway(served: tuple[FakeStripe, StripeGateway]) -> StripeGateway:
    return served[1]


@pytest.mark.parametrize(("amount", "currency", "reason"), REFUSED_AMOUNTS)
def test_an_amount_that_stripe_never_takes_is_declined_whoever_asks(
    fake: FakeStripe, gateway: StripeGateway, amount: str, currency: str, reason: str
) -> None:
    this = Attempt(uuid4(), uuid4(), Money.of(amount, currency))
    assert gateway.charge(this, "pm_card_visa") == Declined(reason)
    assert gateway.find_payment(this) == Declined(reason)
    assert gateway.cancel(this) == Declined(reason)
    assert fake.intents == {}


def test_a_closed_account_is_declined_without_the_providers_ids(fake: FakeStripe, gateway: StripeGateway) -> None:
    this = Attempt(uuid4(), uuid4(), Money.of("25.00", "EUR"))
    assert gateway.charge(this, "pm_closed_account") == Declined("The account of this payment method is closed.")
    assert fake.intents["pi_1"]["status"] == "canceled"


def test_a_text_of_the_provider_that_names_ids_is_not_shown(fake: FakeStripe, gateway: StripeGateway) -> None:
    fake.refuses_payments = refusal("a_code_that_nobody_knows")
    this = Attempt(uuid4(), uuid4(), Money.of("25.00", "EUR"))
    assert gateway.charge(this, "pm_card_visa") == Declined("The payment provider does not take this payment.")


def test_another_request_under_the_same_id_leaves_the_outcome_unknown(gateway: StripeGateway) -> None:
    this = Attempt(uuid4(), uuid4(), Money.of("25.00", "EUR"))
    gateway.charge(this, "pm_card_visa")
    with pytest.raises(Unavailable):
        gateway.charge(Attempt(this.payment_id, this.order_id, Money.of("26.00", "EUR")), "pm_card_visa")


@pytest.fixture
def running(fake: FakeStripe, gateway: StripeGateway) -> Machinery:
    """A shop whose provider refuses every payment."""
    running = machinery()
    running.shop.gateway = gateway  # type: ignore[assignment]
    fake.refuses_payments = refusal("amount_too_small", param="amount")
    return running


def refused_order(running: Machinery) -> tuple[UUID, UUID]:
    """The concert, and an order of it whose first payment was refused."""
    concert_id, ticket_type_id = running.shop.on_sale()
    cart_id = running.shop.cart()
    running.shop.add(cart_id, ticket_type_id)
    order_id = running.shop.check_out(cart_id).order_id
    with pytest.raises(PaymentRefused, match="below what the payment provider takes"):
        running.shop.pay(order_id, "pm_card_visa")
    return concert_id, order_id


def test_a_refused_order_can_be_paid_again_with_another_key(running: Machinery, fake: FakeStripe) -> None:
    _, order_id = refused_order(running)
    fake.refuses_payments = None
    assert running.shop.pay(order_id, "pm_card_visa").order_status is OrderStatus.CONFIRMED


@pytest.mark.parametrize("crashed", [False, True], ids=["answered", "the request died"])
def test_a_refused_order_expires_at_its_deadline(running: Machinery, fake: FakeStripe, crashed: bool) -> None:
    _, order_id = refused_order(running)
    if crashed:
        fake.lose_reply_to = "/payment_intents"
        with pytest.raises(Unavailable):
            running.shop.pay(order_id, "pm_card_visa")
        fake.lose_reply_to = ""
    running.run()
    running.shop.clock.advance(PAY_WITHIN + timedelta(days=30))
    running.run_until_quiet()
    order = running.shop.order_state(order_id)
    assert (order.status, order.open_payments, running.queue.tasks) == (OrderStatus.EXPIRED, (), [])


def test_a_concert_with_a_refused_order_can_be_cancelled(running: Machinery) -> None:
    concert_id, order_id = refused_order(running)
    concerts.cancel_concert(running.shop.repository, running.shop.request(ORGANISER), concert_id)
    running.run_until_quiet()
    assert running.shop.order_state(order_id).status is OrderStatus.CANCELLED
    assert running.shop.concert_state(concert_id).status is ConcertStatus.CANCELLED
