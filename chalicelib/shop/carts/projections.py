"""Projects carts into documents: what the customer sees of a cart, except what depends on the clock."""

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.readmodels.documents.document import new_document
from chalicelib.shop.carts.events import (
    CartCheckedOut,
    CartCreated,
    CartEvent,
    CartHoldsExtended,
    CartItemAdded,
    CartItemRemoved,
    CartLine,
    CartReplaced,
)

_COPIED = {"id", "ticket_type_id", "ticket_type_name", "concert_id", "concert_name", "quantity", "unit_price"}


def fold_cart(document: JsonObject | None, recorded: RecordedEvent) -> JsonObject:
    event = recorded.event
    cart = _empty(recorded) if document is None else document
    match event:
        case CartCreated():
            return _empty(recorded) | {"customer_id": str(event.customer_id)}
        case CartItemAdded():
            return cart | {"items": {**cart["items"], str(event.item.id): _item(event.item)}}
        case CartHoldsExtended():
            deadlines = {str(line.item_id): format_instant(line.expires_at) for line in event.lines}
            items = {key: item | _deadline(deadlines.get(key)) for key, item in cart["items"].items()}
            return cart | {"items": items}
        case CartItemRemoved():
            return cart | {"items": {key: item for key, item in cart["items"].items() if key != str(event.item_id)}}
        case CartCheckedOut():
            order_id = None if event.order_id is None else str(event.order_id)
            return cart | {"status": "checked_out", "order_id": order_id}
        case CartReplaced():
            return cart | {"status": "replaced"}
    return cart


def _empty(recorded: RecordedEvent) -> JsonObject:
    return new_document(recorded) | {"status": "open", "order_id": None, "items": {}}


def _deadline(instant: str | None) -> JsonObject:
    return {} if instant is None else {"hold_expires_at": instant}


def _item(line: CartLine) -> JsonObject:
    return line.model_dump(mode="json", include=_COPIED) | {
        "total": line.unit_price.times(line.quantity).model_dump(mode="json"),
        "hold_expires_at": None if line.expires_at is None else format_instant(line.expires_at),
    }


PROJECTORS = {CartEvent.aggregate_type: fold_cart}
