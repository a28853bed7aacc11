"""Divides an order's money among the concerts that it is about: an order may have tickets of several organisers.

What is paid belongs to the concerts by the prices of their lines. A refund belongs to the concert that it names, or
for which it was granted, and otherwise to all of them, by what is left of theirs. For each concert, and at each
instant: taken = refunded + refunding + charged back + kept + price of the valid tickets, unless more is away than was
due. A fee is kept. What was paid for a ticket goes with it to another concert.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any
from uuid import UUID

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.money import MINOR_DIGITS
from chalicelib.shop.orders.refund import DisputeStatus, RefundStatus, refund_id_of
from chalicelib.shop.orders.rules import PaymentStatus
from chalicelib.shop.orders.ticket import TicketStatus

_NOT_TAKEN = {PaymentStatus.STARTED, PaymentStatus.FAILED}
_BACK = {RefundStatus.COMPLETED, RefundStatus.SETTLED}
NOTHING = Decimal(0)
NO_CONCERT = UUID(int=0)

Amounts = dict[UUID, Decimal]


@dataclass(slots=True)
class Shares:
    """The money of one concert in an order. `kept` is what neither went back nor is the price of a valid ticket."""

    currency: str
    total: Decimal = NOTHING
    taken: Decimal = NOTHING
    refunded: Decimal = NOTHING
    refunding: Decimal = NOTHING
    charged_back: Decimal = NOTHING
    kept: Decimal = NOTHING
    by_refund: dict[str, Decimal] = field(default_factory=dict)

    def as_columns(self) -> dict[str, Any]:
        """Return the columns of a row, each amount to the cent: 0 and 0.00 are equal, but no equal texts."""
        cent = _cent(self.currency)
        columns = {name: value for name, value in asdict(self).items() if name != "by_refund"}
        return {name: value.quantize(cent) if isinstance(value, Decimal) else value for name, value in columns.items()}


def shares_of(order: JsonObject) -> dict[UUID, Shares]:
    """Return each concert's share, in the order of the lines."""
    shares: dict[UUID, Shares] = {}
    for line in order["lines"]:
        if line["concert_id"] is not None:
            share = shares.setdefault(UUID(line["concert_id"]), Shares(line["total"]["currency"]))
            share.total += NOTHING if "move_id" in line else amount_in(line["total"])
    for payment in order["payments"].values():
        if payment["status"] not in _NOT_TAKEN:
            _add_payment(shares, payment, order)
    for move in moved_in(order):
        _add_move(shares, move)
    for concert_id, valid in _price_of_valid(order).items():
        share = shares[concert_id]
        gone = share.refunded + share.refunding + share.charged_back
        share.kept = max(NOTHING, share.taken - gone - valid)
    return shares


def moved_in(order: JsonObject) -> list[JsonObject]:
    """Return the moves that took place; one that waits for its payment has moved nothing."""
    return [move for move in order.get("moves", {}).values() if "carried" in move]


def _add_move(shares: Mapping[UUID, Shares], move: JsonObject) -> None:
    """Let what was paid go with the tickets, and the difference to where they are."""
    carried, supplement = amount_in(move["carried"]), amount_in(move["supplement"])
    here, there = shares.get(UUID(move["concert_id"])), shares.get(_id(move["to_concert_id"]))
    if here is not None and there is not None:
        here.taken, here.total = here.taken - carried, here.total - carried
        there.taken, there.total = there.taken + carried, there.total + carried + supplement


def _id(text: str | None) -> UUID:
    return NO_CONCERT if text is None else UUID(text)


def _add_payment(shares: Mapping[UUID, Shares], payment: JsonObject, order: JsonObject) -> None:
    """Divide a payment, and what went back of it."""
    totals = _weights(shares, payment, order)
    left = divided(amount_in(payment["amount"]), totals, payment["amount"]["currency"])
    for concert_id, amount in left.items():
        shares[concert_id].taken += amount
    for refund in order["refunds"].values():
        if refund["payment_id"] == payment["id"] and refund["status"] != RefundStatus.ABANDONED:
            _add_refund(shares, refund, left, order)
    for dispute in order.get("disputes", {}).values():
        if dispute["payment_id"] == payment["id"] and dispute["status"] != DisputeStatus.WON:
            for concert_id, amount in _divided_by_what_is_left(dispute, left).items():
                shares[concert_id].charged_back += amount


