"""A payment provider for development and tests: a small one with a memory, whose decisions the token makes."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID, uuid5

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
    RefundState,
    Reversals,
)
from chalicelib.shop.orders.payments.signatures import HEADER, ensure_signed, sign
from chalicelib.shop.orders.refund import DisputeStatus

DELAY = timedelta(seconds=5)
"""How long a delayed payment stays undecided, and whatever else the provider does later."""


class Token(StrEnum):
    """What a payment's token lets happen, and what then becomes of its money."""

    APPROVED = "tok_visa"
    DECLINED = "tok_declined"
    REFUSED = "tok_refused"
    DELAYED = "tok_delayed"
    CANCELLED = "tok_cancelled"
    """Undecided, and then cancelled at the provider."""

    LOST_REPLY = "tok_lost_reply"
    NOTIFIED_TWICE = "tok_notified_twice"
    WRONG_AMOUNT = "tok_wrong_amount"
    AUTHENTICATED = "tok_3ds"
    """The bank asks the buyer first; it is charged if the buyer agrees."""

    REFUND_FAILS = "tok_refund_fails"
    """Every refund fails at once."""

    REFUND_FAILS_ONCE = "tok_refund_fails_once"
    REFUND_FAILS_LATER = "tok_refund_fails_later"
    """The first refund is on its way for a while, and then fails."""

    REFUND_BOUNCES = "tok_refund_bounces"
    """The first refund succeeds, and fails after a while."""

    REFUND_REFUSED = "tok_refund_refused"
    """The first refund is refused, and not even made."""

    REFUNDED_THERE = "tok_refunded_there"
    """After a while the whole of it is refunded in the provider's dashboard."""

    PARTLY_REFUNDED_THERE = "tok_partly_refunded_there"
    DISPUTE_WON = "tok_dispute_won"
    DISPUTE_LOST = "tok_dispute_lost"


class Decision(StrEnum):
    """What became of an entry. The last five are of money that goes back; they say what happens at `due_at`."""

    UNDECIDED = "undecided"
    REQUIRES_ACTION = "requires_action"
    CHARGED = "charged"
    DECLINED = "declined"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    REFUND_WILL_FAIL = "refund_will_fail"
    REFUND_WILL_BOUNCE = "refund_will_bounce"
    DISPUTE_WILL_BE_WON = "dispute_will_be_won"
    DISPUTE_WILL_BE_LOST = "dispute_will_be_lost"

    @property
    def is_open(self) -> bool:
        """Tells whether it can still be decided."""
        return self in {Decision.UNDECIDED, Decision.REQUIRES_ACTION}


_DISPUTES = {Decision.DISPUTE_WILL_BE_WON, Decision.DISPUTE_WILL_BE_LOST}
_THERE = {
    Token.REFUNDED_THERE: Decision.REFUNDED,
    Token.PARTLY_REFUNDED_THERE: Decision.REFUNDED,
    Token.DISPUTE_WON: Decision.DISPUTE_WILL_BE_WON,
    Token.DISPUTE_LOST: Decision.DISPUTE_WILL_BE_LOST,
}
"""What is done at the provider to the money of these payments, once, after a while."""

_OF_A_REFUND = {
    Token.REFUND_FAILS: Decision.REFUND_FAILED,
    Token.REFUND_FAILS_ONCE: Decision.REFUND_FAILED,
    Token.REFUND_FAILS_LATER: Decision.REFUND_WILL_FAIL,
    Token.REFUND_BOUNCES: Decision.REFUND_WILL_BOUNCE,
}
"""What becomes of the first refund of these payments; of `REFUND_FAILS`, of every one."""

_FAILED = "The account is closed."


@dataclass(frozen=True, slots=True)
class Entry:
    """A payment, or what took money of the payment `refund_of` back: a refund, or a dispute.

    What is undecided is decided at `due_at`. `made_for` is our id of a refund, and `failures` how many tries had failed
    before it.
    """

    id: UUID
    amount: Money
    decision: Decision
    due_at: datetime
    order_id: UUID | None = None
    refund_of: UUID | None = None
    token: str = ""
    made_for: UUID | None = None
    failures: int = 0

    def moved(self, now: datetime) -> Decimal:
        """Return what it took, or less than nothing for what it gave back, as of this time."""
        is_over = now >= self.due_at
        match self.decision:
            case Decision.CHARGED:
                return self.amount.amount
            case Decision.REFUNDED | Decision.DISPUTE_WILL_BE_LOST:
                return -self.amount.amount
            case Decision.REFUND_WILL_BOUNCE | Decision.DISPUTE_WILL_BE_WON | Decision.REFUND_WILL_FAIL:
                return Decimal(0) if is_over else -self.amount.amount
        return Decimal(0)


