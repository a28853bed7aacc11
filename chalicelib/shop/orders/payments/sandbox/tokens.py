"""Defines the tokens of the sandbox: what each lets happen to its payment, and then to the money."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from chalicelib.shop.orders.payments.sandbox.entries import Decision

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


DONE_THERE = {
    Token.REFUNDED_THERE: Decision.REFUNDED,
    Token.PARTLY_REFUNDED_THERE: Decision.REFUNDED,
    Token.DISPUTE_WON: Decision.DISPUTE_WILL_BE_WON,
    Token.DISPUTE_LOST: Decision.DISPUTE_WILL_BE_LOST,
}
"""What is done at the provider to the money of these payments, once, after a while."""

OF_A_REFUND = {
    Token.REFUND_FAILS: Decision.REFUND_FAILED,
    Token.REFUND_FAILS_ONCE: Decision.REFUND_FAILED,
    Token.REFUND_FAILS_LATER: Decision.REFUND_WILL_FAIL,
    Token.REFUND_BOUNCES: Decision.REFUND_WILL_BOUNCE,
}
"""What becomes of the first refund of these payments; of `REFUND_FAILS`, of every one."""

REASONS_OF_DECLINES: Mapping[str, str] = {
    Token.REFUSED: "The provider does not take this payment.",
    Token.CANCELLED: "The payment was cancelled.",
}