def _weights(shares: Mapping[UUID, Shares], payment: JsonObject, order: JsonObject) -> Amounts:
    """Return what a payment was for, by concert: what was bought, or the place of tickets that were moved."""
    places = [move["to_concert_id"] for move in moved_in(order) if move["payment_id"] == payment["id"]]
    if places:
        return {key: Decimal(str(key) == places[0]) for key in shares}
    return {concert_id: share.total for concert_id, share in shares.items()}


def _concert_of_refund(refund: JsonObject, concerts: Iterable[UUID], order: JsonObject) -> UUID | None:
    """Return the one concert whose money the refund gives back, if it is about one."""
    granted = order.get("granted_refunds", {}).get(refund["id"])
    granted = next((one["concert_id"] for one in moved_in(order) if refund["id"] in one["refund_ids"]), granted)
    payment_id = UUID(refund["payment_id"])
    return next(
        (key for key in concerts if granted == str(key) or str(refund_id_of(payment_id, key)) == refund["id"]), None
    )


def _add_refund(shares: Mapping[UUID, Shares], refund: JsonObject, left: Amounts, order: JsonObject) -> None:
    named = _concert_of_refund(refund, shares, order)
    parts = _divided_by_what_is_left(refund, left) if named is None else {named: amount_in(refund["amount"])}
    for concert_id, part in parts.items():
        share = shares[concert_id]
        left[concert_id] = max(NOTHING, left[concert_id] - part)
        share.by_refund[refund["id"]] = part
        if refund["status"] in _BACK:
            share.refunded += part
        else:
            share.refunding += part


def _divided_by_what_is_left(movement: JsonObject, left: Amounts) -> Amounts:
    parts = divided(amount_in(movement["amount"]), left, movement["amount"]["currency"])
    return {concert_id: part for concert_id, part in parts.items() if part} or parts


def divided(amount: Decimal, weights: Mapping[UUID, Decimal], currency: str) -> Amounts:
    """Divide an amount by weights, to the last cent: what rounding leaves goes to the largest remainders."""
    if not weights:
        return {}
    whole = sum(weights.values(), NOTHING)
    shares = [amount * weight / whole if whole else amount / len(weights) for weight in weights.values()]
    cent = _cent(currency)
    parts = [share.quantize(cent, ROUND_DOWN) for share in shares]
    missing = int((amount - sum(parts, NOTHING)) / cent)
    for place in _by_remainder(shares, parts)[:missing]:
        parts[place] += cent
    return dict(zip(weights, parts, strict=True))


def _by_remainder(shares: Sequence[Decimal], parts: Sequence[Decimal]) -> list[int]:
    return sorted(range(len(parts)), key=lambda place: parts[place] - shares[place])


def _price_of_valid(order: JsonObject) -> Amounts:
    """Return, by concert, what its valid tickets cost: they were issued in the order of the lines."""
    admissions = [line for line in order["lines"] for _ in range(line["quantity"])]
    prices = {concert_id: NOTHING for line in order["lines"] if (concert_id := _concert_of(line)) is not None}
    for ticket, line in zip(order["tickets"], admissions, strict=False):
        concert_id = _concert_of(line)
        if concert_id is not None and ticket["status"] == TicketStatus.VALID:
            prices[concert_id] += amount_in(line["unit_price"])
    return prices


def _concert_of(line: JsonObject) -> UUID | None:
    return None if line["concert_id"] is None else UUID(line["concert_id"])


def _cent(currency: str) -> Decimal:
    return Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2))


def amount_in(money: JsonObject) -> Decimal:
    return Decimal(money["amount"])
