"""What Stripe did in a span of time is listed whole, page by page, with the ids that are ours."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.money import Money
from chalicelib.shop.orders.payments.port import (
    Attempt,
    Charged,
    Movement,
    ProviderDispute,
    ProviderRefund,
    RefundState,
)
from chalicelib.shop.orders.refund import DisputeStatus
from tests.contract.conftest import STRIPE_SECRET
from tests.support.stripe_server import FakeStripe, running_stripe

pytest.importorskip("stripe")

from chalicelib.shop.orders.payments.stripe import StripeGateway, connect

DAY = datetime(2030, 6, 15, tzinfo=UTC)
NOON, NEXT = DAY + timedelta(hours=12), DAY + timedelta(days=1)
PRICE = Money.of("25.00", "EUR")


def charge(served: tuple[FakeStripe, StripeGateway], at: datetime, token: str = "pm_card_visa") -> Attempt:
    fake, gateway = served
    fake.created = int(at.timestamp())
    attempt = Attempt(uuid4(), uuid4(), PRICE)
    gateway.charge(attempt, token)
    return attempt


def listed(served: tuple[FakeStripe, StripeGateway]) -> list[Movement]:
    return list(served[1].list_movements(DAY, NEXT))


def test_the_payments_of_a_day_are_those_that_began_on_it_and_were_charged(
    served: tuple[FakeStripe, StripeGateway],
) -> None:
    charge(served, DAY - timedelta(seconds=1))
    first, last = charge(served, DAY), charge(served, NEXT - timedelta(seconds=1))
    charge(served, NEXT)
    for token in ("pm_card_chargeDeclined", "pm_slow"):
        charge(served, NOON, token)
    assert listed(served) == [
        Movement(Charged("pi_3", PRICE), last.order_id, last.payment_id),
        Movement(Charged("pi_2", PRICE), first.order_id, first.payment_id),
    ]


def test_refunds_and_disputes_have_the_ids_of_their_payment_without_a_request_for_each(
    served: tuple[FakeStripe, StripeGateway],
) -> None:
    fake, gateway = served
    attempt, refund_id = charge(served, DAY - timedelta(days=30)), uuid4()
    fake.created = int(NOON.timestamp())
    gateway.refund(refund_id, attempt, Money.of("20.00", "EUR"))
    fake.add_refund("pi_1", 500, {})
    fake.add_dispute("pi_1")
    fake.requests.clear()
    ours: tuple[UUID, UUID] = (attempt.order_id, attempt.payment_id)
    assert listed(served) == [
        Movement(ProviderRefund("re_2", Money.of("5.00", "EUR"), RefundState.SUCCEEDED), *ours),
        Movement(ProviderRefund("re_1", Money.of("20.00", "EUR"), RefundState.SUCCEEDED, refund_id), *ours),
        Movement(ProviderDispute("du_1", PRICE, DisputeStatus.OPEN, "fraudulent"), *ours),
    ]
    assert fake.requests == ["GET /v1/payment_intents", "GET /v1/refunds", "GET /v1/disputes"]


def test_a_long_list_is_read_page_by_page_and_no_further_than_it_is_wanted(
    served: tuple[FakeStripe, StripeGateway],
) -> None:
    fake, gateway = served
    fake.page_size = 2
    attempts = [charge(served, NOON) for _ in range(5)]
    fake.requests.clear()
    found = gateway.list_movements(DAY, NEXT)
    seen = [next(found).order_id for _ in range(2)]
    assert fake.requests == ["GET /v1/payment_intents"]
    seen += [movement.order_id for movement in found]
    assert seen == [attempt.order_id for attempt in reversed(attempts)]
    assert fake.requests == ["GET /v1/payment_intents"] * 3 + ["GET /v1/refunds", "GET /v1/disputes"]


@pytest.mark.parametrize("metadata", [{}, {"order_id": "7", "payment_id": "x"}], ids=["nothing", "another's ids"])
def test_what_has_nothing_to_do_with_this_shop_names_no_order(
    served: tuple[FakeStripe, StripeGateway], metadata: dict[str, str]
) -> None:
    charge(served, NOON)
    served[0].intents["pi_1"]["metadata"] = metadata
    served[0].add_refund("pi_1", 500, {})
    assert [(movement.order_id, movement.payment_id) for movement in listed(served)] == [(None, None)] * 2


def test_every_page_waits_for_its_turn() -> None:
    turns: list[str] = []
    with running_stripe() as (fake, address):
        gateway = StripeGateway(connect("sk_test_123", address, turns.append), STRIPE_SECRET)
        fake.page_size = 1
        for _ in range(3):
            charge((fake, gateway), NOON)
        turns.clear()
        assert len(listed((fake, gateway))) == 3
    assert turns == ["GET payment_intents"] * 3 + ["GET refunds", "GET disputes"]


def test_a_list_that_stripe_does_not_give_is_unavailable() -> None:
    away = StripeGateway(connect("sk_test_123", "http://127.0.0.1:9"), STRIPE_SECRET)
    with pytest.raises(Unavailable):
        next(away.list_movements(DAY, NEXT))
