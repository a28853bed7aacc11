"""Decides a refund that somebody asks for: of an order, of tickets, or of an amount.

What was paid for a concert is a budget of its own: what tickets, amounts and fees take of it never exceeds it, nor what
the provider has still to give of the payment. The way back is that of any refund.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, RuleViolated, facts
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.money import Money
from chalicelib.shop.inventory.commands import Return
from chalicelib.shop.orders.events import (
    GrantedPart,
    IssuedTicket,
    OrderCancelled,
    OrderLine,
    RefundGranted,
    TicketsRevoked,
)
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.refund import DisputeStatus, granted_refund_id, start_refund
from chalicelib.shop.orders.refund_policy import PolicyTerms
from chalicelib.shop.orders.rules import OrderStatus

MAX_REFUNDS = 50
"""An order can be asked to be refunded so often; what the provider refunds by itself does not count."""


class NotRefundable(RuleViolated):
    """The order is in no state in which something can go back."""

    code = "not_refundable"
    fact_types = facts(order_status="OrderStatus | None")


class RefundNotPermitted(RuleViolated):
    """The refund policy does not let customers give these tickets back now."""

    code = "refund_not_permitted"
    fact_types = facts(concert_id="Id", until="Instant | None")


class TicketsNotValid(RuleViolated):
    """Some tickets are revoked already."""

    code = "tickets_not_valid"
    fact_types = facts(tickets="list[Id]")


class RefundExceedsPayment(RuleViolated):
    """Less is left of what was paid."""

    code = "refund_exceeds_payment"
    fact_types = facts(left="Amount")


class NothingToRefund(RuleViolated):
    """Nothing is left to give back."""

    code = "nothing_to_refund"


class TooManyRefunds(RuleViolated):
    """The order was refunded too often."""

    code = "too_many_refunds"
    fact_types = facts(limit="int")


class GrantedBy(StrEnum):
    CUSTOMER = "customer"
    ORGANISER = "organiser"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What is asked for, and by whom: `tickets`, or an `amount`, or else everything of the `concerts`.

    `concerts` are those about which the person may decide. `terms` bind a customer, by concert: of those that permit
    it, the ones count that keep least.
    """

    id: UUID
    request_hash: str
    by: GrantedBy
    reason: str
    concerts: frozenset[UUID]
    tickets: tuple[UUID, ...] | None = None
    amount: Money | None = None
    restock: bool = True
    terms: Mapping[UUID, tuple[PolicyTerms, ...]] = field(default_factory=dict)

    @property
    def is_bound(self) -> bool:
        """Tells whether the concerts' policies decide."""
        return self.by is GrantedBy.CUSTOMER


def grant_refund(order: Order, request: RefundRequest, now: datetime) -> list[Event]:
    """Grant what is asked for: refunds, revoked tickets and, last, the grant. The same request again changes nothing.

    Tickets that cost nothing, or whose money is away already, are revoked without a refund.

    Raises:
        IdempotencyKeyReused
        InvalidInput: a ticket is not of the order, or the concert of an amount is not said.
        NotRefundable
        RefundNotPermitted: the concert's policy does not let customers do it.
        TicketsNotValid
        RefundExceedsPayment
        NothingToRefund
        TooManyRefunds
    """
    if (known := order.grants.get(request.id)) is not None:
        if known.request_hash != request.request_hash:
            raise IdempotencyKeyReused
        return []
    _ensure_refundable(order, request)
    parts, events = list[GrantedPart](), list[Event]()
    for wanted in _amount_part(order, request) if request.amount is not None else _ticket_parts(order, request, now):
        for part, payment_id in _split(ORDER.fold(events, order), request, wanted):
            parts.append(part)
            events += _carried_out(part, payment_id, request.reason, now)
    if not order.paying and not ORDER.fold(events, order).valid:
        events.append(OrderCancelled(reason=request.reason, at=now))
    granted = RefundGranted(
        grant_id=request.id,
        request_hash=request.request_hash,
        by=request.by,
        reason=request.reason,
        restocked=request.restock and request.amount is None,
        parts=tuple(parts),
        at=now,
    )
    return [*events, granted]


def returns_of(order: Order, granted: RefundGranted) -> list[Return]:
    """Return what comes back to the stock by this grant of the order, as it was before it."""
    return returns(order, [key for part in granted.parts for key in part.ticket_ids])


def returns(order: Order, ticket_ids: Iterable[UUID]) -> list[Return]:
    """Return what gives these tickets back to the stock, after those that were given back or moved before."""
    lines = lines_of_tickets(order)
    gone = [key for one in order.grants.values() if one.restocked for part in one.parts for key in part.ticket_ids]
    gone += [key for move in order.moves.values() if move.moved is not None for key in move.moved.ticket_ids]
    returned, before = [lines[key] for key in ticket_ids], [lines[key] for key in gone]
    return [Return(line, returned.count(line), before.count(line)) for line in order.lines if line in returned]


def lines_of_tickets(order: Order) -> dict[UUID, OrderLine]:
    """Return the line of each ticket: they were issued in the order of the lines, and moved ones add lines."""
    admissions = (line for line in order.lines for _ in range(line.quantity))
    return {ticket.id: line for ticket, line in zip(order.tickets, admissions, strict=False)}


def refundable(order: Order) -> Decimal:
    """Return what can still be given back of the payment: nothing of it is away, on its way, or kept as a fee."""
    away = sum(
        one.amount.amount
        for one in order.disputes.values()
        if one.payment_id in order.paying and one.status is not DisputeStatus.WON
    )
    return max(Decimal(0), order.left_to_refund - away)


