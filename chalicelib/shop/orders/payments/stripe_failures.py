"""Which errors of Stripe are failures of the server, by HTTP status, and by its `type` and `code`."""

from http import HTTPStatus

from chalicelib.platform.failures import Failure

_BY_CODE = {
    "idempotency_key_in_use": Failure.TRANSIENT,
    "lock_timeout": Failure.TRANSIENT,
    "rate_limit": Failure.TRANSIENT,
    "account_invalid": Failure.MISCONFIGURED,
    "api_key_expired": Failure.MISCONFIGURED,
    "livemode_mismatch": Failure.MISCONFIGURED,
    "platform_api_key_expired": Failure.MISCONFIGURED,
    "secret_key_required": Failure.MISCONFIGURED,
    "testmode_charges_only": Failure.MISCONFIGURED,
    "tls_version_unsupported": Failure.MISCONFIGURED,
}
_BY_STATUS: dict[int, Failure] = {
    HTTPStatus.UNAUTHORIZED: Failure.MISCONFIGURED,
    HTTPStatus.FORBIDDEN: Failure.MISCONFIGURED,
    HTTPStatus.REQUEST_TIMEOUT: Failure.TRANSIENT,
    HTTPStatus.CONFLICT: Failure.TRANSIENT,
    HTTPStatus.FAILED_DEPENDENCY: Failure.TRANSIENT,
    HTTPStatus.TOO_MANY_REQUESTS: Failure.TRANSIENT,
}

_REASONS = {
    "account_closed": "The account of this payment method is closed.",
    "amount_too_large": "The amount is above what the payment provider takes.",
    "amount_too_small": "The amount is below what the payment provider takes.",
    "currency_not_supported": "The payment provider does not take this currency.",
    "invalid_currency": "The payment provider does not take this currency.",
    "payment_method_currency_mismatch": "This payment method cannot pay in this currency.",
}
"""What a buyer is told; Stripe's own text may name ids."""


def reason_of(code: str | None, otherwise: str) -> str:
    """Return why Stripe refused, in words for the buyer."""
    return _REASONS.get(code or "", otherwise)


def failure_of(status: int | None, code: str | None = None, error_type: str | None = None) -> Failure:
    """Classify an answer of Stripe; without a status there was none.

    The same idempotency key with other parameters is poison: it can only be a fault of ours.
    """
    if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure.TRANSIENT
    known = _BY_CODE.get(code or "") or _BY_STATUS.get(status)
    if known is not None:
        return known
    return Failure.POISON if error_type == "idempotency_error" else Failure.REFUSED
