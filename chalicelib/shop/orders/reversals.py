"""Decides what an order makes of money that went back at the provider: refunds, ours or not, and disputes.

The provider's word is the truth. Every decision may be repeated: what is known already changes nothing. What becomes of
the tickets, the policy of their concert says (ADR 49).
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.shop.orders.events import (
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    RefundCompleted,
    RefundFailed,
    RefundRecorded,
    RefundReduced,
    TicketsRevoked,
)
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.payments.port import ProviderDispute, ProviderRefund, RefundState, Reversals
from chalicelib.shop.orders.refund import (
    RETRY_AFTER,
    DisputeStatus,
    RefundStatus,
    recorded_refund_id,
    rest_refund_id,
    start_refund,
)
from chalicelib.shop.orders.refund_policy import TicketsOnReversal

Decide = Callable[[Order, datetime], list[Event]]
PolicyOf = Callable[[UUID], TicketsOnReversal]
"""Says what becomes of a concert's tickets; it is asked only if any of them could be revoked."""

_MADE_THERE = "The refund was made at the payment provider."
_CHARGED_BACK = "The payment was charged back."
_DISPUTED = "The payment is disputed."
_IN_THE_END = frozenset({TicketsOnReversal.REVOKE_AT_ONCE, TicketsOnReversal.REVOKE_WHEN_FINAL})
_AT_ONCE = frozenset({TicketsOnReversal.REVOKE_AT_ONCE})
_NEVER = frozenset[TicketsOnReversal]()


def follow(order: Order, payment_id: UUID, found: Reversals, now: datetime, policy_of: PolicyOf) -> list[Event]:
    """Return the events of everything that the provider did to a payment and the order does not know yet."""
    events: list[Event] = []
    for decide in _news(payment_id, found, policy_of):
        news = decide(ORDER.fold(events, order), now)
        events += news
    return events


def id_here(order: Order, payment_id: UUID, found: ProviderRefund) -> UUID:
    """Return the id under which the order has a refund, or would have it: ours, or one for what was made there."""
    if found.refund_id is not None and found.refund_id in order.refunds:
        return found.refund_id
    return recorded_refund_id(payment_id, found.reference)


def fail_refund(order: Order, refund_id: UUID, reference: str, reason: str, now: datetime) -> list[Event]:
    """Record that a refund failed, and when it is tried again; the same failure again changes nothing.

    `reference` is empty if the provider refused to make any. A refund that was made at the provider is not repeated.
    """
    refund = order.refunds.get(refund_id)
    if refund is None or refund.status in {RefundStatus.SETTLED, RefundStatus.ABANDONED}:
        return []
    known = order.failures[refund_id].references if refund_id in order.failures else ()
    if reference and reference in known:
        return []
    is_ours = refund_id != recorded_refund_id(refund.payment_id, reference)
    retry_at = now + RETRY_AFTER[len(known)] if is_ours and len(known) < len(RETRY_AFTER) else None
    return [
        RefundFailed(
            payment_id=refund.payment_id,
            refund_id=refund_id,
            provider_reference=reference or None,
            reason=reason,
            retry_at=retry_at,
            at=now,
        )
    ]


def reduce_refund(order: Order, refund_id: UUID, amount: Money, now: datetime) -> list[Event]:
    """Lower a refund to what is left to give back; with nothing left it is completed."""
    refund = order.refunds.get(refund_id)
    if refund is None or refund.ended or refund.amount.amount <= amount.amount:
        return []
    reduced = RefundReduced(payment_id=refund.payment_id, refund_id=refund_id, amount=amount, at=now)
    if amount.amount:
        return [reduced]
    return [reduced, RefundCompleted(payment_id=refund.payment_id, refund_id=refund_id, at=now)]


def _news(payment_id: UUID, found: Reversals, policy_of: PolicyOf) -> Iterator[Decide]:
    """Yield a decision for each refund, failures first, because a later try may have succeeded; then for disputes."""
    for refund in sorted(found.refunds, key=lambda one: one.state is not RefundState.FAILED):
        yield partial(_follow_refund, payment_id, refund, policy_of)
    for dispute in found.disputes:
        yield partial(_follow_dispute, payment_id, dispute, policy_of)


def _follow_refund(
    payment_id: UUID, found: ProviderRefund, policy_of: PolicyOf, order: Order, now: datetime
) -> list[Event]:
    refund_id = id_here(order, payment_id, found)
    match found.state:
        case RefundState.FAILED:
            return fail_refund(order, refund_id, found.reference, found.reason, now)
        case RefundState.SUCCEEDED if refund_id == found.refund_id:
            return order.complete_refund(refund_id, now)
        case RefundState.SUCCEEDED if refund_id not in order.refunds:
            return _record_refund(order, payment_id, found, policy_of, now)
    return []