def _ensure_refundable(order: Order, request: RefundRequest) -> None:
    """Refuse what was never sold, and money that a bank is asked to take back."""
    status = order.status
    if not order.tickets:
        raise NotRefundable("Only an order that has tickets can be refunded.", order_status=status)
    is_disputed = status in {OrderStatus.DISPUTED, OrderStatus.CHARGED_BACK}
    if is_disputed and (request.is_bound or request.amount is not None):
        raise NotRefundable("The payment of this order is disputed.", order_status=status)
    if not order.paying and request.amount is not None:
        raise NotRefundable("Nothing was paid for this order.", order_status=status)
    if len(order.grants) >= MAX_REFUNDS:
        raise TooManyRefunds(f"The order was refunded {MAX_REFUNDS} times.", limit=MAX_REFUNDS)


def _amount_part(order: Order, request: RefundRequest) -> tuple[GrantedPart, ...]:
    amount = request.amount or Money.zero(order.total.currency)
    if len(request.concerts) != 1:
        raise InvalidInput(
            "The order is for several concerts; name one.", (("#/concert_id", "is needed with an amount"),)
        )
    if amount.currency != order.total.currency:
        reason = f"must be {order.total.currency}, as the order is"
        raise InvalidInput(f"The currency {reason}.", (("#/amount/currency", reason),))
    if not amount.amount:
        raise InvalidInput("The amount is 0.", (("#/amount/amount", "must be more than 0"),))
    if request.is_bound:
        raise InvalidInput("Customers give tickets back, and not amounts.", (("#/amount", "is for organisers"),))
    (concert_id,) = request.concerts
    left = min(order.kept_for(concert_id).amount, refundable(order))
    if amount.amount > left:
        facts = Money.of(left, amount.currency).model_dump(mode="json")
        raise RefundExceedsPayment(f"Of what was paid, {left} {amount.currency} are left.", left=facts)
    return (GrantedPart(concert_id=concert_id, amount=amount, fee=Money.zero(amount.currency)),)


def _ticket_parts(order: Order, request: RefundRequest, now: datetime) -> tuple[GrantedPart, ...]:
    chosen, lines = _chosen(order, request), lines_of_tickets(order)
    parts, left = list[GrantedPart](), refundable(order)
    for concert_id in dict.fromkeys(ticket.concert_id for ticket in chosen):
        if concert_id is None:
            continue
        ticket_ids = tuple(ticket.id for ticket in chosen if ticket.concert_id == concert_id)
        price = sum((lines[key].unit_price.amount for key in ticket_ids), Decimal(0))
        gross = Money.of(min(price, order.kept_for(concert_id).amount, left), order.total.currency)
        fee = _fee(request, concert_id, gross, len(ticket_ids), now)
        amount = Money.of(gross.amount - fee.amount, gross.currency)
        if request.is_bound and price and not amount.amount:
            raise NothingToRefund("Nothing is left of what was paid for these tickets.")
        parts.append(GrantedPart(concert_id=concert_id, ticket_ids=ticket_ids, amount=amount, fee=fee))
        left -= gross.amount
    return tuple(parts)


def _chosen(order: Order, request: RefundRequest) -> list[IssuedTicket]:
    own = {ticket.id: ticket for ticket in order.tickets if ticket.concert_id in request.concerts}
    if request.tickets is None:
        valid = [ticket for ticket in own.values() if ticket.id in order.valid]
        if not valid:
            raise NothingToRefund("No ticket of the order is valid any more.")
        return valid
    unknown = [place for place, key in enumerate(request.tickets) if key not in own]
    if unknown:
        fields = tuple((f"#/tickets/{place}", "names no ticket of the order") for place in unknown)
        raise InvalidInput("A ticket is not of this order.", fields)
    revoked = [str(key) for key in request.tickets if key not in order.valid]
    if revoked:
        raise TicketsNotValid("Some of these tickets are revoked already.", tickets=revoked)
    return [own[key] for key in dict.fromkeys(request.tickets)]


def _fee(request: RefundRequest, concert_id: UUID, gross: Money, tickets: int, now: datetime) -> Money:
    """Return what is kept of the price of so many tickets; customers alone pay it.

    Raises:
        RefundNotPermitted
    """
    if not request.is_bound:
        return Money.zero(gross.currency)
    terms = request.terms.get(concert_id, (PolicyTerms(),))
    permitting = [one.fee_of(gross, tickets) for one in terms if one.lets_customers(now)]
    if not permitting:
        until = None if terms[0].customers_until is None else format_instant(terms[0].customers_until)
        detail = "The concert's tickets cannot be given back" + (" any more." if until else ".")
        raise RefundNotPermitted(detail, concert_id=str(concert_id), until=until)
    return min(permitting, key=lambda fee: fee.amount)


def _split(order: Order, request: RefundRequest, wanted: GrantedPart) -> Iterator[tuple[GrantedPart, UUID | None]]:
    """Divide a part over the payments that pay for the order; the first one names the tickets, and has the fee."""
    spread = order.spread(wanted.amount.amount)
    if not spread:
        yield wanted, None
    for place, (payment_id, amount) in enumerate(spread):
        refund_id = granted_refund_id(payment_id, request.id, wanted.concert_id)
        changes = {"amount": amount, "refund_id": refund_id}
        rest = {"ticket_ids": (), "fee": Money.zero(amount.currency)} if place else {}
        yield wanted.model_copy(update={**changes, **rest}), payment_id


def _carried_out(part: GrantedPart, payment_id: UUID | None, reason: str, now: datetime) -> Iterator[Event]:
    if part.refund_id is not None and payment_id is not None:
        yield start_refund(payment_id, part.refund_id, part.amount, reason, now)
    if part.ticket_ids:
        yield TicketsRevoked(concert_id=part.concert_id, ticket_ids=part.ticket_ids, reason=reason, at=now)
