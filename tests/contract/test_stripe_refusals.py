"""What Stripe will never accept ends a payment with a reason for the buyer, whoever asks."""

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
from tests.support.stripe_server import FakeStripe, refusal

pytest.importorskip("stripe")

from chalicelib.shop.orders.payments.stripe import StripeGateway

TOO_SMALL = "The amount is below what the payment provider takes."
TOO_LARGE = "The amount is above what the payment provider takes."
REFUSED_AMOUNTS = [("0.30", "EUR", TOO_SMALL), ("2.00", "DKK", TOO_SMALL), ("999999999.00", "EUR", TOO_LARGE)]


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
def refusing(fake: FakeStripe, gateway: StripeGateway) -> Machinery:
    """A shop whose provider refuses every payment."""
    refusing = machinery()
    refusing.shop.gateway = gateway  # type: ignore[assignment]
    fake.refuses_payments = refusal("amount_too_small", param="amount")
    return refusing


def refused_order(refusing: Machinery) -> tuple[UUID, UUID]:
    """The concert, and an order of it whose first payment was refused."""
    concert_id, ticket_type_id = refusing.shop.on_sale()
    cart_id = refusing.shop.cart()
    refusing.shop.add(cart_id, ticket_type_id)
    order_id = refusing.shop.check_out(cart_id).order_id
    with pytest.raises(PaymentRefused, match="below what the payment provider takes"):
        refusing.shop.pay(order_id, "pm_card_visa")
    return concert_id, order_id


def test_a_refused_order_can_be_paid_again_with_another_key(refusing: Machinery, fake: FakeStripe) -> None:
    _, order_id = refused_order(refusing)
    fake.refuses_payments = None
    assert refusing.shop.pay(order_id, "pm_card_visa").order_status is OrderStatus.CONFIRMED


@pytest.mark.parametrize("crashed", [False, True], ids=["answered", "the request died"])
def test_a_refused_order_expires_at_its_deadline(refusing: Machinery, fake: FakeStripe, crashed: bool) -> None:
    _, order_id = refused_order(refusing)
    if crashed:
        fake.lose_reply_to = "/payment_intents"
        with pytest.raises(Unavailable):
            refusing.shop.pay(order_id, "pm_card_visa")
        fake.lose_reply_to = ""
    refusing.run()
    refusing.shop.clock.advance(PAY_WITHIN + timedelta(days=30))
    refusing.run_until_quiet()
    order = refusing.shop.order_state(order_id)
    assert (order.status, order.open_payments, refusing.queue.tasks) == (OrderStatus.EXPIRED, (), [])


def test_a_concert_with_a_refused_order_can_be_cancelled(refusing: Machinery) -> None:
    concert_id, order_id = refused_order(refusing)
    concerts.cancel_concert(refusing.shop.repository, refusing.shop.request(ORGANISER), concert_id)
    refusing.run_until_quiet()
    assert refusing.shop.order_state(order_id).status is OrderStatus.CANCELLED
    assert refusing.shop.concert_state(concert_id).status is ConcertStatus.CANCELLED