def _record_refund(
    order: Order, payment_id: UUID, found: ProviderRefund, policy_of: PolicyOf, now: datetime
) -> list[Event]:
    recorded = RefundRecorded(
        payment_id=payment_id,
        refund_id=recorded_refund_id(payment_id, found.reference),
        provider_reference=found.reference,
        amount=found.amount,
        reason=_MADE_THERE,
        at=now,
    )
    events = [recorded, *_cover_failed(order, payment_id, found.amount, now)]
    order = ORDER.fold(events, order)
    if payment_id not in order.paying or not _is_all_back(order, payment_id):
        return events
    is_revoked = partial(_in_policy, policy_of, _IN_THE_END)
    return [*events, *_take_tickets(order, payment_id, found.reference, _MADE_THERE, is_revoked, now)]


def _take_tickets(
    order: Order, payment_id: UUID, reversal: str, reason: str, is_revoked: Callable[[UUID], bool], now: datetime
) -> list[Event]:
    """Revoke the tickets of a payment that is away, and give back what other payments paid for them (ADR 57)."""
    revoked = revoke_all(order, reason, now, is_revoked, _paid_by(order, payment_id))
    if not revoked:
        return []
    after = ORDER.fold(revoked, order)
    others = [key for key in after.paying if key != payment_id and key not in after.disputed_payments]
    left = sum(map(after.not_refunded, others), -after.fees - after.price_of_valid)
    refunds = list[Event]()
    for key in others:
        amount = min(left, after.not_refunded(key))
        if amount > 0:
            left -= amount
            money = Money.of(amount, after.total.currency)
            refunds.append(start_refund(key, rest_refund_id(key, reversal), money, reason, now))
    return [*refunds, *revoked]


def _in_policy(policy_of: PolicyOf, revoking: frozenset[TicketsOnReversal], concert_id: UUID) -> bool:
    return policy_of(concert_id) in revoking


def _cover_failed(order: Order, payment_id: UUID, amount: Money, now: datetime) -> list[Event]:
    """Count a refund made at the provider towards those that failed: that is how an operator repeats them."""
    events: list[Event] = []
    left = amount.amount
    for refund_id, refund in order.refunds_under_way.items():
        if refund.payment_id == payment_id and refund.status is RefundStatus.FAILED and left:
            covered = min(left, refund.amount.amount)
            left -= covered
            rest = Money.of(refund.amount.amount - covered, amount.currency)
            events += reduce_refund(order, refund_id, rest, now)
    return events


def _is_all_back(order: Order, payment_id: UUID) -> bool:
    back = sum(one.amount.amount for one in order.refunds.values() if one.payment_id == payment_id and one.completed)
    return back >= order.payments[payment_id].amount.amount


def _paid_by(order: Order, payment_id: UUID) -> frozenset[UUID]:
    """Return the valid tickets whose payment it is: that of a difference pays for the tickets of its move alone."""
    if payment_id == order.paid_by:
        return order.valid
    moves = [move.moved for move in order.moves.values() if move.moved is not None]
    return frozenset(ticket.id for one in moves if one.paid_by == payment_id for ticket in one.tickets) & order.valid


def revoke_all(
    order: Order,
    reason: str,
    now: datetime,
    is_revoked: Callable[[UUID], bool] = lambda _: True,
    among: frozenset[UUID] | None = None,
) -> list[Event]:
    """Revoke what is valid, of all tickets or `among` some, concert by concert, of concerts that are to be revoked."""
    tickets = [ticket for ticket in order.valid_tickets if among is None or ticket.id in among]
    valid = [ticket for ticket in tickets if ticket.concert_id is not None]
    return [
        TicketsRevoked(
            concert_id=concert_id,
            ticket_ids=tuple(ticket.id for ticket in valid if ticket.concert_id == concert_id),
            reason=reason,
            at=now,
        )
        for concert_id in dict.fromkeys(ticket.concert_id for ticket in valid)
        if concert_id is not None and is_revoked(concert_id)
    ]


def _follow_dispute(
    payment_id: UUID, found: ProviderDispute, policy_of: PolicyOf, order: Order, now: datetime
) -> list[Event]:
    known, events = order.disputes.get(found.reference), list[Event]()
    if known is None:
        events.append(
            DisputeOpened(
                payment_id=payment_id, dispute_id=found.reference, amount=found.amount, reason=found.reason, at=now
            )
        )
    elif known.status is not DisputeStatus.OPEN:
        return []
    match found.status:
        case DisputeStatus.WON:
            return [*events, DisputeWon(payment_id=payment_id, dispute_id=found.reference, at=now)]
        case DisputeStatus.LOST:
            events.append(DisputeLost(payment_id=payment_id, dispute_id=found.reference, at=now))
            reason, revoking = _CHARGED_BACK, _IN_THE_END
        case DisputeStatus.OPEN:
            reason, revoking = _DISPUTED, _AT_ONCE if known is None else _NEVER
    if payment_id in order.paying and revoking:
        is_revoked = partial(_in_policy, policy_of, revoking)
        events += _take_tickets(ORDER.fold(events, order), payment_id, found.reference, reason, is_revoked, now)
    return events
