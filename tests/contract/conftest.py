"""Stripe on this machine, for the tests of its adapter."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.stripe_server import FakeStripe, running_stripe

if TYPE_CHECKING:
    from chalicelib.shop.orders.payments.stripe import StripeGateway

STRIPE_SECRET = "whsec_test"


@pytest.fixture
def served() -> "Iterator[tuple[FakeStripe, StripeGateway]]":
    """The server and the adapter that asks it."""
    pytest.importorskip("stripe")
    from chalicelib.shop.orders.payments.stripe import StripeGateway, connect  # noqa: PLC0415 - may not be installed

    with running_stripe() as (fake, address):
        yield fake, StripeGateway(connect("sk_test_123", address), STRIPE_SECRET)


@pytest.fixture
def fake(served: "tuple[FakeStripe, StripeGateway]") -> FakeStripe:
    return served[0]


@pytest.fixture
def gateway(served: "tuple[FakeStripe, StripeGateway]") -> "StripeGateway":
    return served[1]
