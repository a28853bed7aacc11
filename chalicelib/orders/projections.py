"""The order as its customer sees it, but for what depends on the clock: one document per order.

Name and e-mail address of the buyer stay in their envelope.
"""

from uuid import UUID

from chalicelib.delivery.documents import new_document
from chalicelib.eventsourcing.codec import RecordedEvent
from chalicelib.eventsourcing.event import Event, JsonObject, as_utc, format_instant
from chalicelib.orders.events import (
    OrderCancelled,
    OrderConfirmed,
    OrderCreatedByTheOriginal,
    OrderExpired,
    OrderLine,
    OrderPlaced,
    PaymentFailed,
    PaymentStarted,
    PaymentSucceeded,
    RefundCompleted,
    RefundStarted,
)
from chalicelib.orders.order import OrderStatus, PaymentStatus

_COPIED = {"ticket_type_id", "ticket_type_name", "concert_id", "concert_name", "quantity", "unit_price"}


def fold_order(document: JsonObject | None, recorded: RecordedEvent) -> JsonObject:
    event = recorded.event
    order = _empty(recorded) if document is None else document
    match event:
        case OrderPlaced():
            return _empty(recorded) | _placed(event)
        case OrderConfirmed():
            return _confirmed(order, event)
        case OrderExpired():
            return order | {"status": OrderStatus.EXPIRED}
        case OrderCancelled():
            return order | {"status": OrderStatus.CANCELLED}
        case OrderCreatedByTheOriginal():
            return _empty(recorded) | {
                "customer_id": str(event.customer_id),
                "status": OrderStatus.IMPORTED,
                "placed_at": format_instant(as_utc(recorded.created)),
            }
    return _with_payments(order, event)


def _with_payments(order: JsonObject, event: Event) -> JsonObject:
    match event:
        case PaymentStarted():
            payment = {"id": str(event.payment_id), "provider": event.provider, "reason": None}
            return _with_payment(order, event.payment_id, payment | {"status": PaymentStatus.STARTED})
        case PaymentFailed():
            return _with_known_payment(order, event.payment_id, PaymentStatus.FAILED, event.reason)
        case PaymentSucceeded():
            return _with_known_payment(order, event.payment_id, PaymentStatus.SUCCEEDED)
        case RefundStarted():
            order = _with_known_payment(order, event.payment_id, PaymentStatus.REFUNDING, event.reason)
            return _if_paid_by(order, event.payment_id, OrderStatus.REFUNDING)
        case RefundCompleted():
            order = _with_known_payment(order, event.payment_id, PaymentStatus.REFUNDED)
            return _if_paid_by(order, event.payment_id, OrderStatus.REFUNDED)
    return order


def _empty(recorded: RecordedEvent) -> JsonObject:
    return new_document(recorded) | {
        "status": None,
        "cart_id": None,
        "lines": [],
        "total": None,
        "placed_at": None,
        "payment_due_at": None,
        "payments": {},
        "paid_by": None,
        "tickets": [],
        "buyer": None,
    }


def _placed(event: OrderPlaced) -> JsonObject:
    return {
        "customer_id": str(event.customer_id),
        "status": OrderStatus.AWAITING_PAYMENT,
        "cart_id": str(event.cart_id),
        "lines": [_line(line) for line in event.lines],
        "total": event.total.model_dump(mode="json"),
        "placed_at": format_instant(event.at),
        "payment_due_at": format_instant(event.payment_due_at),
        "buyer": event.buyer.model_dump(mode="json", by_alias=True),
    }


def _line(line: OrderLine) -> JsonObject:
    total = line.unit_price.times(line.quantity).model_dump(mode="json")
    return line.model_dump(mode="json", include=_COPIED) | {"total": total}


def _confirmed(order: JsonObject, event: OrderConfirmed) -> JsonObject:
    tickets = [ticket.model_dump(mode="json") for ticket in event.tickets]
    order = order | {"status": OrderStatus.CONFIRMED, "tickets": tickets, "paid_by": None}
    if event.payment_id is None:
        return order
    order = order | {"paid_by": str(event.payment_id)}
    return _with_known_payment(order, event.payment_id, PaymentStatus.SUCCEEDED)


def _if_paid_by(order: JsonObject, payment_id: UUID, status: OrderStatus) -> JsonObject:
    return order | {"status": status} if order.get("paid_by") == str(payment_id) else order


def _with_known_payment(
    order: JsonObject, payment_id: UUID, status: PaymentStatus, reason: str | None = None
) -> JsonObject:
    if str(payment_id) not in order["payments"]:
        return order
    changes = {"status": status} if reason is None else {"status": status, "reason": reason}
    return _with_payment(order, payment_id, changes)


def _with_payment(order: JsonObject, payment_id: UUID, changes: JsonObject) -> JsonObject:
    known = order["payments"].get(str(payment_id), {})
    return order | {"payments": {**order["payments"], str(payment_id): {**known, **changes}}}
