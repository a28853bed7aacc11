"""What an order keeps, beside what the rules know, of its payments, its revocations and the moves of its tickets."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.shop.orders.events import TicketMoveStarted, TicketsMoved
from chalicelib.shop.orders.rules import PaymentState, PaymentStatus

REQUEST_TIME = timedelta(minutes=1)
"""After this long the request that started a payment is dead: API Gateway gives it 29 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(PaymentState):
    """Keeps, beside what the rules know, what only the write side needs: the request that started it, and when, and the
    provider's own id of a payment that succeeded. With `move_id` it pays the difference of a move."""

    request_hash: str
    started_at: datetime
    reference: str | None = None
    move_id: UUID | None = None

    @property
    def is_open(self) -> bool:
        """Tells whether the provider has still to say what became of it."""
        return self.status.is_open

    @property
    def may_succeed(self) -> bool:
        """A success is news also after a failure: the money counts, not the order in which notifications arrive."""
        return self.status in {PaymentStatus.STARTED, PaymentStatus.FAILED}

    def is_abandoned(self, now: datetime) -> bool:
        """Tells whether the request that started it must be dead."""
        return now >= self.started_at + REQUEST_TIME


@dataclass(frozen=True, slots=True)
class Revocation:
    """Tickets of one concert that may not all say in their own streams yet that they are revoked."""

    reason: str
    ticket_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class TicketMove:
    """One move of tickets: `started` if its difference had to be paid first, and `moved` once it was done.

    A move that was started and not done ends when it is not paid in time, or when its tickets are not valid any more.
    """

    started: TicketMoveStarted | None = None
    moved: TicketsMoved | None = None
    ended: bool = False

    @property
    def is_open(self) -> bool:
        """Tells whether the move still waits for its payment."""
        return self.started is not None and self.moved is None and not self.ended
