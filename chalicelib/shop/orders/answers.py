"""Defines what the routes of the orders answer."""

from typing import Literal

from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Amount, Count, Id, Instant, Version
from chalicelib.shop.orders.granting import GrantedBy
from chalicelib.shop.orders.refund import DisputeStatus, RefundStatus
from chalicelib.shop.orders.refund_policy import TicketsOnReversal
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from chalicelib.shop.orders.ticket import TicketStatus


class OrderLine(TypedDict):
    ticket_type_id: Id
    ticket_type_name: str
    concert_id: Id | None
    concert_name: str
    quantity: Count
    unit_price: Amount
    total: Amount


class Payment(TypedDict):
    """An attempt to pay; `reason` says why it failed or went back."""

    id: Id
    provider: str
    amount: Amount
    status: PaymentStatus
    reason: str | None


class OrderRefund(TypedDict):
    id: Id
    payment_id: Id
    amount: Amount
    reason: str
    status: RefundStatus


class OrderDispute(TypedDict):
    """A payment that the buyer disputes; `id` is the provider's."""

    id: str
    payment_id: Id
    amount: Amount
    reason: str
    status: DisputeStatus


class Ticket(TypedDict):
    id: Id
    ticket_type_id: Id
    ticket_type_name: str
    concert_id: Id | None
    concert_name: str
    status: TicketStatus


class OrderTickets(TypedDict):
    """The tickets of an order, for the list of them."""

    order_id: Id
    items: list[Ticket]
    version: Version


class OrderSummary(TypedDict):
    """An order without its buyer; one that the original imported has neither lines nor a status."""

    id: Id
    cart_id: Id | None
    lines: list[OrderLine]
    total: Amount | None
    placed_at: Instant | None
    payment_due_at: Instant | None
    status: OrderStatus | None
    payments: list[Payment]
    refunds: list[OrderRefund]
    disputes: list[OrderDispute]
    tickets: list[Ticket]
    version: Version


class OrderBuyer(TypedDict):
    name: str
    email: str


class Order(OrderSummary):
    """An order with its buyer, which is null once the person is erased."""

    buyer: OrderBuyer | None


class Paid(TypedDict):
    payment_id: Id
    status: PaymentStatus
    order_id: Id
    order_status: OrderStatus
    version: Version


class NextAction(TypedDict):
    """What the customer has to do at the bank, with the provider's library or at the address."""

    client_secret: str
    redirect_url: str | None


class ActionRequired(TypedDict):
    """Says that the customer has to authenticate before the payment goes on."""

    payment_id: Id
    status: Literal["requires_action"]
    order_id: Id
    order_status: OrderStatus
    next_action: NextAction
    version: Version


class OrderCancelled(TypedDict):
    order_id: Id
    status: OrderStatus
    version: Version


class CheckedIn(TypedDict):
    """Says whom the door lets in; `version` is that of the ticket."""

    ticket_id: Id
    ticket_type_name: str
    checked_in_at: Instant
    version: Version


class IssuedTicket(TypedDict):
    id: Id
    ticket_type_id: Id
    concert_id: Id | None


class TicketsIssued(TypedDict):
    order_id: Id
    tickets: list[IssuedTicket]
    version: Version


class BuyerCorrected(TypedDict):
    order_id: Id
    version: Version


class RefundPolicy(TypedDict):
    """Until when customers give tickets back, and what is kept of the price; `version` is null without a policy."""

    concert_id: Id
    customers_until: Instant | None
    fee_percent: Count
    tickets_on_reversal: TicketsOnReversal
    version: Version | None


class GrantedPart(TypedDict):
    """What goes back of one concert; without `refund_id` no money does."""

    concert_id: Id
    ticket_ids: list[Id]
    amount: Amount
    fee: Amount
    refund_id: Id | None


class RefundGranted(TypedDict):
    id: Id
    order_id: Id
    by: GrantedBy
    reason: str
    restocked: bool
    parts: list[GrantedPart]
    version: Version


class Refund(TypedDict):
    """A refund as it is now; one that nobody asked for here has no grant."""

    grant_id: Id | None
    by: GrantedBy | None
    at: Instant | None
    reason: str
    restocked: bool
    concert_id: Id | None
    ticket_ids: list[Id]
    fee: Amount
    refund_id: Id | None
    amount: Amount
    status: RefundStatus | None
