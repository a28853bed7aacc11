"""Money on its way back: a whole payment, the part of it that was paid for one concert, or what the provider gave."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from chalicelib.platform.money import Money
from chalicelib.shop.orders.events import RefundStarted, refund_id_for_concert

RETRY_AFTER = (timedelta(minutes=10), timedelta(hours=2), timedelta(hours=24))
"""A refund that failed is tried again after these times, and then waits for an operator."""


class RefundStatus(StrEnum):
    STARTED = "started"
    FAILED = "failed"
    COMPLETED = "completed"
    SETTLED = "settled"
    """An operator said that the money went back in another way."""

    ABANDONED = "abandoned"
    """An operator said that the money does not go back."""


@dataclass(frozen=True, slots=True)
class Refund:
    payment_id: UUID
    amount: Money
    reason: str
    status: RefundStatus = RefundStatus.STARTED

    @property
    def completed(self) -> bool:
        """Tells whether the money is back."""
        return self.status in {RefundStatus.COMPLETED, RefundStatus.SETTLED}

    @property
    def ended(self) -> bool:
        """Tells whether nothing is left to do for it."""
        return self.completed or self.status is RefundStatus.ABANDONED


@dataclass(frozen=True, slots=True)
class RefundFailures:
    """The failures of one refund: the provider's id of each, and what the last one leaves to do.

    The id is empty where the provider refused and made no refund. Without `retry_at` an operator must act.
    """

    references: tuple[str, ...]
    reason: str
    retry_at: datetime | None
    failed_at: datetime


class DisputeStatus(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payment that the buyer disputes at their bank; the money is away while it is open."""

    payment_id: UUID
    amount: Money
    reason: str
    status: DisputeStatus = DisputeStatus.OPEN


def refund_id_of(payment_id: UUID, concert_id: UUID | None = None) -> UUID:
    """Return the id of the refund of a payment, or of its part for one concert: it follows from both ids."""
    return uuid5(payment_id, "refund") if concert_id is None else refund_id_for_concert(payment_id, concert_id)


def recorded_refund_id(payment_id: UUID, provider_reference: str) -> UUID:
    """Return the id of a refund that was made at the provider: it follows from the provider's own id."""
    return uuid5(payment_id, f"provider/{provider_reference}")


def granted_refund_id(payment_id: UUID, grant_id: UUID, concert_id: UUID) -> UUID:
    """Return the id of the part of a granted refund that is paid for one concert."""
    return uuid5(payment_id, f"grant/{grant_id}/{concert_id}")


def move_refund_id(payment_id: UUID, move_id: UUID) -> UUID:
    """Return the id of what goes back of a payment because tickets were moved to a cheaper place."""
    return uuid5(payment_id, f"move/{move_id}")


def rest_refund_id(payment_id: UUID, reversal: str) -> UUID:
    """Return the id of what goes back of a payment because another one, which paid for the same tickets, went back.

    `reversal` names the refund that was made at the provider, or the dispute.
    """
    return uuid5(payment_id, f"rest/{reversal}")


def start_refund(payment_id: UUID, refund_id: UUID, amount: Money, reason: str, now: datetime) -> RefundStarted:
    return RefundStarted(payment_id=payment_id, refund_id=refund_id, amount=amount, reason=reason, at=now)
