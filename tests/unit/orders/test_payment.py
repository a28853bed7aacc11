"""One payment of an order, apart from the order."""

from datetime import timedelta

from chalicelib.platform.money import Money
from chalicelib.shop.orders.order_facts import REQUEST_TIME, Payment
from tests.support.stored import SOME_TIME as NOW


def test_a_payment_is_abandoned_when_no_request_can_be_alive_that_started_it() -> None:
    payment = Payment("sandbox", Money.of("50.00", "EUR"), request_hash="", started_at=NOW)
    assert not payment.is_abandoned(NOW + REQUEST_TIME - timedelta(milliseconds=1))
    assert payment.is_abandoned(NOW + REQUEST_TIME)
