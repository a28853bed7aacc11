"""Compares what a provider says it did with what the orders say, and repairs nothing.

The provider's word is the truth, so a difference is something that the log has to learn, or a person has to look at.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from uuid import UUID

from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.money import Money
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.payments.port import (
    Attempt,
    Charged,
    Movement,
    PaymentGateway,
    ProviderDispute,
    ProviderRefund,
    RefundState,
    gateway_of,
)
from chalicelib.shop.orders.refund import RefundStatus
from chalicelib.shop.orders.reversals import id_here

AT_ONCE = 1000
"""So many movements are held in memory; within them each order is read once."""


class Kind(StrEnum):
    """How the provider's books and the log can differ."""

    NO_ORDER = "no_order"
    """The provider names an order that was never placed."""

    UNREADABLE = "unreadable"
    """The stream of the order cannot be read."""

    NOT_SUCCEEDED_HERE = "not_succeeded_here"
    """The provider charged a payment of which the log does not know the success, or which it does not know at all."""

    NOT_CHARGED_THERE = "not_charged_there"
    CHARGED_TWICE = "charged_twice"
    """The provider took the money of one payment under another of its ids than the log has."""

    AMOUNT = "amount"
    REFUND_UNKNOWN = "refund_unknown"
    """The provider gave money back, and the log has no such refund."""

    REFUND_MISSING = "refund_missing"
    """The log says that money went back, and the provider has no such refund."""

    REFUND_STATE = "refund_state"
    DISPUTE_UNKNOWN = "dispute_unknown"
    DISPUTE_MISSING = "dispute_missing"
    DISPUTE_STATE = "dispute_state"


@dataclass(frozen=True, slots=True)
class MoneyDifference:
    """One difference; `there` and `here` say what the provider and the log have, in words for an operator.

    `is_known_payment` tells whether the order knows the payment, so that it can ask the provider about it.
    """

    kind: Kind
    order_id: UUID
    payment_id: UUID | None
    reference: str
    there: str
    here: str
    is_known_payment: bool = True


Load = Callable[[UUID], Order]


def loader(store: EventStore) -> Load:
    """Return a function that reads a whole order from the log, without snapshots or a cache."""
    return lambda order_id: ORDER.fold(map(decode, store.read(order_id)))


def compare(movements: Iterable[Movement], load: Load) -> Iterator[MoneyDifference]:
    """Yield what differs, as the list goes on; what is not of this shop is passed over.

    Raises Unavailable.
    """
    remaining = iter(movements)
    while batch := list(islice(remaining, AT_ONCE)):
        by_order: dict[UUID, list[Movement]] = {}
        for movement in batch:
            if movement.order_id is not None:
                by_order.setdefault(movement.order_id, []).append(movement)
        for order_id, its in by_order.items():
            yield from _compared(order_id, its, load)


def _compared(order_id: UUID, movements: list[Movement], load: Load) -> Iterator[MoneyDifference]:
    """Compare one order; one that cannot be read must not end the comparison of all others."""
    try:
        order = load(order_id)
    except LogDamaged as damage:
        for movement in movements:
            yield _difference(Kind.UNREADABLE, order_id, movement, damage.detail, is_known_payment=False)
        return
    yield from differences(order_id, order, movements)


def movements_of(order_id: UUID, order: Order, gateways: Mapping[str, PaymentGateway]) -> Iterator[Movement]:
    """Ask the providers for all that they did to the money of one order.

    Raises:
        Unavailable
        InvalidInput: a provider of the order is not set up.
    """
    for payment_id, payment in order.payments.items():
        gateway = gateway_of(gateways, payment.provider)
        attempt = Attempt(payment_id, order_id, order.asked_for(payment_id), payment.reference)
        found = gateway.find_payment(attempt)
        if isinstance(found, Charged):
            reversals = gateway.find_reversals(replace(attempt, reference=found.reference))
            yield Movement(found, order_id, payment_id)
            yield from (Movement(refund, order_id, payment_id) for refund in reversals.refunds)
            yield from (Movement(dispute, order_id, payment_id) for dispute in reversals.disputes)


def differences(order_id: UUID, order: Order, movements: Iterable[Movement]) -> Iterator[MoneyDifference]:
    """Yield what the provider has done to the money of one order and the order does not say."""
    for movement in movements:
        match movement.what:
            case _ if order.status is None or movement.payment_id is None:
                yield _difference(Kind.NO_ORDER, order_id, movement, "there is no such order", is_known_payment=False)
            case _ if movement.payment_id not in order.payments:
                unknown = "the order has no such payment"
                yield _difference(Kind.NOT_SUCCEEDED_HERE, order_id, movement, unknown, is_known_payment=False)
            case Charged() as charged:
                yield from _of_payment(order_id, order, movement, movement.payment_id, charged)
            case ProviderRefund() as refund:
                yield from _of_refund(order_id, order, movement, movement.payment_id, refund)
            case ProviderDispute() as dispute:
                yield from _of_dispute(order_id, order, movement, dispute)


