"""Concerts and their ticket types in the programme; and the same row without a database, for looking back."""

from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from chalicelib.concerts.concert import ConcertStatus
from chalicelib.concerts.events import (
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCapacityChanged,
    ConcertCreated,
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertPublished,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeRemoved,
)
from chalicelib.delivery.postgres import storable, upsert
from chalicelib.eventsourcing.codec import RecordedEvent
from chalicelib.eventsourcing.event import JsonObject

_ADD_TICKET_TYPE = """
insert into ticket_types (concert_id, id, added_at_version, name, price_amount, price_currency, quantity,
                          max_per_order, sales_start, sales_end)
values (%(concert_id)s, %(id)s, %(added_at_version)s, %(name)s, %(price_amount)s, %(price_currency)s, %(quantity)s,
        %(max_per_order)s, %(sales_start)s, %(sales_end)s)
on conflict (concert_id, id) do update
   set name = excluded.name, price_amount = excluded.price_amount, price_currency = excluded.price_currency,
       quantity = excluded.quantity, max_per_order = excluded.max_per_order,
       sales_start = excluded.sales_start, sales_end = excluded.sales_end
"""
_CHANGE_QUANTITY = "update ticket_types set quantity = %(quantity)s where concert_id = %(concert_id)s and id = %(id)s"
_REMOVE_TICKET_TYPE = "delete from ticket_types where concert_id = %(concert_id)s and id = %(id)s"


def project_concert(cursor: Cursor[DictRow], recorded: RecordedEvent) -> None:
    upsert(cursor, "concerts", recorded, _columns(recorded))
    match recorded.event:
        case ConcertTicketTypeAdded() as event:
            cursor.execute(_ADD_TICKET_TYPE, _ticket_type(recorded, event))
        case ConcertCapacityChanged() as event:
            keys = {"concert_id": recorded.stream_id, "id": event.ticket_type_id}
            cursor.execute(_CHANGE_QUANTITY, keys | {"quantity": event.quantity})
        case ConcertTicketTypeRemoved() as event:
            _remove_ticket_type(cursor, recorded.stream_id, event.ticket_type_id)


def fold_concert(row: JsonObject | None, recorded: RecordedEvent) -> JsonObject:
    """The row, as `queries` reads it but for the venue, that `project_concert` makes of the same events.

    `ticket_types` are by id, in the order in which they were added.
    """
    known = row or _empty(recorded)
    return known | storable(_columns(recorded)) | {"version": recorded.version, "ticket_types": _types(known, recorded)}


def _types(row: JsonObject, recorded: RecordedEvent) -> JsonObject:
    types: JsonObject = row["ticket_types"]
    match recorded.event:
        case ConcertTicketTypeAdded() as event:
            return {**types, str(event.type.id): _ticket_type(recorded, event)}
        case ConcertTicketTypeRemoved() as event:
            return {key: kept for key, kept in types.items() if key != str(event.ticket_type_id)}
        case ConcertCapacityChanged() as event if str(event.ticket_type_id) in types:
            key = str(event.ticket_type_id)
            return {**types, key: types[key] | {"quantity": event.quantity}}
    return types


def _empty(recorded: RecordedEvent) -> JsonObject:
    unknown = (
        "organiser_id",
        "venue_id",
        "name",
        "description",
        "genre",
        "image_url",
        "max_per_customer",
        "starts_at",
        "ends_at",
    )
    row: JsonObject = dict.fromkeys(unknown)
    return row | {"id": recorded.stream_id, "status": ConcertStatus.DRAFT.value, "ticket_types": {}}


def _columns(recorded: RecordedEvent) -> dict[str, Any]:
    match recorded.event:
        case ConcertCreated() as event:
            return {"organiser_id": event.organiser_id, **_details(event)}
        case ConcertDetailsChanged() as event:
            return _details(event)
        case ConcertScheduled() as event:
            return {"starts_at": event.start_date, "ends_at": event.end_date}
        case ConcertPublished():
            return {"status": ConcertStatus.PUBLISHED.value}
        case ConcertCancelled():
            return {"status": ConcertStatus.CANCELLING.value}
        case ConcertCancellationCompleted():
            return {"status": ConcertStatus.CANCELLED.value}
        case ConcertDeleted():
            return {"status": ConcertStatus.DELETED.value}
    return {}


def _details(event: ConcertCreated | ConcertDetailsChanged) -> dict[str, Any]:
    return {
        "name": event.name,
        "venue_id": event.venue_id,
        "description": event.description,
        "genre": event.genre,
        "image_url": event.image_url,
        "max_per_customer": event.max_per_customer,
    }


def _ticket_type(recorded: RecordedEvent, event: ConcertTicketTypeAdded) -> dict[str, Any]:
    ticket_type = event.type
    return storable(
        {
            "concert_id": recorded.stream_id,
            "id": ticket_type.id,
            "added_at_version": recorded.version,
            "name": ticket_type.name,
            "price_amount": ticket_type.price.amount,
            "price_currency": ticket_type.price.currency,
            "quantity": ticket_type.quantity,
            "max_per_order": ticket_type.max_per_order,
            "sales_start": ticket_type.sales_start,
            "sales_end": ticket_type.sales_end,
        }
    )


def _remove_ticket_type(cursor: Cursor[DictRow], concert_id: UUID, ticket_type_id: UUID) -> None:
    cursor.execute(_REMOVE_TICKET_TYPE, {"concert_id": concert_id, "id": ticket_type_id})
