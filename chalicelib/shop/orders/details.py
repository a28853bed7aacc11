"""Tells other contexts what an order is: its buyer, its tickets, its refunds, and the link that leads to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.caller import is_guest
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.instants import as_utc
from chalicelib.platform.ids import IdKey
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.orders.events import (
    IssuedTicket,
    OrderConfirmed,
    OrderLine,
    OrderLinkIssued,
    OrderPlaced,
    PaymentFailed,
    RefundCompleted,
    RefundRecorded,
)
from chalicelib.shop.orders.links import OrderLink, first_link
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.rules import OrderStatus


@dataclass(frozen=True, slots=True)
class Admission:
    """A ticket with the line of the order on which it was bought, and since when it admits nobody any more."""

    ticket: IssuedTicket
    line: OrderLine
    is_valid: bool
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderDetails:
    """`buyer` is None in orders of the original. Instants say when something happened first, by its payment or refund.

    `link` is None where the order belongs to an account, which needs none.
    """

    id: UUID
    status: OrderStatus | None
    total: Money
    buyer: Sealed | None
    language: str | None
    admissions: tuple[Admission, ...]
    concert_ids: frozenset[UUID]
    payment_due_at: datetime | None
    has_open_payment: bool
    confirmed_at: datetime | None
    refunds: Mapping[UUID, Money]
    refunded_at: Mapping[UUID, datetime]
    payments_failed_at: Mapping[UUID, datetime]
    link: OrderLink | None
    links_issued_at: Mapping[UUID, datetime]

    def is_payable(self, now: datetime) -> bool:
        is_in_time = self.payment_due_at is not None and now < self.payment_due_at
        return self.status is OrderStatus.AWAITING_PAYMENT and is_in_time and not self.has_open_payment

    def admissions_to(self, concert_id: UUID) -> list[Admission]:
        return [one for one in self.admissions if one.ticket.concert_id == concert_id]

    def link_text(self, ids: IdKey) -> str | None:
        """Return the link as its guest has it."""
        return None if self.link is None else self.link.signed(ids).text


def details_from(order_id: UUID, events: Iterable[RecordedEvent]) -> OrderDetails:
    """Tell an order from its events."""
    order, seen = ORDER.initial, _Seen()
    for recorded in events:
        before, order = order, ORDER.evolve(order, recorded.event)
        seen.note(order_id, recorded)
        seen.ended_at |= dict.fromkeys(before.valid - order.valid, as_utc(recorded.created))
    admissions = (line for line in order.lines for _ in range(line.quantity))
    return OrderDetails(
        order_id,
        order.status,
        order.total,
        None if order.buyer_erased else order.buyer,
        seen.language,
        tuple(
            Admission(ticket, line, ticket.id in order.valid, seen.ended_at.get(ticket.id))
            for ticket, line in zip(order.tickets, admissions, strict=False)
        ),
        frozenset(line.concert_id for line in order.lines if line.concert_id is not None),
        order.payment_due_at,
        bool(order.open_payments),
        seen.confirmed_at,
        {key: refund.amount for key, refund in order.refunds.items()},
        seen.refunded_at,
        seen.payments_failed_at,
        seen.link if _needs_link(order) else None,
        seen.links_issued_at,
    )


def _needs_link(order: Order) -> bool:
    return order.account_id is None and order.customer_id is not None and is_guest(order.customer_id)


class _Seen:
    """Remembers what the order itself does not, because it decides nothing by it."""

    def __init__(self) -> None:
        self.language: str | None = None
        self.confirmed_at: datetime | None = None
        self.link: OrderLink | None = None
        self.refunded_at: dict[UUID, datetime] = {}
        self.payments_failed_at: dict[UUID, datetime] = {}
        self.links_issued_at: dict[UUID, datetime] = {}
        self.ended_at: dict[UUID, datetime] = {}

    def note(self, order_id: UUID, recorded: RecordedEvent) -> None:
        at = as_utc(recorded.created)
        match recorded.event:
            case OrderPlaced() as event:
                self.language = event.language
                self.link = first_link(order_id, event.payment_due_at)
            case OrderConfirmed():
                self.confirmed_at = at
            case OrderLinkIssued() as event:
                self.link = OrderLink(order_id, event.number, event.expires_at)
                self.links_issued_at[event.link_id] = at
            case RefundCompleted() | RefundRecorded() as event:
                self.refunded_at.setdefault(event.refund_id, at)
            case PaymentFailed() as event:
                self.payments_failed_at.setdefault(event.payment_id, at)
