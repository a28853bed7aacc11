"""Stripe, by its official library: one PaymentIntent per payment.

An intent is created first and confirmed then, each under an idempotency key that follows from the payment's id. So the
creation can be repeated at any time to learn the intent's id, also by a container that never saw it, and an intent that
was cancelled cannot be confirmed any more by a request that is still on its way.

A card that wants its customer to authenticate leaves the intent in `requires_action`. The client finishes it with the
intent's secret; an authentication that fails leaves it open for other cards, so whoever learns of that closes it.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from math import ceil
from uuid import UUID

import stripe

from chalicelib.platform.errors import BadSignature, InvalidInput, Unavailable
from chalicelib.platform.failures import Failure, raise_if_unavailable
from chalicelib.platform.money import MINOR_DIGITS, Money
from chalicelib.shop.orders.payments.next_action import ActionRequired, NextAction
from chalicelib.shop.orders.payments.port import (
    Attempt,
    Charged,
    Declined,
    Movement,
    News,
    Notification,
    PaymentOutcome,
    PaymentPending,
    ProviderDispute,
    ProviderRefund,
    RefundState,
    Reversals,
)
from chalicelib.shop.orders.payments.stripe_failures import failure_of, reason_of
from chalicelib.shop.orders.payments.stripe_pace import PacedClient, Wait, at_any_pace
from chalicelib.shop.orders.refund import DisputeStatus

logger = logging.getLogger(__name__)

SIGNATURE_HEADER = "stripe-signature"
_TIMEOUT = (2.0, 10.0)
_RETRIES = 1
"""The library's own, under the same idempotency key: the request that waits has 29 s."""

