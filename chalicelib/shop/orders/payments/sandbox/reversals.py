"""Gives money back, as the sandbox's buyers, their banks and its dashboard do, each as the payment's token says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid5

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.money import Money
from chalicelib.shop.orders.payments.port import Attempt, News, ProviderDispute, ProviderRefund, RefundState
from chalicelib.shop.orders.payments.sandbox.entries import DISPUTES, Decision, Entry, Ledger
from chalicelib.shop.orders.payments.sandbox.tokens import DONE_THERE, OF_A_REFUND, Token
from chalicelib.shop.orders.refund import DisputeStatus

_FAILED = "The account is closed."

Takes = Callable[[UUID], timedelta]
"""How long the provider takes for what it does not do at once to a payment."""

Notify = Callable[[Entry, News, datetime], None]
"""Tells the shop about an entry, at this time."""


class ReversalBook:
    """Keeps what has taken of each payment, in the ledger."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime], takes: Takes, notify: Notify) -> None:
        self._ledger = ledger
        self._clock = clock
        self._takes = takes
        self._notify = notify

    def make_refund(self, refund_id: UUID, attempt: Attempt, amount: Money, failures: int) -> ProviderRefund:
        """Refund once for this id and number of failures.

        Raises Unavailable.
        """
        payment, reversals = self._with_reversals(attempt)
        for known in reversals:
            if (known.made_for, known.failures) == (refund_id, failures):
                return self.as_refund(known)
        if payment.token == Token.REFUND_REFUSED and not failures:
            return ProviderRefund("", amount, RefundState.FAILED, refund_id, "The provider makes no refund now.")
        if amount.amount > self._left(payment, reversals):
            raise Unavailable("More than what is left of the payment cannot be refunded.")
        decision = self._decision_of_refund(payment, reversals)
        is_final = decision in {Decision.REFUNDED, Decision.REFUND_FAILED}
        due_at = self._clock() if is_final else self._clock() + self._takes(payment.id)
        made = Entry(payment.id, amount, decision, due_at, made_for=refund_id, failures=failures)
        try:
            return self.as_refund(self._record(payment, reversals, made))
        finally:
            # A provider tells what became of a refund also to whom its answer never reached.
            self._notify(replace(made, order_id=payment.order_id, refund_of=payment.id), News.REVERSAL, due_at)

    def list_of(self, attempt: Attempt) -> list[Entry]:
        """List what has taken of the payment by now, also what is done only as it is asked for.

        Raises Unavailable.
        """
        return self._with_reversals(attempt)[1]

    def there_at(self, payment: Entry) -> datetime:
        """Return when somebody does at the provider what the payment's token says."""
        return payment.due_at + self._takes(payment.id)

    def as_refund(self, entry: Entry) -> ProviderRefund:
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

    def as_dispute(self, entry: Entry) -> ProviderDispute:
        status = DisputeStatus.OPEN
        if self._clock() >= entry.due_at:
            is_won = entry.decision is Decision.DISPUTE_WILL_BE_WON
            status = DisputeStatus.WON if is_won else DisputeStatus.LOST
        return ProviderDispute(f"sandbox_{entry.id}", entry.amount, status, "The buyer does not know the payment.")

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
        if payment.token in DONE_THERE and not is_done and self._clock() >= self.there_at(payment):
            self._do_there(payment, known)
        return payment, known

    def _do_there(self, payment: Entry, known: list[Entry]) -> None:
        """Do what somebody does in the dashboard, or the buyer's bank, with what is left of the payment."""
        left, decision, due_at = self._left(payment, known), DONE_THERE[Token(payment.token)], self._clock()
        if payment.token == Token.PARTLY_REFUNDED_THERE:
            left = min(left, payment.amount.amount * 2 / 5)
        if decision in DISPUTES:
            due_at += self._takes(payment.id)
        if not left:
            return
        amount = Money.of(left, payment.amount.currency)
        entry = self._record(payment, known, Entry(payment.id, amount, decision, due_at))
        if decision in DISPUTES:
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
        if payment.token in OF_A_REFUND and (is_first or payment.token == Token.REFUND_FAILS):
            return OF_A_REFUND[Token(payment.token)]
        return Decision.REFUNDED


def _reversal_id(payment: Entry, number: int) -> UUID:
    return uuid5(payment.id, f"reversal/{number}")
