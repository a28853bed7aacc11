"""Money on its way back: a whole payment, or the part of it that was paid for one concert."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from chalicelib.platform.money import Money
from chalicelib.shop.orders.events import RefundStarted


class RefundStatus(StrEnum):
    STARTED = "started"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Refund:
    payment_id: UUID
    amount: Money
    reason: str
    status: RefundStatus = RefundStatus.STARTED

    @property
    def completed(self) -> bool:
        return self.status is RefundStatus.COMPLETED


def refund_id_of(payment_id: UUID, concert_id: UUID | None = None) -> UUID:
    """Return the id of the refund of a payment, or of its part for one concert: it follows from both ids."""
    return uuid5(payment_id, "refund" if concert_id is None else f"refund/{concert_id}")


def start_refund(payment_id: UUID, refund_id: UUID, amount: Money, reason: str, now: datetime) -> RefundStarted:
    return RefundStarted(payment_id=payment_id, refund_id=refund_id, amount=amount, reason=reason, at=now)
