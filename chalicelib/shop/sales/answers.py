"""Defines what the routes of the sales answer."""

from typing import NotRequired

from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Amount, Count, Day, Id, Instant, SignedAmount, Version


class TicketCounts(TypedDict):
    valid: Count
    revoked: Count
    checked_in: Count


class CurrencyTotals(TypedDict):
    """What was sold in one currency; `kept` is what was taken less what went back or is going back."""

    currency: str
    orders: Count
    sold: Count
    taken: Amount
    refunded: Amount
    refunding: Amount
    charged_back: Amount
    kept: Amount


class Totals(TypedDict):
    tickets: TicketCounts
    money: list[CurrencyTotals]


class SoldConcert(TypedDict):
    concert_id: Id
    name: str | None
    status: str | None
    starts_at: Instant | None
    time_zone: str | None
    money: list[CurrencyTotals]


class Sales(Totals):
    """The totals of all concerts, and a part of the list of them."""

    items: list[SoldConcert]
    next_cursor: str | None


class TicketTypeSales(TypedDict):
    """What was sold of a ticket type; one that draws from an area has no quantity of its own."""

    id: Id
    name: str
    price: Amount
    quantity: Count | None
    sold: Count
    value: Amount


class ConcertSales(Totals):
    concert_id: Id
    name: str | None
    status: str | None
    starts_at: Instant | None
    time_zone: str | None
    venue: str | None
    ticket_types: list[TicketTypeSales]


class SoldTo(TypedDict):
    """A buyer, or the guest of a complimentary order, who may have no address."""

    name: str
    email: NotRequired[str]


class SoldLine(TypedDict):
    concert_id: Id | None
    concert_name: str | None
    ticket_type_id: Id
    ticket_type_name: str
    quantity: Count
    sold: Count
    total: Amount


class SoldOrder(TypedDict):
    """An order, with what of it is for the concerts in question; `buyer` is null once the person is erased."""

    id: Id
    status: str | None
    placed_at: Instant | None
    confirmed_at: Instant | None
    buyer: SoldTo | None
    quantity: Count
    sold: Count
    total: Amount
    taken: Amount
    refunded: Amount
    refunding: Amount
    charged_back: Amount
    kept: Amount
    lines: list[SoldLine]
    version: Version


class Attendee(TypedDict):
    """A ticket with its buyer, which is null once the person is erased."""

    ticket_id: Id
    order_id: Id
    concert_id: Id | None
    concert_name: str | None
    ticket_type_id: Id
    ticket_type_name: str
    status: str
    issued_at: Instant
    checked_in_at: Instant | None
    buyer: SoldTo | None


class SoldRefund(TypedDict):
    id: str
    order_id: Id
    concert_id: Id
    concert_name: str | None
    amount: Amount
    reason: str | None
    status: str
    started_at: Instant | None
    completed_at: Instant | None


class DaySales(TypedDict):
    """A day by the clock of the venue; without `time_zone` the venues have several, and `hours` is unknown.

    `tickets` and `sales` are below zero on a day on which more was moved away than was sold.
    """

    date: Day
    currency: str
    orders: Count
    tickets: int
    sales: SignedAmount
    refunded: Amount
    time_zone: str | None
    hours: float | None


class MinuteSales(TypedDict):
    minute: Count
    at: Instant | None
    orders: Count
    ordered: Count
    paid: Count


class Opening(TypedDict):
    """The first minutes of the sale; nothing began yet without `begins_at`."""

    begins_at: Instant | None
    items: list[MinuteSales]
