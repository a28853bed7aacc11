"""The checkout process sees to it that an order that was placed ends, whoever crashed in between."""

from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.processes.process import FROM_THE_BEGINNING, STUCK, Step
from chalicelib.platform.processes.work import Task
from chalicelib.shop.orders.events import (
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    OrderCancelled,
    OrderConfirmed,
    OrderEvent,
    OrderExpired,
    OrderPlaced,
    OrderSettled,
    PaymentFailed,
    PaymentStarted,
    PaymentSucceeded,
    RefundCompleted,
    RefundFailed,
    RefundStarted,
    TicketMoveEnded,
    TicketMoveStarted,
    TicketRevocationCompleted,
    TicketsMoved,
    TicketsRevoked,
)
from chalicelib.shop.orders.order_facts import REQUEST_TIME
from chalicelib.shop.orders.rules import Outcome
from chalicelib.shop.orders.task_kinds import SETTLE_ORDER

PATIENCE = 0.1
LONGEST_PAUSE = timedelta(hours=6)
"""What has been overdue for a while is looked after again when a tenth of that has passed, or six hours."""


DISPUTES_TAKE = timedelta(days=1)
"""The provider tells how a dispute ends; it is asked after this time, in case that was lost."""


class CheckoutProcess:
    """Its state holds what the order waits for and until when.

    A wait is named `payment_due`, or by the id of a payment, a refund, a dispute or a move, or of a concert whose
    tickets are revoked; tests/unit/orders/test_rules.py holds it equal to the order's own rules. A request does its own
    work; only what is not done when no request can be alive is due.
    """

    aggregate_type = OrderEvent.aggregate_type
    since = FROM_THE_BEGINNING

    def react(self, state: JsonObject, recorded: RecordedEvent) -> Step:
        waits = _waits(state, recorded.event)
        deadlines = [datetime.fromisoformat(deadline) for deadline in waits.values()]
        return Step(waits, min(deadlines, default=None))

    def overdue(self, stream_id: UUID, cause: str) -> Task:
        return Task(SETTLE_ORDER, stream_id, cause)

    def retry_at(self, state: JsonObject, now: datetime) -> datetime:
        """Return a time that is further off the longer the order has waited: banks may take weeks."""
        deadlines = [datetime.fromisoformat(deadline) for deadline in state.values()]
        overdue = max((now - deadline for deadline in deadlines if deadline <= now), default=timedelta())
        later = [deadline for deadline in deadlines if now < deadline != STUCK]
        return min([now + min(overdue * PATIENCE, LONGEST_PAUSE), *later])


def _waits(waits: JsonObject, event: Event) -> JsonObject:
    match event:
        case OrderPlaced():
            return {"payment_due": format_instant(event.payment_due_at)}
        case PaymentStarted():
            return waits | {str(event.payment_id): format_instant(event.at + REQUEST_TIME)}
        case PaymentFailed() | PaymentSucceeded():
            return _without(waits, str(event.payment_id))
        case OrderConfirmed():
            return _without(waits, "payment_due", str(event.payment_id))
        case OrderExpired() | OrderCancelled():
            return _without(waits, "payment_due")
        case TicketsRevoked():
            return waits | {str(event.concert_id): format_instant(event.at + REQUEST_TIME)}
        case TicketRevocationCompleted():
            return _without(waits, str(event.concert_id))
    return _waits_for_moves(waits, event)


def _waits_for_moves(waits: JsonObject, event: Event) -> JsonObject:
    match event:
        case TicketMoveStarted():
            return waits | {str(event.move_id): format_instant(event.payment_due_at)}
        case TicketMoveEnded():
            return _without(waits, str(event.move_id))
        case TicketsMoved():
            return _without(waits, str(event.move_id), str(event.paid_by))
    return _waits_for_refunds(waits, event)


def _waits_for_refunds(waits: JsonObject, event: Event) -> JsonObject:
    match event:
        case RefundStarted():
            return waits | {str(event.refund_id): format_instant(event.at + REQUEST_TIME)}
        case RefundFailed():
            return waits | {str(event.refund_id): format_instant(event.retry_at or STUCK)}
        case RefundCompleted():
            return _without(waits, str(event.refund_id))
        case DisputeOpened():
            return waits | {event.dispute_id: format_instant(event.at + DISPUTES_TAKE)}
        case DisputeWon() | DisputeLost():
            return _without(waits, event.dispute_id)
        case OrderSettled():
            ended = [str(key) for key in (*event.payment_ids, *event.refund_ids, *event.dispute_ids)]
            return _without(waits, *ended, *(["payment_due"] if event.outcome == Outcome.FAILED else []))
    return waits


def _without(waits: JsonObject, *ended: str) -> JsonObject:
    return {name: deadline for name, deadline in waits.items() if name not in ended}
