"""Stripe, by its official library: one PaymentIntent per payment.

An intent is created first and confirmed then, each under an idempotency key that follows from the payment's id. So the
creation can be repeated at any time to learn the intent's id, also by a container that never saw it, and an intent that
was cancelled cannot be confirmed any more by a request that is still on its way.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from uuid import UUID

import stripe

from chalicelib.platform.errors import BadSignature, InvalidInput, Unavailable
from chalicelib.platform.failures import raise_if_unavailable
from chalicelib.platform.money import MINOR_DIGITS, Money
from chalicelib.shop.orders.payments.port import (
    Attempt,
    Charged,
    Declined,
    Notification,
    PaymentOutcome,
    PaymentPending,
    RefundOutcome,
)
from chalicelib.shop.orders.payments.stripe_failures import failure_of

SIGNATURE_HEADER = "stripe-signature"
_TIMEOUT = (2.0, 10.0)
_RETRIES = 1
"""The library's own, under the same idempotency key: the request that waits has 29 s."""

_NOT_DECIDED = {"processing", "requires_action", "requires_capture"}
_CANCELLED = "The payment was cancelled."


def connect(api_key: str, api_base: str = "") -> stripe.StripeClient:
    """`api_base` is another address than Stripe's, for tests."""
    return stripe.StripeClient(
        api_key,
        http_client=stripe.RequestsClient(timeout=_TIMEOUT),
        max_network_retries=_RETRIES,
        base_addresses={"api": api_base} if api_base else None,
    )


class StripeGateway:
    """The port's promises, kept with what Stripe remembers: nothing is stored here."""

    def __init__(self, client: stripe.StripeClient, webhook_secret: str) -> None:
        self._intents = client.v1.payment_intents
        self._refunds = client.v1.refunds
        self._client = client
        self._webhook_secret = webhook_secret

    def ensure_valid(self, token: str) -> None:
        if not re.fullmatch(r"pm_[A-Za-z0-9_]{1,90}", token):
            raise InvalidInput(
                "A token of Stripe is the id of a payment method.", (("#/token", "must begin with pm_"),)
            )

    def charge(self, attempt: Attempt, token: str) -> PaymentOutcome:
        with _failures_as_unavailable():
            intent = self._create(attempt)
            try:
                confirmed = self._intents.confirm(
                    intent.id,
                    {"payment_method": token, "error_on_requires_action": True},
                    {"idempotency_key": f"{attempt.payment_id}/confirm"},
                )
            except stripe.CardError as declined:
                return self._declined(attempt, declined.user_message or "The card was declined.")
            except stripe.InvalidRequestError:
                return self._declined(attempt, "This payment method cannot be used.")
            return _outcome(confirmed) or PaymentPending()

    def find_payment(self, attempt: Attempt) -> PaymentOutcome | None:
        with _failures_as_unavailable():
            return _outcome(self._current(attempt))

    def cancel(self, attempt: Attempt) -> PaymentOutcome:
        return self._declined(attempt, _CANCELLED)

    def refund(self, refund_id: UUID, attempt: Attempt, amount: Money) -> RefundOutcome:
        with _failures_as_unavailable():
            refund = self._refunds.create(
                {
                    "payment_intent": self._current(attempt).id,
                    "amount": _minor(amount),
                    "metadata": {**_metadata(attempt), "refund_id": str(refund_id)},
                },
                {"idempotency_key": str(refund_id)},
            )
            return RefundOutcome(completed=refund.status == "succeeded")

    def find_refund(self, refund_id: UUID, attempt: Attempt) -> RefundOutcome | None:
        with _failures_as_unavailable():
            refunds = self._refunds.list({"payment_intent": self._current(attempt).id, "limit": 100})
            for refund in refunds.data:
                if refund.to_dict().get("metadata", {}).get("refund_id") == str(refund_id):
                    return RefundOutcome(completed=refund.status == "succeeded")
        return None

    def read_notification(self, body: bytes, headers: Mapping[str, str]) -> Notification | None:
        try:
            event = self._client.construct_event(body, headers.get(SIGNATURE_HEADER), self._webhook_secret)
            metadata = event.to_dict()["data"]["object"].get("metadata") or {}
            if "order_id" not in metadata or "payment_id" not in metadata:
                return None
            return Notification(UUID(metadata["order_id"]), UUID(metadata["payment_id"]))
        except stripe.SignatureVerificationError as error:
            raise BadSignature("The signature does not fit the body, or is too old.") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInput("The body is no event of Stripe.", (("#", "makes no sense"),)) from error

    def _declined(self, attempt: Attempt, reason: str) -> PaymentOutcome:
        """Make sure of it: an intent that failed could be confirmed again. What had succeeded before is told."""
        with _failures_as_unavailable():
            intent = self._current(attempt)
            if intent.status not in {"succeeded", "canceled"}:
                try:
                    intent = self._intents.cancel(intent.id)
                except stripe.InvalidRequestError:
                    intent = self._intents.retrieve(intent.id)
            return Declined(reason) if intent.status == "canceled" else _outcome(intent) or PaymentPending()

    def _current(self, attempt: Attempt) -> stripe.PaymentIntent:
        """The intent as it is now. The search is behind by a minute or so and reaches back for ever; repeating the
        creation is exact and works for a day: together they never miss."""
        query = f"metadata['payment_id']:'{attempt.payment_id}'"
        found = self._intents.search({"query": query, "limit": 1}).data
        intent = found[0] if found else self._create(attempt)
        return self._intents.retrieve(intent.id)

    def _create(self, attempt: Attempt) -> stripe.PaymentIntent:
        return self._intents.create(
            {
                "amount": _minor(attempt.amount),
                "currency": attempt.amount.currency.lower(),
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "metadata": _metadata(attempt),
            },
            {"idempotency_key": str(attempt.payment_id)},
        )


def _metadata(attempt: Attempt) -> dict[str, str]:
    return {"payment_id": str(attempt.payment_id), "order_id": str(attempt.order_id)}


def _outcome(intent: stripe.PaymentIntent) -> PaymentOutcome | None:
    """None for an intent that was created and not confirmed: nobody asked for the money yet."""
    if intent.status == "succeeded":
        return Charged(intent.id, _money(intent.amount_received, intent.currency))
    if intent.status == "canceled":
        return Declined(_CANCELLED)
    return PaymentPending() if intent.status in _NOT_DECIDED else None


def _minor(money: Money) -> int:
    """In the currency's smallest unit, as Stripe counts."""
    return int(money.amount.scaleb(MINOR_DIGITS.get(money.currency, 2)))


def _money(minor: int, currency: str) -> Money:
    code = currency.upper()
    return Money.of(Decimal(minor).scaleb(-MINOR_DIGITS.get(code, 2)), code)


@contextmanager
def _failures_as_unavailable() -> Iterator[None]:
    """Whatever Stripe says that is no decision about the payment leaves its outcome unknown."""
    try:
        yield
    except stripe.StripeError as error:
        raise_if_unavailable(failure_of(error.http_status, error.code, _type_of(error)), "Stripe", error)
        raise Unavailable("Stripe refuses the request.") from error


def _type_of(error: stripe.StripeError) -> str | None:
    return None if error.error is None else error.error.type
