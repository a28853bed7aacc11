"""The port to payment providers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.money import Money


@dataclass(frozen=True, slots=True)
class Attempt:
    """One payment of an order, as it was asked for: all that a provider needs to know it again."""

    payment_id: UUID
    order_id: UUID
    amount: Money


@dataclass(frozen=True, slots=True)
class Charged:
    """The provider took the money; `reference` is its own id of the payment, `amount` what it really took."""

    reference: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider took nothing and will not: the card was declined, or the payment itself is refused.

    `reason` is fit to be shown to the customer: it names no ids.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class PaymentPending:
    """The provider has not decided yet; a notification will say so, and so does asking again."""


PaymentOutcome = Charged | Declined | PaymentPending


@dataclass(frozen=True, slots=True)
class RefundOutcome:
    """Says what became of a refund: on its way, or completed."""

    completed: bool


@dataclass(frozen=True, slots=True)
class Notification:
    """A provider says that there is news of a payment or of its refund. What the news is, it is asked."""

    order_id: UUID
    payment_id: UUID


class PaymentGateway(Protocol):
    """Reaches one provider. Every method raises Unavailable if the provider does not answer: then the outcome is
    unknown.

    Our ids are its idempotency keys: charging or refunding again gives the first outcome and moves no more money.
    """

    def ensure_valid(self, token: str) -> None:
        """Raises InvalidInput for what cannot be a token of this provider; asked before anything is written."""

    def charge(self, attempt: Attempt, token: str) -> PaymentOutcome:
        """The provider keeps our ids beside the payment and names them in its notifications."""

    def find_payment(self, attempt: Attempt) -> PaymentOutcome | None:
        """None if the provider was never asked for it."""

    def cancel(self, attempt: Attempt) -> PaymentOutcome:
        """Close the payment for good, also one the provider never heard of: a charge that arrives later is declined.
        Charged means that it is too late, PaymentPending that it is too late and too early to tell."""

    def refund(self, refund_id: UUID, attempt: Attempt, amount: Money) -> RefundOutcome:
        """Give back `amount`: what was taken, which may not be what was asked for, or a part of it. One payment may
        have several refunds, each under an id of its own."""

    def find_refund(self, refund_id: UUID, attempt: Attempt) -> RefundOutcome | None:
        """None if the provider was never asked for it."""

    def read_notification(self, body: bytes, headers: Mapping[str, str]) -> Notification | None:
        """None for news of other things. Raises BadSignature for what the provider did not send, or not just now, and
        InvalidInput for what makes no sense."""


def gateway_of(gateways: Mapping[str, PaymentGateway], provider: str) -> PaymentGateway:
    """Raises InvalidInput for an unknown provider."""
    if provider not in gateways:
        known = ", ".join(sorted(gateways))
        raise InvalidInput(f"The provider is unknown; there is {known}.", (("#/provider", "is unknown"),))
    return gateways[provider]