def missing(order_id: UUID, order: Order, movements: Iterable[Movement]) -> Iterator[MoneyDifference]:
    """Yield what the order says and the provider has not done; `movements` must be all that it did to this order."""
    listed = list(movements)
    charged = {one.payment_id for one in listed if isinstance(one.what, Charged)}
    for payment_id, payment in order.payments.items():
        if not payment.may_succeed and payment_id not in charged:
            here = f"{payment.status} {_text(payment.amount)}"
            yield MoneyDifference(
                Kind.NOT_CHARGED_THERE, order_id, payment_id, payment.reference or "", "nothing", here
            )
    refunds = {
        id_here(order, one.payment_id, one.what)
        for one in listed
        if isinstance(one.what, ProviderRefund) and one.payment_id and one.what.state is not RefundState.FAILED
    }
    for refund_id, refund in order.refunds.items():
        if refund.status is RefundStatus.COMPLETED and refund.amount.amount and refund_id not in refunds:
            here = f"completed {_text(refund.amount)}"
            yield MoneyDifference(Kind.REFUND_MISSING, order_id, refund.payment_id, str(refund_id), "nothing", here)
    disputes = {one.what.reference for one in listed if isinstance(one.what, ProviderDispute)}
    for reference, dispute in order.disputes.items():
        if reference not in disputes:
            here = f"{dispute.status} {_text(dispute.amount)}"
            yield MoneyDifference(Kind.DISPUTE_MISSING, order_id, dispute.payment_id, reference, "nothing", here)


def _of_payment(
    order_id: UUID, order: Order, movement: Movement, payment_id: UUID, charged: Charged
) -> Iterator[MoneyDifference]:
    payment = order.payments[payment_id]
    here = f"{payment.status} {_text(payment.amount)}"
    if payment.may_succeed:
        yield _difference(Kind.NOT_SUCCEEDED_HERE, order_id, movement, here)
    elif payment.reference not in {None, charged.reference}:
        yield _difference(Kind.CHARGED_TWICE, order_id, movement, f"{here} as {payment.reference}")
    elif payment.amount != charged.amount:
        yield _difference(Kind.AMOUNT, order_id, movement, here)


def _of_refund(
    order_id: UUID, order: Order, movement: Movement, payment_id: UUID, found: ProviderRefund
) -> Iterator[MoneyDifference]:
    """Yield a difference unless the order says the same. Money that is on its way may be known or not."""
    refund_id = id_here(order, payment_id, found)
    refund = order.refunds.get(refund_id)
    if refund is None:
        if found.state is RefundState.SUCCEEDED:
            yield _difference(Kind.REFUND_UNKNOWN, order_id, movement, "no such refund")
        return
    here = f"{refund.status} {_text(refund.amount)}"
    failures = order.failures[refund_id].references if refund_id in order.failures else ()
    match found.state:
        case RefundState.SUCCEEDED if refund.status is not RefundStatus.COMPLETED:
            yield _difference(Kind.REFUND_STATE, order_id, movement, here)
        case RefundState.SUCCEEDED if refund.amount != found.amount:
            yield _difference(Kind.AMOUNT, order_id, movement, here)
        case RefundState.PENDING if refund.completed:
            yield _difference(Kind.REFUND_STATE, order_id, movement, here)
        case RefundState.FAILED if found.reference not in failures and not _is_by_hand(refund.status):
            yield _difference(Kind.REFUND_STATE, order_id, movement, here)


def _is_by_hand(status: RefundStatus) -> bool:
    return status in {RefundStatus.SETTLED, RefundStatus.ABANDONED}


def _of_dispute(order_id: UUID, order: Order, movement: Movement, found: ProviderDispute) -> Iterator[MoneyDifference]:
    dispute = order.disputes.get(found.reference)
    if dispute is None:
        yield _difference(Kind.DISPUTE_UNKNOWN, order_id, movement, "no such dispute")
    elif dispute.status is not found.status:
        yield _difference(Kind.DISPUTE_STATE, order_id, movement, dispute.status.value)
    elif dispute.amount != found.amount:
        yield _difference(Kind.AMOUNT, order_id, movement, f"{dispute.status} {_text(dispute.amount)}")


def _difference(
    kind: Kind, order_id: UUID, movement: Movement, here: str, *, is_known_payment: bool = True
) -> MoneyDifference:
    what = movement.what
    there = f"{_state(what)} {_text(what.amount)}"
    return MoneyDifference(kind, order_id, movement.payment_id, what.reference, there, here, is_known_payment)


def _state(what: Charged | ProviderRefund | ProviderDispute) -> str:
    match what:
        case Charged():
            return "charged"
        case ProviderRefund(state=state):
            return f"refund {state}"
        case ProviderDispute(status=status):
            return f"dispute {status}"


def _text(money: Money) -> str:
    return f"{money.amount} {money.currency}"
