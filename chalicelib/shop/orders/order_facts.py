"""What an order knows: its facts, what is left of its money, and what it still waits for. It decides nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from chalicelib.platform.errors import NotFound
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.orders.events import (
    IssuedTicket,
    OrderLine,
    RefundGranted,
    TicketMoveStarted,
    TicketsMoved,
    TicketsReissued,
)
from chalicelib.shop.orders.refund import Dispute, DisputeStatus, Refund, RefundFailures, RefundStatus, refund_id_of
from chalicelib.shop.orders.rules import OrderState, OrderStatus, PaymentState, PaymentStatus, status_at

NOTHING = Money.zero("EUR")
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


@dataclass(frozen=True, slots=True)
class OrderFacts(OrderState):
    """Keeps what the order has to decide by: `revocations_under_way` by concert; grants, moves and reissues by ids.

    `lines` are what was bought, and then the places of the tickets that were moved, so that tickets follow the lines.
    The stock knows the order under `customer_id`. `account_id` is the account to which a guest's order was joined.
    """

    customer_id: UUID | None = None
    account_id: UUID | None = None
    links: tuple[UUID, ...] = ()
    cart_id: UUID | None = None
    issued_by: UUID | None = None
    buyer: Sealed | None = None
    buyer_erased: bool = False
    lines: tuple[OrderLine, ...] = ()
    total: Money = NOTHING
    placed_at: datetime | None = None
    payment_due_at: datetime | None = None
    payments: Mapping[UUID, Payment] = field(default_factory=dict)
    tickets: tuple[IssuedTicket, ...] = ()
    revocations_under_way: Mapping[UUID, Revocation] = field(default_factory=dict)
    failures: Mapping[UUID, RefundFailures] = field(default_factory=dict)
    grants: Mapping[UUID, RefundGranted] = field(default_factory=dict)
    moves: Mapping[UUID, TicketMove] = field(default_factory=dict)
    reissues: Mapping[UUID, TicketsReissued] = field(default_factory=dict)

    def status_at(self, now: datetime) -> OrderStatus | None:
        """Return the status by the clock, as `rules.status_at` says."""
        return status_at(self.status, self.payment_due_at, bool(self.open_payments), now)

    @property
    def owner_id(self) -> UUID | None:
        """Returns whose order it is: the account that it was joined to, or whoever placed it."""
        return self.account_id or self.customer_id

    def ensure_of(self, person_id: UUID) -> None:
        """Refuse everybody but the order's owner.

        Raises:
            NotFound: because another customer's order does not exist.
        """
        if self.owner_id != person_id:
            raise NotFound("There is no such order.")
        self.ensure_exists()

    def ensure_exists(self) -> None:
        """Refuse an order that was never placed.

        Raises:
            NotFound
        """
        if self.status is None:
            raise NotFound("There is no such order.")

    def has_given_back(self, concert_id: UUID) -> bool:
        """Tell whether the money of the concert went back because it is cancelled."""
        return any(refund_id_of(payment_id, concert_id) in self.refunds for payment_id in self.paying)

    def kept_for(self, concert_id: UUID) -> Money:
        """Return what was paid for the concert and not granted back since; a fee that was kept is not in it.

        What was paid for a ticket goes with it to another concert.
        """
        bought = [
            line.unit_price.times(line.quantity)
            for line in self.lines
            if line.concert_id == concert_id and line.hold_id not in self.moves
        ]
        parts = [part for grant in self.grants.values() for part in grant.parts if part.concert_id == concert_id]
        gone = [part.amount.plus(part.fee) for part in parts]
        moved = [move.moved for move in self.moves.values() if move.moved is not None]
        bought += [one.carried.plus(one.supplement) for one in moved if one.line.concert_id == concert_id]
        gone += [one.carried.plus(one.refunded) for one in moved if one.concert_id == concert_id]
        return Money.of(max(Decimal(0), _sum(bought) - _sum(gone)), self.total.currency)

    def not_refunded(self, payment_id: UUID) -> Decimal:
        """Return the part of a payment that no refund gives back, neither ours nor the provider's."""
        gone = sum(one.amount.amount for one in self.refunds.values() if one.payment_id == payment_id)
        return max(Decimal(0), self.payments[payment_id].amount.amount - gone)

    @property
    def left_to_refund(self) -> Decimal:
        """Returns what no refund gives back of what was paid for the tickets, and no fee keeps."""
        return max(Decimal(0), sum(map(self.not_refunded, self.paying), -self.fees))

    @property
    def fees(self) -> Decimal:
        """Returns what was kept of tickets that were given back."""
        return _sum(part.fee for grant in self.grants.values() for part in grant.parts)

    @property
    def disputed_payments(self) -> frozenset[UUID]:
        """Returns the payments of which a dispute is open, or was lost."""
        return frozenset(one.payment_id for one in self.disputes.values() if one.status is not DisputeStatus.WON)

    @property
    def price_of_valid(self) -> Decimal:
        """Returns what the tickets cost that admit somebody. They were issued in the order of the lines."""
        prices = [line.unit_price.amount for line in self.lines for _ in range(line.quantity)]
        issued = zip(self.tickets, prices, strict=False)
        return sum((price for ticket, price in issued if ticket.id in self.valid), Decimal(0))

    def spread(self, amount: Decimal) -> list[tuple[UUID, Money]]:
        """Divide a refund over the payments that have money left: those in dispute come last, the newest first."""
        parts = []
        for payment_id in sorted(self.paying, key=self.disputed_payments.__contains__):
            part = min(amount, self.not_refunded(payment_id))
            if part:
                parts.append((payment_id, Money.of(part, self.total.currency)))
                amount -= part
        return parts

    def asked_for(self, payment_id: UUID) -> Money:
        """Return what a payment was started for: the total of the order, or the difference of a move."""
        move = self.moves.get(self.payments[payment_id].move_id or payment_id)
        return self.total if move is None or move.started is None else move.started.supplement

    def due_of(self, payment_id: UUID) -> datetime | None:
        """Return until when a payment may succeed in time."""
        move = self.moves.get(self.payments[payment_id].move_id or payment_id)
        return self.payment_due_at if move is None or move.started is None else move.started.payment_due_at

    @property
    def open_payments(self) -> tuple[UUID, ...]:
        """Returns the payments of which the provider has not said yet what became of them."""
        return tuple(key for key, payment in self.payments.items() if payment.status.is_open)

    @property
    def open_move(self) -> TicketMoveStarted | None:
        """Returns the move that waits for its payment; there is one at most."""
        return next((move.started for move in self.moves.values() if move.is_open), None)

    @property
    def refunds_under_way(self) -> dict[UUID, Refund]:
        """Returns what should go back and has not arrived yet, by the refund's id; also what waits for an operator."""
        return {
            key: refund
            for key, refund in self.refunds.items()
            if not refund.ended and refund.payment_id in self.payments
        }

    @property
    def open_disputes(self) -> dict[str, Dispute]:
        """Returns the disputes of which the provider has not said how they end."""
        return {
            key: one
            for key, one in self.disputes.items()
            if one.status is DisputeStatus.OPEN and one.payment_id in self.payments
        }

    def refunds_due(self, now: datetime) -> dict[UUID, Refund]:
        """Returns the refunds that are to be made now, the first time or again."""
        return {key: refund for key, refund in self.refunds_under_way.items() if self._is_due(key, refund, now)}

    def _is_due(self, refund_id: UUID, refund: Refund, now: datetime) -> bool:
        if refund.status is RefundStatus.STARTED or refund_id not in self.failures:
            return True
        retry_at = self.failures[refund_id].retry_at
        return retry_at is not None and retry_at <= now

    @property
    def stuck_refunds(self) -> dict[UUID, Refund]:
        """Returns the refunds that failed for good, and wait for an operator."""
        return {
            key: refund
            for key, refund in self.refunds_under_way.items()
            if refund.status is RefundStatus.FAILED and key in self.failures and self.failures[key].retry_at is None
        }

    @property
    def is_unfinished(self) -> bool:
        """Tells whether the provider or the tickets' streams have still to hear of a decision."""
        return bool(self.refunds_under_way or self.revocations_under_way)

    @property
    def valid_tickets(self) -> list[IssuedTicket]:
        return [ticket for ticket in self.tickets if ticket.id in self.valid]

    @property
    def revoked(self) -> tuple[UUID, ...]:
        """Returns the ids of the tickets that admit nobody any more."""
        return tuple(ticket.id for ticket in self.tickets if ticket.id not in self.valid)


def _sum(amounts: Iterable[Money]) -> Decimal:
    return sum((money.amount for money in amounts), Decimal(0))
