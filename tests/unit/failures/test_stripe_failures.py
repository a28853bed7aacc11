"""Every error that Stripe's library can raise is of one kind of failure."""

import pytest

from chalicelib.platform.failures import Failure
from chalicelib.shop.orders.payments.stripe_failures import failure_of

ANSWERS = [
    (None, None, None, Failure.TRANSIENT),
    (400, "parameter_missing", "invalid_request_error", Failure.REFUSED),
    (400, "amount_too_small", "invalid_request_error", Failure.REFUSED),
    (400, "charge_already_refunded", "invalid_request_error", Failure.REFUSED),
    (400, "payment_intent_unexpected_state", "invalid_request_error", Failure.REFUSED),
    (400, None, "idempotency_error", Failure.POISON),
    (400, "rate_limit", "invalid_request_error", Failure.TRANSIENT),
    (400, "livemode_mismatch", "invalid_request_error", Failure.MISCONFIGURED),
    (400, "testmode_charges_only", "invalid_request_error", Failure.MISCONFIGURED),
    (401, None, "invalid_request_error", Failure.MISCONFIGURED),
    (401, "api_key_expired", "invalid_request_error", Failure.MISCONFIGURED),
    (402, "card_declined", "card_error", Failure.REFUSED),
    (402, "expired_card", "card_error", Failure.REFUSED),
    (403, None, "invalid_request_error", Failure.MISCONFIGURED),
    (404, "resource_missing", "invalid_request_error", Failure.REFUSED),
    (409, "idempotency_key_in_use", "idempotency_error", Failure.TRANSIENT),
    (424, None, "api_error", Failure.TRANSIENT),
    (429, "lock_timeout", "invalid_request_error", Failure.TRANSIENT),
    (429, None, None, Failure.TRANSIENT),
    *((status, None, "api_error", Failure.TRANSIENT) for status in (500, 502, 503, 504)),
]


@pytest.mark.parametrize(("status", "code", "error_type", "failure"), ANSWERS)
def test_each_answer_ends_in_its_class(
    status: int | None, code: str | None, error_type: str | None, failure: Failure
) -> None:
    assert failure_of(status, code, error_type) is failure
