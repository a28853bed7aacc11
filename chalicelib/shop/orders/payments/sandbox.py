"""A payment provider for development and tests: a small one with a memory, whose decisions the token makes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from pydantic_core import from_json

from chalicelib.platform.errors import InvalidInput, Unavailable
from chalicelib.platform.money import Money
from chalicelib.shop.orders.payments.port import (
    Attempt,
    Charged,
    Declined,
    Notification,
    PaymentOutcome,
    PaymentPending,
    RefundOutcome,
)
from chalicelib.shop.orders.payments.signatures import HEADER, ensure_signed, sign

DELAY = timedelta(seconds=5)
"""How long a delayed payment stays undecided."""


class Token(StrEnum):
    """What a payment's token lets happen; all but `DECLINED` are charged in the end."""

    APPROVED = "tok_visa"
    DECLINED = "tok_declined"
    DELAYED = "tok_delayed"
    LOST_REPLY = "tok_lost_reply"
    NOTIFIED_TWICE = "tok_notified_twice"
    WRONG_AMOUNT = "tok_wrong_amount"


class Decision(StrEnum):
    UNDECIDED = "undecided"
    CHARGED = "charged"
    DECLINED = "declined"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Entry:
    """A payment, or the refund of the payment `refund_of`. What is undecided is charged at `due_at`."""

    id: UUID
    amount: Money
    decision: Decision
    due_at: datetime
    order_id: UUID | None = None
    refund_of: UUID | None = None


class Ledger(Protocol):
    """What the provider remembers. Every method may raise Unavailable."""

    def find(self, entry_id: UUID) -> Entry | None: ...

    def record(self, entry: Entry) -> Entry:
        """Keep the entry unless there is one of this id; returns the one that stands."""

    def decide(self, entry: Entry, decision: Decision) -> Entry:
        """Decide the undecided entry, once; returns it as it stands."""


class MemoryLedger:
    """For tests without servers."""

    def __init__(self) -> None:
        self.entries: dict[UUID, Entry] = {}

    def find(self, entry_id: UUID) -> Entry | None:
        return self.entries.get(entry_id)

    def record(self, entry: Entry) -> Entry:
        return self.entries.setdefault(entry.id, entry)

    def decide(self, entry: Entry, decision: Decision) -> Entry:
        if self.entries[entry.id].decision is Decision.UNDECIDED:
            self.entries[entry.id] = replace(entry, decision=decision)
        return self.entries[entry.id]


Deliver = Callable[[bytes, Mapping[str, str], timedelta], None]
"""Carries a notification, body and headers, to our webhook after a while."""


class SandboxGateway:
    """Keeps what it did in a ledger, so that all containers meet the same provider."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime], secret: str, deliver: Deliver) -> None:
        self._ledger = ledger
        self._clock = clock
        self._secret = secret
        self._deliver = deliver

    def ensure_valid(self, token: str) -> None:
        if token not in set(Token):
            raise InvalidInput(f"The sandbox knows {', '.join(Token)}.", (("#/token", "is unknown"),))

    def charge(self, attempt: Attempt, token: str) -> PaymentOutcome:
        known = self._ledger.find(attempt.payment_id)
        if known is not None:
            return self._outcome(known)
        entry = self._ledger.record(self._first(attempt, token))
        self._notify(entry, times=2 if token == Token.NOTIFIED_TWICE else 1)
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

    def refund(self, refund_id: UUID, attempt: Attempt, amount: Money) -> RefundOutcome:
        payment = self._ledger.find(attempt.payment_id)
        if payment is None or payment.decision is not Decision.CHARGED:
            raise Unavailable("There is no such payment to refund.")
        if self._ledger.find(refund_id) is None:
            entry = Entry(refund_id, amount, Decision.REFUNDED, self._clock(), payment.order_id, payment.id)
            self._notify(self._ledger.record(entry), times=1)
        return RefundOutcome(completed=True)

    def find_refund(self, refund_id: UUID, _: Attempt) -> RefundOutcome | None:
        return None if self._ledger.find(refund_id) is None else RefundOutcome(completed=True)

    def read_notification(self, body: bytes, headers: Mapping[str, str]) -> Notification | None:
        ensure_signed(self._secret, body, headers.get(HEADER, ""), self._clock())
        try:
            news = from_json(body)
            return Notification(UUID(news["order_id"]), UUID(news["payment_id"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput("The body is no notification of the sandbox.", (("#", "makes no sense"),)) from error

    def _first(self, attempt: Attempt, token: str) -> Entry:
        decision, due_at, amount = Decision.CHARGED, self._clock(), attempt.amount
        if token == Token.DECLINED:
            decision = Decision.DECLINED
        elif token == Token.DELAYED:
            decision, due_at = Decision.UNDECIDED, due_at + DELAY
        if token == Token.WRONG_AMOUNT:
            amount = amount.plus(amount)
        return Entry(attempt.payment_id, amount, decision, due_at, attempt.order_id)

    def _outcome(self, entry: Entry) -> PaymentOutcome:
        if entry.decision is not Decision.UNDECIDED:
            return _said(entry)
        if self._clock() < entry.due_at:
            return PaymentPending()
        return _said(self._ledger.decide(entry, Decision.CHARGED))

    def _notify(self, entry: Entry, times: int) -> None:
        news = {"order_id": str(entry.order_id), "payment_id": str(entry.refund_of or entry.id)}
        body, delay = json.dumps(news).encode(), max(timedelta(), entry.due_at - self._clock())
        headers = {HEADER: sign(self._secret, body, self._clock() + delay)}
        for _ in range(times):
            self._deliver(body, headers, delay)


def _said(entry: Entry) -> Charged | Declined:
    if entry.decision is Decision.DECLINED:
        return Declined("The card was declined.")
    return Charged(f"sandbox_{entry.id}", entry.amount)