class Ledger(Protocol):
    """What the provider remembers. Every method may raise Unavailable."""

    def find(self, entry_id: UUID) -> Entry | None: ...

    def record(self, entry: Entry) -> Entry:
        """Keep the entry unless there is one of this id; returns the one that stands."""

    def decide(self, entry: Entry, decision: Decision) -> Entry:
        """Decide an entry that is open, once; returns it as it stands."""

    def list_due(self, since: datetime, until: datetime) -> Iterator[Entry]:
        """List the entries that are due at `since` or later and before `until`, in no order."""


class MemoryLedger:
    """For tests without servers."""

    def __init__(self) -> None:
        self.entries: dict[UUID, Entry] = {}

    def find(self, entry_id: UUID) -> Entry | None:
        return self.entries.get(entry_id)

    def record(self, entry: Entry) -> Entry:
        return self.entries.setdefault(entry.id, entry)

    def decide(self, entry: Entry, decision: Decision) -> Entry:
        if self.entries[entry.id].decision.is_open:
            self.entries[entry.id] = replace(entry, decision=decision)
        return self.entries[entry.id]

    def list_due(self, since: datetime, until: datetime) -> Iterator[Entry]:
        return iter([entry for entry in self.entries.values() if since <= entry.due_at < until])


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
        if not attempt.amount.is_chargeable:
            return Declined("The provider does not take this amount.")
        known = self._ledger.find(attempt.payment_id)
        if known is not None:
            return self._outcome(known)
        entry = self._ledger.record(self._first(attempt, token))
        self._notify(entry, News.PAYMENT, entry.due_at, times=2 if token == Token.NOTIFIED_TWICE else 1)
        if entry.token in _THERE:
            self._notify(entry, News.REVERSAL, self._there_at(entry))
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
        payment, reversals = self._with_reversals(attempt)
        for known in reversals:
            if (known.made_for, known.failures) == (refund_id, failures):
                return self._refund(known)
        if payment.token == Token.REFUND_REFUSED and not failures:
            return ProviderRefund("", amount, RefundState.FAILED, refund_id, "The provider makes no refund now.")
        if amount.amount > self._left(payment, reversals):
            raise Unavailable("More than what is left of the payment cannot be refunded.")
        decision = self._decision_of_refund(payment, reversals)
        is_final = decision in {Decision.REFUNDED, Decision.REFUND_FAILED}
        due_at = self._clock() if is_final else self._clock() + self.takes(payment.id)
        made = Entry(payment.id, amount, decision, due_at, made_for=refund_id, failures=failures)
        entry = self._record(payment, reversals, made)
        self._notify(entry, News.REVERSAL, due_at)
        return self._refund(entry)

    def find_reversals(self, attempt: Attempt) -> Reversals:
        _, entries = self._with_reversals(attempt)
        refunds = tuple(self._refund(entry) for entry in entries if entry.decision not in _DISPUTES)
        return Reversals(refunds, tuple(self._dispute(entry) for entry in entries if entry.decision in _DISPUTES))

    def list_movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        """List by the time at which each entry is, or was, due; what is due by now is done first."""
        for entry in self._ledger.list_due(since, until):
            if entry.order_id is not None and entry.token in _THERE:
                self._with_reversals(Attempt(entry.id, entry.order_id, entry.amount))
        for entry in self._ledger.list_due(since, until):
            what = self._moved(entry)
            if what is not None:
                yield Movement(what, entry.order_id, entry.refund_of or entry.id)

    def _moved(self, entry: Entry) -> Charged | ProviderRefund | ProviderDispute | None:
        if entry.refund_of is not None:
            return self._dispute(entry) if entry.decision in _DISPUTES else self._refund(entry)
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

    def _with_reversals(self, attempt: Attempt) -> tuple[Entry, list[Entry]]:
        """Return the payment and what has taken of it, of which the first may be done only now.

        They have the payment's id with a number, so that they are found without an index.
        """
        payment = self._ledger.find(attempt.payment_id)
        if payment is None or payment.decision is not Decision.CHARGED:
            raise Unavailable("There is no such payment that was charged.")
        known: list[Entry] = []
        while (entry := self._ledger.find(_reversal_id(payment, len(known)))) is not None:
            known.append(entry)
        is_done = any(entry.made_for is None for entry in known)
        if payment.token in _THERE and not is_done and self._clock() >= self._there_at(payment):
            self._do_there(payment, known)
        return payment, known

    def _there_at(self, payment: Entry) -> datetime:
        return payment.due_at + self.takes(payment.id)

    def _do_there(self, payment: Entry, known: list[Entry]) -> None:
        """Do what somebody does in the dashboard, or the buyer's bank, with what is left of the payment."""
        left, decision, due_at = self._left(payment, known), _THERE[Token(payment.token)], self._clock()
        if payment.token == Token.PARTLY_REFUNDED_THERE:
            left = min(left, payment.amount.amount * 2 / 5)
        if decision in _DISPUTES:
            due_at += self.takes(payment.id)
        if not left:
            return
        amount = Money.of(left, payment.amount.currency)
        entry = self._record(payment, known, Entry(payment.id, amount, decision, due_at))
        if decision in _DISPUTES:
            self._notify(entry, News.REVERSAL, due_at)

    def _record(self, payment: Entry, known: list[Entry], entry: Entry) -> Entry:
        """Record what takes of the payment under the next number; of two at once, the second meets the first."""
        key = _reversal_id(payment, len(known))
        stands = self._ledger.record(replace(entry, id=key, order_id=payment.order_id, refund_of=payment.id))
        known.append(stands)
        if (stands.made_for, stands.failures) != (entry.made_for, entry.failures):
            raise Unavailable("Something else has just taken of this payment.")
        return stands

    def _left(self, payment: Entry, reversals: list[Entry]) -> Decimal:
        return payment.amount.amount + sum(entry.moved(self._clock()) for entry in reversals)

    @staticmethod
    def _decision_of_refund(payment: Entry, reversals: list[Entry]) -> Decision:
        is_first = not any(entry.made_for for entry in reversals)
        if payment.token in _OF_A_REFUND and (is_first or payment.token == Token.REFUND_FAILS):
            return _OF_A_REFUND[Token(payment.token)]
        return Decision.REFUNDED

    def _refund(self, entry: Entry) -> ProviderRefund:
        is_over = self._clock() >= entry.due_at
        match entry.decision:
            case Decision.REFUND_FAILED:
                state = RefundState.FAILED
            case Decision.REFUND_WILL_FAIL:
                state = RefundState.FAILED if is_over else RefundState.PENDING
            case Decision.REFUND_WILL_BOUNCE:
                state = RefundState.FAILED if is_over else RefundState.SUCCEEDED
            case _:
                state = RefundState.SUCCEEDED
        reason = _FAILED if state is RefundState.FAILED else ""
        return ProviderRefund(f"sandbox_{entry.id}", entry.amount, state, entry.made_for, reason)

    def _dispute(self, entry: Entry) -> ProviderDispute:
        status = DisputeStatus.OPEN
        if self._clock() >= entry.due_at:
            is_won = entry.decision is Decision.DISPUTE_WILL_BE_WON
            status = DisputeStatus.WON if is_won else DisputeStatus.LOST
        return ProviderDispute(f"sandbox_{entry.id}", entry.amount, status, "The buyer does not know the payment.")

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


def _reversal_id(payment: Entry, number: int) -> UUID:
    return uuid5(payment.id, f"reversal/{number}")


def _said(entry: Entry) -> Charged | Declined:
    if entry.decision is Decision.DECLINED:
        return Declined(_DECLINES.get(entry.token, "The card was declined."))
    return Charged(f"sandbox_{entry.id}", entry.amount)


_DECLINES: Mapping[str, str] = {
    Token.REFUSED: "The provider does not take this payment.",
    Token.CANCELLED: "The payment was cancelled.",
}
