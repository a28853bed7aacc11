"""The order as its customer sees it, but for what depends on the clock: one document per order.

Name and e-mail address of the buyer stay in their envelope.
"""

from collections.abc import Container
from decimal import Decimal

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.readmodels.documents.document import new_document
from chalicelib.shop.orders.events import (
    OrderCancelled,
    OrderConfirmed,
    OrderCreatedByTheOriginal,
    OrderEvent,
    OrderExpired,
    OrderLine,
    OrderPlaced,
    PaymentFailed,
    PaymentStarted,
    PaymentSucceeded,
    RefundCompleted,
    RefundStarted,
    TicketsRevoked,
)
from chalicelib.shop.orders.order import OrderStatus, PaymentStatus
from chalicelib.shop.orders.refund import RefundStatus, refund_id_of
from chalicelib.shop.orders.ticket import TicketStatus

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
            return _revoked(order | {"status": OrderStatus.CANCELLED})
        case OrderCreatedByTheOriginal():
            return _empty(recorded) | {
                "customer_id": str(event.customer_id),
                "status": OrderStatus.IMPORTED,
                "placed_at": format_instant(as_utc(recorded.created)),
            }
        case TicketsRevoked():
            return _as_refunded(_revoked(order, {str(ticket_id) for ticket_id in event.ticket_ids}))
    return _with_payments(order, event)


def _with_payments(order: JsonObject, event: Event) -> JsonObject:
    match event:
        case PaymentStarted():
            return _with_payment(order, str(event.payment_id), _payment(event))
        case PaymentFailed():
            failed = {"status": PaymentStatus.FAILED, "reason": event.reason}
            return _with_known_payment(order, str(event.payment_id), failed)
        case PaymentSucceeded():
            taken = {"status": PaymentStatus.SUCCEEDED, "amount": event.amount.model_dump(mode="json")}
            return _with_known_payment(order, str(event.payment_id), taken)
        case RefundStarted():
            if (order["paid_by"], refund_id_of(event.payment_id)) == (str(event.payment_id), event.refund_id):
                order = _revoked(order)
            return _with_refund(order, str(event.refund_id), _refund(event))
        case RefundCompleted() if str(event.refund_id) in order["refunds"]:
            refund = order["refunds"][str(event.refund_id)] | {"status": RefundStatus.COMPLETED}
            return _with_refund(order, str(event.refund_id), refund)
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
        "refunds": {},
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


def _payment(event: PaymentStarted) -> JsonObject:
    members = event.model_dump(mode="json", include={"provider", "amount"})
    return {"id": str(event.payment_id), **members, "status": PaymentStatus.STARTED, "reason": None}


def _refund(event: RefundStarted) -> JsonObject:
    members = event.model_dump(mode="json", include={"payment_id", "amount", "reason"})
    return {"id": str(event.refund_id), **members, "status": RefundStatus.STARTED}


def _confirmed(order: JsonObject, event: OrderConfirmed) -> JsonObject:
    tickets = [ticket.model_dump(mode="json") | {"status": TicketStatus.VALID} for ticket in event.tickets]
    order = order | {"status": OrderStatus.CONFIRMED, "tickets": tickets, "paid_by": None}
    if event.payment_id is None:
        return order
    order = order | {"paid_by": str(event.payment_id)}
    return _with_known_payment(order, order["paid_by"], {"status": PaymentStatus.SUCCEEDED})


def _revoked(order: JsonObject, ticket_ids: Container[str] | None = None) -> JsonObject:
    """The order with these of its tickets revoked, or all."""
    revoked = {"status": TicketStatus.REVOKED}
    tickets = [
        ticket | revoked if ticket_ids is None or ticket["id"] in ticket_ids else ticket for ticket in order["tickets"]
    ]
    return order | {"tickets": tickets}


def _with_refund(order: JsonObject, refund_id: str, refund: JsonObject) -> JsonObject:
    order = order | {"refunds": {**order["refunds"], refund_id: refund}}
    payment, refunds = order["payments"].get(refund["payment_id"]), _refunds_of(order, refund["payment_id"])
    if payment is not None and sum(map(_amount, refunds)) >= _amount(payment):
        status = PaymentStatus.REFUNDED if _are_completed(refunds) else PaymentStatus.REFUNDING
        order = _with_payment(order, refund["payment_id"], {"status": status, "reason": refund["reason"]})
    return _as_refunded(order)


def _as_refunded(order: JsonObject) -> JsonObject:
    """As the aggregate says: once no ticket is valid any more, a paid order is as far as its refunds."""
    refunds = _refunds_of(order, order["paid_by"])
    if not refunds or any(ticket["status"] == TicketStatus.VALID for ticket in order["tickets"]):
        return order
    return order | {"status": OrderStatus.REFUNDED if _are_completed(refunds) else OrderStatus.REFUNDING}


def _refunds_of(order: JsonObject, payment_id: str | None) -> list[JsonObject]:
    return [refund for refund in order["refunds"].values() if refund["payment_id"] == payment_id]


def _are_completed(refunds: list[JsonObject]) -> bool:
    return all(refund["status"] == RefundStatus.COMPLETED for refund in refunds)


def _amount(of: JsonObject) -> Decimal:
    return Decimal(of["amount"]["amount"])


def _with_known_payment(order: JsonObject, payment_id: str, changes: JsonObject) -> JsonObject:
    return _with_payment(order, payment_id, changes) if payment_id in order["payments"] else order


def _with_payment(order: JsonObject, payment_id: str, changes: JsonObject) -> JsonObject:
    known = order["payments"].get(payment_id, {})
    return order | {"payments": {**order["payments"], payment_id: {**known, **changes}}}


PROJECTORS = {OrderEvent.aggregate_type: fold_order}
