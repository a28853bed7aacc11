"""Shows the refunds of an order, as far as they are about the reader's concerts."""

from collections.abc import Iterator, Set
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.amounts import amount_of
from chalicelib.platform.money import Money
from chalicelib.shop.orders.granting import GrantedBy
from chalicelib.shop.orders.order import Order
from chalicelib.shop.orders.refund import refund_id_of

if TYPE_CHECKING:
    from chalicelib.shop.orders.answers import Refund


def shown_refunds(order: Order, concerts: Set[UUID]) -> "list[Refund]":
    """Return what was granted, what went back for moves to cheaper places, and what went back otherwise.

    An amount is that of the refund as it is now: it may have been reduced by what the provider gave back itself.
    """
    return [*_granted(order, concerts), *_of_moves(order, concerts), *_others(order, concerts)]


def _granted(order: Order, concerts: Set[UUID]) -> "Iterator[Refund]":
    for grant in order.grants.values():
        for part in grant.parts:
            if part.concert_id in concerts:
                refund = order.refunds.get(part.refund_id) if part.refund_id is not None else None
                yield {
                    "grant_id": str(grant.grant_id),
                    "by": GrantedBy(grant.by),
                    "at": format_instant(grant.at),
                    "reason": grant.reason,
                    "restocked": grant.restocked,
                    "concert_id": str(part.concert_id),
                    "ticket_ids": [str(key) for key in part.ticket_ids],
                    "fee": amount_of(part.fee),
                    "refund_id": None if part.refund_id is None else str(part.refund_id),
                    "amount": amount_of(part.amount if refund is None else refund.amount),
                    "status": None if refund is None else refund.status,
                }


def _of_moves(order: Order, concerts: Set[UUID]) -> "Iterator[Refund]":
    moves = [move.moved for move in order.moves.values() if move.moved is not None]
    for moved in (one for one in moves if one.concert_id in concerts):
        for refund_id in moved.refund_ids:
            yield {
                "grant_id": None,
                "by": GrantedBy(moved.by),
                "at": format_instant(moved.at),
                "reason": moved.reason,
                "restocked": True,
                "concert_id": str(moved.concert_id),
                "ticket_ids": [str(key) for key in moved.ticket_ids],
                "fee": amount_of(Money.zero(moved.refunded.currency)),
                "refund_id": str(refund_id),
                "amount": amount_of(refund.amount if (refund := order.refunds.get(refund_id)) else moved.refunded),
                "status": refund.status if refund else None,
            }


def _others(order: Order, concerts: Set[UUID]) -> "Iterator[Refund]":
    """Yield the refunds that nobody was granted: of a cancelled concert, or made at the provider."""
    granted = {part.refund_id for grant in order.grants.values() for part in grant.parts}
    granted |= {key for move in order.moves.values() if move.moved is not None for key in move.moved.refund_ids}
    of_order = {line.concert_id for line in order.lines if line.concert_id is not None}
    for refund_id, refund in order.refunds.items():
        concert_id = next((key for key in of_order if refund_id_of(refund.payment_id, key) == refund_id), None)
        is_shown = concert_id in concerts or (concert_id is None and of_order <= concerts)
        if refund_id not in granted and is_shown:
            yield {
                "grant_id": None,
                "by": None,
                "at": None,
                "reason": refund.reason,
                "restocked": False,
                "concert_id": None if concert_id is None else str(concert_id),
                "ticket_ids": [],
                "fee": amount_of(Money.zero(refund.amount.currency)),
                "refund_id": str(refund_id),
                "amount": amount_of(refund.amount),
                "status": refund.status,
            }