_ID = re.compile(r"\b[a-z]{2,5}_[A-Za-z0-9]{6,}")
_NOT_DECIDED = {"processing", "requires_capture"}
_REFUND_STATES = {
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
_DISPUTE_STATES = {
    "won": DisputeStatus.WON,
    "warning_closed": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
_LOOK_AGAIN = {"charge_already_refunded", "charge_disputed"}
"""Refusals of a refund that only say that the last look at the payment is out of date."""

_INTENT = re.compile(r"pi_[A-Za-z0-9_]{1,90}")
_REPLAYED = "Idempotent-Replayed"
"""Stripe's header on an answer that is that of an earlier request, and may be out of date."""

_CANCELLED = "The payment was cancelled."

_ITS_INTENT = "data.payment_intent"
"""Refunds made in the dashboard and disputes name only the intent, which has our ids."""


def connect(api_key: str, api_base: str = "", wait: Wait = at_any_pace) -> stripe.StripeClient:
    """Make a client that waits before every request; `api_base` is another address than Stripe's, for tests."""
    return stripe.StripeClient(
        api_key,
        http_client=PacedClient(wait, _TIMEOUT),
        max_network_retries=_RETRIES,
        base_addresses={"api": api_base} if api_base else None,
    )


class StripeGateway:
    """The port's promises, kept with what Stripe remembers: nothing is stored here."""

    def __init__(self, client: stripe.StripeClient, webhook_secret: str, return_url: str = "") -> None:
        """`return_url` is where a bank sends the customer back to; without it the client asks Stripe's library."""
        self._intents = client.v1.payment_intents
        self._refunds = client.v1.refunds
        self._disputes = client.v1.disputes
        self._client = client
        self._webhook_secret = webhook_secret
        self._return_url = return_url

    def ensure_valid(self, token: str) -> None:
        if not re.fullmatch(r"pm_[A-Za-z0-9_]{1,90}", token):
            raise InvalidInput(
                "A token of Stripe is the id of a payment method.", (("#/token", "must begin with pm_"),)
            )

    def charge(self, attempt: Attempt, token: str) -> PaymentOutcome:
        with _failures_as_unavailable():
            try:
                intent = self._create(attempt)
            except _Refused as refusal:
                return Declined(refusal.reason)
            try:
                confirmed = self._intents.confirm(
                    intent.id,
                    self._confirmation(token),
                    {"idempotency_key": f"{attempt.payment_id}/confirm"},
                )
            except stripe.CardError as declined:
                return self._declined(attempt, _reason_of(declined.code, declined.user_message))
            except stripe.InvalidRequestError as refused:
                if not _is_refusal(refused):
                    raise
                return self._declined(attempt, reason_of(refused.code, "This payment method cannot be used."))
            if _is_replayed(confirmed):
                confirmed = self._intents.retrieve(intent.id)
            return self._decided(attempt, confirmed) or PaymentPending()

    def find_payment(self, attempt: Attempt) -> PaymentOutcome | None:
        with _failures_as_unavailable():
            try:
                return self._decided(attempt, self._current(attempt))
            except _Refused as refusal:
                return Declined(refusal.reason)

    def cancel(self, attempt: Attempt) -> PaymentOutcome:
        return self._declined(attempt, _CANCELLED)

    def refund(self, refund_id: UUID, attempt: Attempt, amount: Money, failures: int = 0) -> ProviderRefund:
        with _failures_as_unavailable():
            metadata = {**_metadata(attempt), "refund_id": str(refund_id)}
            intent_id = self._id_of(attempt)
            try:
                refund = self._refunds.create(
                    {"payment_intent": intent_id, "amount": _minor(amount), "metadata": metadata},
                    {"idempotency_key": f"{refund_id}/{failures}/{_minor(amount)}"},
                )
            except stripe.InvalidRequestError as error:
                if not _is_refusal(error) or error.code in _LOOK_AGAIN or error.param == "amount":
                    raise
                reason = reason_of(error.code, f"Stripe refuses the refund: {error.code or 'no reason given'}.")
                return ProviderRefund("", amount, RefundState.FAILED, refund_id, reason)
            return _refund(refund)

    def find_reversals(self, attempt: Attempt) -> Reversals:
        with _failures_as_unavailable():
            intent_id = self._id_of(attempt)
            intent = self._intents.retrieve(intent_id, {"expand": ["latest_charge.refunds"]})
            charge = intent.latest_charge
            if charge is None or isinstance(charge, str):
                raise Unavailable("Stripe names no charge of this payment.")
            refunds = charge.refunds
            if refunds is None or refunds.has_more:
                refunds = self._refunds.list({"payment_intent": intent_id, "limit": 100})
            disputes = self._disputes.list({"payment_intent": intent_id}).data if charge.disputed else []
            return Reversals(tuple(map(_refund, refunds.auto_paging_iter())), tuple(map(_dispute, disputes)))

    def list_movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        """List each kind by its `created`: a payment has the day on which it was started, not that of its success."""
        first, end = ceil(since.timestamp()), ceil(until.timestamp())
        with _failures_as_unavailable():
            for intent in self._intents.list({"created": {"gte": first, "lt": end}, "limit": 100}).auto_paging_iter():
                outcome = _outcome(intent)
                if isinstance(outcome, Charged):
                    yield _movement(outcome, intent.to_dict())
            refunds = self._refunds.list({"created": {"gte": first, "lt": end}, "limit": 100, "expand": [_ITS_INTENT]})
            for refund in refunds.auto_paging_iter():
                yield _movement(_refund(refund), refund.to_dict().get("payment_intent"))
            disputes = self._disputes.list(
                {"created": {"gte": first, "lt": end}, "limit": 100, "expand": [_ITS_INTENT]}
            )
            for dispute in disputes.auto_paging_iter():
                yield _movement(_dispute(dispute), dispute.to_dict().get("payment_intent"))

    def read_notification(self, body: bytes, headers: Mapping[str, str]) -> Notification | None:
        try:
            event = self._client.construct_event(body, headers.get(SIGNATURE_HEADER), self._webhook_secret)
            subject = event.to_dict()["data"]["object"]
            news = News.REVERSAL if _is_reversal(event.type, subject) else News.PAYMENT
            metadata = subject.get("metadata") or {}
            if news is News.REVERSAL and "payment_id" not in metadata:
                metadata = self._metadata_of_intent(subject.get("payment_intent"))
            if "order_id" not in metadata or "payment_id" not in metadata:
                return None
            return Notification(UUID(metadata["order_id"]), UUID(metadata["payment_id"]), news)
        except stripe.SignatureVerificationError as error:
            raise BadSignature("The signature does not fit the body, or is too old.") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInput("The body is no event of Stripe.", (("#", "makes no sense"),)) from error

    def _confirmation(self, token: str) -> "stripe.params.PaymentIntentConfirmParams":
        if not self._return_url:
            return {"payment_method": token}
        return {"payment_method": token, "return_url": self._return_url}

    def _decided(self, attempt: Attempt, intent: stripe.PaymentIntent) -> PaymentOutcome | None:
        """Return the outcome; what failed after it was confirmed is closed, because the client could try on."""
        reason = _failure_in(intent)
        return _outcome(intent) if reason is None else self._declined(attempt, reason)

    def _metadata_of_intent(self, intent_id: object) -> Mapping[str, str]:
        """Return what we keep beside an intent; refunds made in the dashboard and disputes name only the intent."""
        if not isinstance(intent_id, str) or not _INTENT.fullmatch(intent_id):
            return {}
        with _failures_as_unavailable():
            return self._intents.retrieve(intent_id).to_dict().get("metadata") or {}

    def _declined(self, attempt: Attempt, reason: str) -> PaymentOutcome:
        """Make sure of it: an intent that failed could be confirmed again. What had succeeded before is told."""
        with _failures_as_unavailable():
            try:
                intent = self._current(attempt)
            except _Refused as refusal:
                return Declined(refusal.reason)
            if intent.status not in {"succeeded", "canceled"}:
                try:
                    intent = self._intents.cancel(intent.id)
                except stripe.InvalidRequestError:
                    intent = self._intents.retrieve(intent.id)
            return Declined(reason) if intent.status == "canceled" else _outcome(intent) or PaymentPending()

    def _id_of(self, attempt: Attempt) -> str:
        """Return the intent's id, which the log has of every payment that succeeded."""
        return attempt.reference or self._current(attempt).id

    def _current(self, attempt: Attempt) -> stripe.PaymentIntent:
        """The intent as it is now. The search is behind by a minute or so and reaches back for ever; repeating the
        creation is exact and works for a day: together they never miss."""
        query = f"metadata['payment_id']:'{attempt.payment_id}'"
        found = self._intents.search({"query": query, "limit": 1}).data
        intent = found[0] if found else self._create(attempt)
        return self._intents.retrieve(intent.id)

    def _create(self, attempt: Attempt) -> stripe.PaymentIntent:
        """Create the intent, or get the one that was created under this id.

        Raises:
            _Refused: there is no such payment, and never will be.
        """
        try:
            return self._intents.create(
                {
                    "amount": _minor(attempt.amount),
                    "currency": attempt.amount.currency.lower(),
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                    "metadata": _metadata(attempt),
                },
                {"idempotency_key": str(attempt.payment_id)},
            )
        except stripe.StripeError as error:
            if _is_refusal(error):
                logger.warning("Stripe refuses payment %s: %s %s", attempt.payment_id, error.code, error)
                raise _Refused(reason_of(error.code, "The payment provider does not take this payment.")) from error
            raise


def _metadata(attempt: Attempt) -> dict[str, str]:
    return {"payment_id": str(attempt.payment_id), "order_id": str(attempt.order_id)}


def _outcome(intent: stripe.PaymentIntent) -> PaymentOutcome | None:
    """None for an intent that was created and not confirmed: nobody asked for the money yet."""
    if intent.status == "succeeded":
        return Charged(intent.id, _money(intent.amount_received, intent.currency))
    if intent.status == "requires_action":
        return ActionRequired(_next_action(intent))
    if intent.status == "canceled":
        return Declined(_CANCELLED)
    return PaymentPending() if intent.status in _NOT_DECIDED else None


def _next_action(intent: stripe.PaymentIntent) -> NextAction:
    redirect = None if intent.next_action is None else intent.next_action.to_dict().get("redirect_to_url")
    return NextAction(intent.client_secret or "", None if redirect is None else redirect.get("url"))


def _failure_in(intent: stripe.PaymentIntent) -> str | None:
    """Return why the last attempt of the intent failed, if it waits for another card since."""
    if intent.status != "requires_payment_method":
        return None
    error = intent.to_dict().get("last_payment_error")
    return None if error is None else _reason_of(error.get("code"), error.get("message"))


def _is_replayed(intent: stripe.PaymentIntent) -> bool:
    answer = intent.last_response
    return answer is not None and answer.headers.get(_REPLAYED) == "true"


def _is_reversal(event_type: str, subject: Mapping[str, object]) -> bool:
    return subject.get("object") in {"refund", "dispute"} or event_type == "charge.refunded"


def _refund(refund: stripe.Refund) -> ProviderRefund:
    """Read a refund; whatever is neither final nor under way needs the buyer, and is waited for."""
    state = _REFUND_STATES.get(refund.status or "", RefundState.PENDING)
    made_for = (refund.to_dict().get("metadata") or {}).get("refund_id")
    reason = ""
    if state is RefundState.FAILED:
        reason = f"Stripe says that the refund {refund.status}: {refund.failure_reason or 'no reason given'}."
    amount = _money(refund.amount, refund.currency)
    return ProviderRefund(refund.id, amount, state, UUID(made_for) if made_for else None, reason)


def _dispute(dispute: stripe.Dispute) -> ProviderDispute:
    """Read a dispute; an inquiry that was closed took no money, like one that was won."""
    status = _DISPUTE_STATES.get(dispute.status, DisputeStatus.OPEN)
    return ProviderDispute(dispute.id, _money(dispute.amount, dispute.currency), status, dispute.reason)


def _movement(what: Charged | ProviderRefund | ProviderDispute, intent: object) -> Movement:
    """Name the payment by what we keep beside its intent; an intent without that is not ours."""
    metadata = intent.get("metadata") if isinstance(intent, Mapping) else None
    try:
        ours = metadata or {}
        return Movement(what, UUID(ours["order_id"]), UUID(ours["payment_id"]))
    except (KeyError, ValueError):
        return Movement(what)


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


def _reason_of(code: str | None, said: str | None) -> str:
    """Return what Stripe says for the customer, unless it names ids."""
    return reason_of(code, said if said and not _ID.search(said) else "The card was declined.")


class _Refused(Exception):
    """Stripe will never create this payment."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _is_refusal(error: stripe.StripeError) -> bool:
    return failure_of(error.http_status, error.code, _type_of(error)) is Failure.REFUSED


def _type_of(error: stripe.StripeError) -> str | None:
    return None if error.error is None else error.error.type
