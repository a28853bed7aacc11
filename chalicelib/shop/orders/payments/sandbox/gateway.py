"""Takes payments as the sandbox does: by their tokens, in its own time, and with notifications."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from pydantic_core import from_json

from chalicelib.platform.errors import InvalidInput, NotFound, Unavailable
from chalicelib.platform.money import Money
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
    Reversals,
)
from chalicelib.shop.orders.payments.sandbox.entries import DISPUTES, Decision, Entry, Ledger
from chalicelib.shop.orders.payments.sandbox.reversals import ReversalBook
from chalicelib.shop.orders.payments.sandbox.tokens import DELAY, DONE_THERE, REASONS_OF_DECLINES, Token
from chalicelib.shop.orders.payments.signatures import HEADER, ensure_signed, sign

Deliver = Callable[[bytes, Mapping[str, str], timedelta], None]
"""Carries a notification, body and headers, to our webhook after a while."""


class SandboxGateway:
    """Keeps what it did in a ledger, so that all containers meet the same provider."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime], secret: str, deliver: Deliver) -> None:
        self._ledger = ledger
        self._clock = clock
        self._secret = secret
        self._deliver = deliver
        self._reversals = ReversalBook(ledger, clock, self.takes, self._notify)

    def ensure_valid(self, token: str) -> None:
        if token not in set(Token):
            raise InvalidInput(f"The sandbox knows {', '.join(Token)}.", (("#/token", "is unknown"),))

    def charge(self, attempt: Attempt, token: str) -> PaymentOutcome:
        if not attempt.amount.is_chargeable:
            return Declined("The provider does not take this amount.")
        known = self._ledger.find(attempt.payment_id)
        if known is not None:
            return self._outcome(known)
        entry = self._ledger.record(self._first(attempt, token))
        self._notify(entry, News.PAYMENT, entry.due_at, times=2 if token == Token.NOTIFIED_TWICE else 1)
        if entry.token in DONE_THERE:
            self._notify(entry, News.REVERSAL, self._reversals.there_at(entry))
        if token == Token.LOST_REPLY:
            raise Unavailable("The provider does not answer.")
        return self._outcome(entry)

    def find_payment(self, attempt: Attempt) -> PaymentOutcome | None:
        entry = self._ledger.find(attempt.payment_id)
        return None if entry is None else self._outcome(entry)

    def cancel(self, attempt: Attempt) -> Charged | Declined:
        nothing = Entry(attempt.payment_id, attempt.amount, Decision.DECLINED, self._clock(), attempt.order_id)
        entry = self._ledger.find(attempt.payment_id) or self._ledger.record(nothing)
        outcome = self._outcome(entry)
        if isinstance(outcome, PaymentPending):
            outcome = _said(self._ledger.decide(entry, Decision.DECLINED))
        return outcome

    def refund(self, refund_id: UUID, attempt: Attempt, amount: Money, failures: int = 0) -> ProviderRefund:
        return self._reversals.make_refund(refund_id, attempt, amount, failures)

    def find_reversals(self, attempt: Attempt) -> Reversals:
        entries, book = self._reversals.list_of(attempt), self._reversals
        refunds = tuple(book.as_refund(entry) for entry in entries if entry.decision not in DISPUTES)
        return Reversals(refunds, tuple(book.as_dispute(entry) for entry in entries if entry.decision in DISPUTES))

    def list_movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        """List by the time at which each entry is, or was, due; what is due by now is done first."""
        for entry in self._ledger.list_due(since, until):
            if entry.order_id is not None and entry.token in DONE_THERE:
                self._reversals.list_of(Attempt(entry.id, entry.order_id, entry.amount))
        for entry in self._ledger.list_due(since, until):
            what = self._moved(entry)
            if what is not None:
                yield Movement(what, entry.order_id, entry.refund_of or entry.id)

    def _moved(self, entry: Entry) -> Charged | ProviderRefund | ProviderDispute | None:
        if entry.refund_of is not None:
            is_dispute = entry.decision in DISPUTES
            return self._reversals.as_dispute(entry) if is_dispute else self._reversals.as_refund(entry)
        outcome = self._outcome(entry)
        return outcome if isinstance(outcome, Charged) else None

    def read_notification(self, body: bytes, headers: Mapping[str, str]) -> Notification | None:
        ensure_signed(self._secret, body, headers.get(HEADER, ""), self._clock())
        try:
            news = from_json(body)
            about = News(news.get("news", News.PAYMENT))
            return Notification(UUID(news["order_id"]), UUID(news["payment_id"]), about)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput("The body is no notification of the sandbox.", (("#", "makes no sense"),)) from error

    def authenticate(self, payment_id: UUID, client_secret: str, *, succeeds: bool) -> None:
        """Play the bank of a payment with the token `AUTHENTICATED`; the first answer stands.

        Raises:
            NotFound: there is no such payment, or the secret is another one's.
        """
        entry = self._ledger.find(payment_id)
        if entry is None or not hmac.compare_digest(client_secret.encode(), self._secret_of(payment_id).encode()):
            raise NotFound("There is no such payment.")
        decision = Decision.CHARGED if succeeds else Decision.DECLINED
        self._notify(self._ledger.decide(entry, decision), News.PAYMENT, self._clock())

    def _secret_of(self, payment_id: UUID) -> str:
        return hmac.new(self._secret.encode(), f"client secret of {payment_id}".encode(), hashlib.sha256).hexdigest()

    def takes(self, payment_id: UUID) -> timedelta:  # noqa: ARG002 - another provider may take its time by payment
        """Return how long the provider takes for what it does not do at once to this payment."""
        return DELAY

    def _first(self, attempt: Attempt, token: str) -> Entry:
        decision, due_at, amount = Decision.CHARGED, self._clock(), attempt.amount
        if token in {Token.DECLINED, Token.REFUSED}:
            decision = Decision.DECLINED
        elif token in {Token.DELAYED, Token.CANCELLED}:
            decision, due_at = Decision.UNDECIDED, due_at + DELAY
        elif token == Token.AUTHENTICATED:
            decision = Decision.REQUIRES_ACTION
        if token == Token.WRONG_AMOUNT:
            amount = amount.plus(amount)
        return Entry(attempt.payment_id, amount, decision, due_at, attempt.order_id, token=token)

    def _outcome(self, entry: Entry) -> PaymentOutcome:
        if entry.decision is Decision.REQUIRES_ACTION:
            return ActionRequired(NextAction(self._secret_of(entry.id)))
        if entry.decision is not Decision.UNDECIDED:
            return _said(entry)
        if self._clock() < entry.due_at:
            return PaymentPending()
        final = Decision.DECLINED if entry.token == Token.CANCELLED else Decision.CHARGED
        return _said(self._ledger.decide(entry, final))

    def _notify(self, entry: Entry, news: News, at: datetime, times: int = 1) -> None:
        message = {"order_id": str(entry.order_id), "payment_id": str(entry.refund_of or entry.id), "news": news}
        body, delay = json.dumps(message).encode(), max(timedelta(), at - self._clock())
        headers = {HEADER: sign(self._secret, body, self._clock() + delay)}
        for _ in range(times):
            self._deliver(body, headers, delay)


def _said(entry: Entry) -> Charged | Declined:
    if entry.decision is Decision.DECLINED:
        return Declined(REASONS_OF_DECLINES.get(entry.token, "The card was declined."))
    return Charged(f"sandbox_{entry.id}", entry.amount)
