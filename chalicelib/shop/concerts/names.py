"""Keeps the names of each concert and its ticket types of today, for the orders that were placed under older ones."""

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.readmodels.documents.document import new_document
from chalicelib.shop.concerts.events import (
    ConcertCreated,
    ConcertDetailsChanged,
    ConcertEvent,
    ConcertTicketTypeAdded,
    ConcertTicketTypeChanged,
)


def fold_names(document: JsonObject | None, recorded: RecordedEvent) -> JsonObject:
    """Note the names in the event; ticket types that were removed keep theirs."""
    names = new_document(recorded) | {"name": None, "ticket_types": {}} if document is None else document
    match recorded.event:
        case ConcertCreated() | ConcertDetailsChanged() as event:
            return names | {"name": event.name}
        case ConcertTicketTypeAdded() as event:
            return names | {"ticket_types": names["ticket_types"] | {str(event.type.id): event.type.name}}
        case ConcertTicketTypeChanged() as event:
            return names | {"ticket_types": names["ticket_types"] | {str(event.ticket_type_id): event.name}}
    return names


NAMES = {ConcertEvent.aggregate_type: fold_names}
