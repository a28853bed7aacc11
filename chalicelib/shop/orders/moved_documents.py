"""The places and the moved tickets of an order, as its document has them.

Only an order whose tickets are moved has `moves`, and only its tickets `replaced_by`, `issued_at` and `holder`, so that
the document of any other order is as it always was. A holder's name stays in its envelope.
"""

from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.orders.events import OrderLine, TicketMoveEnded, TicketMoveStarted, TicketsMoved
from chalicelib.shop.orders.ticket import TicketStatus

_COPIED = {"ticket_type_id", "ticket_type_name", "concert_id", "concert_name", "quantity", "unit_price"}


def line_of(line: OrderLine) -> JsonObject:
    total = {"amount": str(line.unit_price.amount * line.quantity), "currency": line.unit_price.currency}
    return line.model_dump(mode="json", include=_COPIED) | {"total": total}


def with_move(order: JsonObject, event: Event) -> JsonObject:
    """Add what the event says of a move, if it is about one."""
    match event:
        case TicketMoveStarted():
            due = {"payment_due_at": format_instant(event.payment_due_at)}
            return _with(order, str(event.move_id), _facts(event) | due | {"status": "awaiting_payment"})
        case TicketMoveEnded():
            return _with(order, str(event.move_id), {"status": "ended"})
        case TicketsMoved():
            return _moved(order, event)
    return order


def _moved(order: JsonObject, event: TicketsMoved) -> JsonObject:
    successors = {str(old): str(new.id) for old, new in zip(event.ticket_ids, event.tickets, strict=False)}
    replaced = {ticket["id"]: ticket for ticket in order["tickets"]}
    tickets = [
        ticket | {"replaced_by": successors[ticket["id"]]} if ticket["id"] in successors else ticket
        for ticket in order["tickets"]
    ]
    holders = {new: replaced[old]["holder"] for old, new in successors.items() if "holder" in replaced.get(old, {})}
    if event.holder is not None:
        holders = dict.fromkeys(successors.values(), event.holder.model_dump(mode="json", by_alias=True))
    issued = [
        ticket.model_dump(mode="json")
        | {"status": TicketStatus.VALID, "issued_at": format_instant(event.at)}
        | ({"holder": holders[str(ticket.id)]} if str(ticket.id) in holders else {})
        for ticket in event.tickets
    ]
    line = line_of(event.line) | {"move_id": str(event.move_id)}
    order = order | {"lines": [*order["lines"], line], "tickets": [*tickets, *issued]}
    return _with(order, str(event.move_id), _facts(event) | _money(event) | {"status": "moved"})


def _facts(event: TicketMoveStarted | TicketsMoved) -> JsonObject:
    return {
        "by": event.by,
        "concert_id": str(event.concert_id),
        "ticket_ids": [str(key) for key in event.ticket_ids],
        "to_concert_id": None if event.line.concert_id is None else str(event.line.concert_id),
        "to_ticket_type_id": str(event.line.ticket_type_id),
        "supplement": event.supplement.model_dump(mode="json"),
        "at": format_instant(event.at),
    }


def _money(event: TicketsMoved) -> JsonObject:
    return {
        "carried": event.carried.model_dump(mode="json"),
        "refunded": event.refunded.model_dump(mode="json"),
        "refund_ids": [str(key) for key in event.refund_ids],
        "payment_id": None if event.paid_by is None else str(event.paid_by),
    }


def _with(order: JsonObject, move_id: str, facts: JsonObject) -> JsonObject:
    moves = order.get("moves", {})
    return order | {"moves": {**moves, move_id: moves.get(move_id, {"id": move_id}) | facts}}
