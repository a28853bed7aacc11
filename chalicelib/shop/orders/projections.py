"""The order as its customer sees it, but for what depends on the clock: one document per order.

Status, payments, refunds and the status of tickets follow the aggregate's own rules. Name and e-mail address of the
buyer stay in their envelope.
"""

from collections.abc import Set as AbstractSet
from decimal import Decimal
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.money import Money
from chalicelib.platform.readmodels.documents.document import new_document
from chalicelib.shop.orders.events import (
    BuyerCorrected,
    OrderConfirmed,
    OrderCreatedByTheOriginal,
    OrderEvent,
    OrderJoined,
    OrderPlaced,
    PaymentStarted,
    RefundGranted,
    TicketsReissued,
)
from chalicelib.shop.orders.moved_documents import line_of, with_move
from chalicelib.shop.orders.refund import Dispute, DisputeStatus, Refund, RefundStatus
from chalicelib.shop.orders.rules import OrderState, OrderStatus, PaymentState, PaymentStatus, after
from chalicelib.shop.orders.ticket import TicketStatus


def fold_order(document: JsonObject | None, recorded: RecordedEvent) -> JsonObject:
    """Add the event's facts to the document, and then what the rules make of them."""
    order = _with_facts(_empty(recorded) if document is None else document, recorded)
    return _with_state(order, after(_state_of(order), recorded.event))


def _with_facts(order: JsonObject, recorded: RecordedEvent) -> JsonObject:
    match event := recorded.event:
        case OrderPlaced():
            return _empty(recorded) | _placed(event)
        case OrderCreatedByTheOriginal():
            placed_at = format_instant(as_utc(recorded.created))
            return _empty(recorded) | {"customer_id": str(event.customer_id), "placed_at": placed_at}
        case BuyerCorrected():
            return order | {"buyer": event.buyer.model_dump(mode="json", by_alias=True)}
        case OrderJoined():
            return order | {"customer_id": str(event.account_id)}
        case PaymentStarted():
            payment = _payment(event.payment_id, PaymentState(event.provider, event.amount))
            return order | {"payments": {**order["payments"], payment["id"]: payment}}
        case OrderConfirmed():
            tickets = [ticket.model_dump(mode="json") | {"status": TicketStatus.VALID} for ticket in event.tickets]
            return order | {"tickets": tickets}
        case TicketsReissued():
            return order | {"tickets": [_reissued(ticket, event) for ticket in order["tickets"]]}
        case RefundGranted():
            # Only an order with granted refunds has this member, for the same reason as with disputes.
            granted = {str(part.refund_id): str(part.concert_id) for part in event.parts if part.refund_id is not None}
            return order | {"granted_refunds": order.get("granted_refunds", {}) | granted} if granted else order
    return with_move(order, recorded.event)


def _reissued(ticket: JsonObject, event: TicketsReissued) -> JsonObject:
    """Count the reissue. Only a ticket that was ever reissued has this member, as the document always was."""
    return ticket | {"serial": ticket.get("serial", 0) + 1} if UUID(ticket["id"]) in event.ticket_ids else ticket


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
        "cart_id": str(event.cart_id),
        "lines": [line_of(line) for line in event.lines],
        "total": event.total.model_dump(mode="json"),
        "placed_at": format_instant(event.at),
        "payment_due_at": format_instant(event.payment_due_at),
        "buyer": event.buyer.model_dump(mode="json", by_alias=True),
    }


# --- what the rules know, as the document says it --------------------------------------------------------------------


def _state_of(order: JsonObject) -> OrderState:
    return OrderState(
        status=None if order["status"] is None else OrderStatus(order["status"]),
        payments={UUID(key): _payment_state(payment) for key, payment in order["payments"].items()},
        paid_by=None if order["paid_by"] is None else UUID(order["paid_by"]),
        refunds={UUID(key): _refund_state(refund) for key, refund in order["refunds"].items()},
        disputes={key: _dispute_state(dispute) for key, dispute in order.get("disputes", {}).items()},
        supplements=tuple(UUID(key) for key in order.get("supplements", ())),
        valid=frozenset(UUID(ticket["id"]) for ticket in order["tickets"] if ticket["status"] == TicketStatus.VALID),
    )


def _with_state(order: JsonObject, state: OrderState) -> JsonObject:
    # Only an order with disputes has this member, so that the document of any other is as it always was.
    disputes = {"disputes": {key: _dispute(key, one) for key, one in state.disputes.items()}} if state.disputes else {}
    supplements = {"supplements": [str(key) for key in state.supplements]} if state.supplements else {}
    return (
        order
        | disputes
        | supplements
        | {
            "status": state.status,
            "payments": {str(key): _payment(key, payment) for key, payment in state.payments.items()},
            "refunds": {str(key): _refund(key, refund) for key, refund in state.refunds.items()},
            "paid_by": None if state.paid_by is None else str(state.paid_by),
            "tickets": [ticket | {"status": _ticket_status(ticket, state.valid)} for ticket in order["tickets"]],
        }
    )


def _payment_state(payment: JsonObject) -> PaymentState:
    status = PaymentStatus(payment["status"])
    return PaymentState(payment["provider"], _amount_of(payment), status, payment["reason"])


def _payment(payment_id: UUID, payment: PaymentState) -> JsonObject:
    return {
        "id": str(payment_id),
        "provider": payment.provider,
        "amount": payment.amount.model_dump(mode="json"),
        "status": payment.status,
        "reason": payment.reason,
    }


def _refund_state(refund: JsonObject) -> Refund:
    status = RefundStatus(refund["status"])
    return Refund(UUID(refund["payment_id"]), _amount_of(refund), refund["reason"], status)


def _refund(refund_id: UUID, refund: Refund) -> JsonObject:
    return {
        "id": str(refund_id),
        "payment_id": str(refund.payment_id),
        "amount": refund.amount.model_dump(mode="json"),
        "reason": refund.reason,
        "status": refund.status,
    }


def _dispute_state(dispute: JsonObject) -> Dispute:
    status = DisputeStatus(dispute["status"])
    return Dispute(UUID(dispute["payment_id"]), _amount_of(dispute), dispute["reason"], status)


def _dispute(dispute_id: str, dispute: Dispute) -> JsonObject:
    return {
        "id": dispute_id,
        "payment_id": str(dispute.payment_id),
        "amount": dispute.amount.model_dump(mode="json"),
        "reason": dispute.reason,
        "status": dispute.status,
    }


def _ticket_status(ticket: JsonObject, valid: AbstractSet[UUID]) -> TicketStatus:
    is_valid = ticket["status"] == TicketStatus.VALID and UUID(ticket["id"]) in valid
    return TicketStatus.VALID if is_valid else TicketStatus.REVOKED


def _amount_of(document: JsonObject) -> Money:
    return Money(amount=Decimal(document["amount"]["amount"]), currency=document["amount"]["currency"])


PROJECTORS = {OrderEvent.aggregate_type: fold_order}
