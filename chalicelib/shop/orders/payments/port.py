"""The port to payment providers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.money import Money
from chalicelib.shop.orders.refund import DisputeStatus


@dataclass(frozen=True, slots=True)
class Attempt:
    """One payment of an order, as it was asked for: all that a provider needs to know it again.

    `reference` is the provider's own id of it, once it is known: that spares a search.
    """

    payment_id: UUID
    order_id: UUID
    amount: Money
    reference: str | None = None


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


class RefundState(StrEnum):
    """The states of a refund at a provider; a refund that was cancelled there has failed."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """A refund as the provider has it; `reference` is its own id, empty if it refused to make any.

    `refund_id` is ours, and None for one that was made in its dashboard. `reason` says why it failed.
    """

    reference: str
    amount: Money
    state: RefundState
    refund_id: UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProviderDispute:
    """A dispute as the provider has it; `reference` is its own id."""

    reference: str
    amount: Money
    status: DisputeStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reversals:
    """Everything that took money of one payment back, or tried to."""

    refunds: tuple[ProviderRefund, ...] = ()
    disputes: tuple[ProviderDispute, ...] = ()

    @property
    def is_disputed(self) -> bool:
        """Tells whether a dispute is open, so that the provider makes no refund."""
        return any(dispute.status is DisputeStatus.OPEN for dispute in self.disputes)

    def is_pending(self, refund_id: UUID) -> bool:
        return any(one.refund_id == refund_id and one.state is RefundState.PENDING for one in self.refunds)

    def left_of(self, taken: Money) -> Money:
        """Return what can still be refunded of what was taken."""
        refunded = sum(one.amount.amount for one in self.refunds if one.state is not RefundState.FAILED)
        lost = sum(one.amount.amount for one in self.disputes if one.status is not DisputeStatus.WON)
        return Money.of(max(Decimal(0), taken.amount - refunded - lost), taken.currency)


@dataclass(frozen=True, slots=True)
class Movement:
    """One thing that a provider did to money, as it lists it: a payment that was charged, a refund, or a dispute.

    Both ids are ours; they are None if the payment has nothing to do with this shop.
    """

    what: Charged | ProviderRefund | ProviderDispute
    order_id: UUID | None = None
    payment_id: UUID | None = None


class News(StrEnum):
    """What a notification is about."""

    PAYMENT = "payment"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class Notification:
    """A provider says that there is news of a payment, or of its refunds and disputes. What it is, it is asked."""

    order_id: UUID
    payment_id: UUID
    news: News = News.PAYMENT


class PaymentGateway(Protocol):
    """Reaches one provider. Every method raises Unavailable if the provider does not answer: then the outcome is
    unknown. What the provider refuses for good is an outcome: Declined, or a refund that failed.

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

    def refund(self, refund_id: UUID, attempt: Attempt, amount: Money, failures: int = 0) -> ProviderRefund:
        """Give back `amount`: what was taken, which may not be what was asked for, or a part of it.

        One payment may have several refunds, each under an id of its own. After so many `failures` of this refund it is
        tried anew; without another failure, asking again gives the first answer.
        """

    def find_reversals(self, attempt: Attempt) -> Reversals:
        """Find every refund and dispute of a payment that succeeded, in one request where nothing is disputed."""

    def list_movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        """List the payments, refunds and disputes that began at `since` or later and before `until`, as they are now.

        They come page by page and in no order; payments that were not charged are left out.
        """

    def read_notification(self, body: bytes, headers: Mapping[str, str]) -> Notification | None:
        """None for news of other things. Raises BadSignature for what the provider did not send, or not just now, and
        InvalidInput for what makes no sense."""


def gateway_of(gateways: Mapping[str, PaymentGateway], provider: str) -> PaymentGateway:
    """Raises InvalidInput for an unknown provider."""
    if provider not in gateways:
        known = ", ".join(sorted(gateways))
        raise InvalidInput(f"The provider is unknown; there is {known}.", (("#/provider", "is unknown"),))
    return gateways[provider]
