"""Defines what the routes of the orders answer."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Amount, Anything, Count, Id, Instant, Version
from chalicelib.shop.orders.granting import GrantedBy
from chalicelib.shop.orders.refund import DisputeStatus, RefundStatus
from chalicelib.shop.orders.refund_policy import TicketsOnReversal
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from chalicelib.shop.orders.ticket import TicketStatus
from chalicelib.shop.orders.timeline.entries import By


class OrderLine(TypedDict):
    """Tickets of one type that were bought together, or of one move of tickets to it."""

    ticket_type_id: Id
    ticket_type_name: str
    concert_id: Id | None
    concert_name: str
    quantity: Count
    unit_price: Amount
    total: Amount
    move_id: NotRequired[Id]


class OrderMove(TypedDict):
    """A move of tickets; until it is paid, `payment_due_at` says until when, and nothing is moved yet."""

    id: Id
    by: GrantedBy
    at: Instant
    status: Literal["awaiting_payment", "ended", "moved"]
    concert_id: Id
    ticket_ids: list[Id]
    to_concert_id: Id | None
    to_ticket_type_id: Id
    supplement: Amount
    payment_due_at: NotRequired[Instant]
    carried: NotRequired[Amount]
    refunded: NotRequired[Amount]
    refund_ids: NotRequired[list[Id]]
    payment_id: NotRequired[Id | None]


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


class TicketHolder(TypedDict):
    """Who comes with a ticket that was moved to another person than the buyer."""

    name: str
    email: NotRequired[str]


class Ticket(TypedDict):
    """A ticket; `replaced_by` is the one that was made of it when it was moved.

    An order and its tickets show the `holder` of a ticket that was moved to another person: null once that person is
    erased. A list of orders shows neither holders nor buyers.
    """

    id: Id
    ticket_type_id: Id
    ticket_type_name: str
    concert_id: Id | None
    concert_name: str
    status: TicketStatus
    replaced_by: NotRequired[Id]
    holder: NotRequired[TicketHolder | None]


class CodedTicket(Ticket):
    """A ticket with the code that admits; null once it admits nobody."""

    code: str | None


class OwnTicket(CodedTicket):
    """A ticket as its customer reads it; `version` is that of its order."""

    order_id: Id
    version: Version


class WalletLink(TypedDict):
    """A link to show to its ticket's bearer alone: whoever follows it has the code."""

    url: str


class OrderTickets(TypedDict):
    """The tickets of an order, for the list of them."""

    order_id: Id
    items: list[CodedTicket]
    version: Version


class HeldTicket(CodedTicket):
    """A ticket with what it cost: null where tickets of its type were bought at several prices."""

    price: Amount | None


class HeldTickets(TypedDict):
    """The tickets of an order with their holders, for what is made of them."""

    order_id: Id
    items: list[HeldTicket]
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
    moves: list[OrderMove]
    version: Version


class OrderBuyer(TypedDict):
    """A buyer, or the guest of a complimentary order, who may have no address."""

    name: str
    email: NotRequired[str]


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


class TicketsMovedTo(TypedDict):
    """A move, done or still to be paid: then `payment_due_at` says until when, by a payment of the order."""

    id: Id
    order_id: Id
    by: GrantedBy
    reason: str
    status: Literal["awaiting_payment", "moved"]
    replaced: list[Id]
    tickets: list[IssuedTicket]
    unit_price: Amount
    supplement: Amount
    refunded: Amount | None
    payment_due_at: Instant | None
    version: Version


class RefundPolicy(TypedDict):
    """Until when customers give tickets back or move them, and what is kept of the price.

    `version` is null without a policy.
    """

    concert_id: Id
    customers_until: Instant | None
    fee_percent: Count
    fee_per_ticket: Amount | None
    moves_until: Instant | None
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


class TimelineItem(TypedDict):
    """Something that happened; `facts` depend on its `kind`, and `text` has them in a sentence."""

    at: Instant
    kind: str
    by: By
    text: str
    facts: Anything


class OrderTimeline(TypedDict):
    """A part of a timeline; `left_out` names `cart`, `check_ins` or concerts that one call could not read."""

    items: list[TimelineItem]
    next_cursor: str | None
    left_out: list[str]


class GuestToken(TypedDict):
    """A guest's token; with a link it is for the order `order_id` alone."""

    guest_id: Id
    token: str
    expires_at: Instant
    order_id: Id | None


class LinkIssued(TypedDict):
    """The new link of an order; those of before are not valid any more."""

    order_id: Id
    link: str
    link_expires_at: Instant
    version: Version


class OrderJoined(TypedDict):
    order_id: Id
    version: Version
