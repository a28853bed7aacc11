"""Every event that the original Cloudbash wrote, as it wrote it."""

from typing import Any

from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.carts.events import CartCheckedOut, CartCreated, CartItemAdded, CartItemRemoved
from chalicelib.shop.concerts.events import (
    ConcertCreated,
    ConcertDeleted,
    ConcertPublished,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeRemoved,
)
from chalicelib.shop.orders.events import OrderCreatedByTheOriginal
from chalicelib.shop.venues.events import VenueCreated, VenueDeleted
from tests.support.shop import some_id
from tests.support.stored import imported

STREAM, VENUE_ID, TYPE, CUSTOMER, ITEM = map(some_id, ("stream", "venue", "type", "customer", "item"))
VENUE_DATA = {"Name": "Doornroosje", "Description": "", "Capacity": 400, "WebUrl": "http://x.nl", "Address": "Nijmegen"}
TICKET_TYPE = {"Id": str(TYPE), "Name": "Regular", "Price": 25.0, "Quantity": 100}

ORIGINAL: list[tuple[str, dict[str, Any], type[Event]]] = [
    ("Venues.Events.VenueCreated", VENUE_DATA, VenueCreated),
    ("Venues.Events.VenueCreated", {**VENUE_DATA, "Name": None, "WebUrl": None, "Address": None}, VenueCreated),
    ("Venues.Events.VenueCreated", {**VENUE_DATA, "Description": None}, VenueCreated),
    ("Venues.Events.VenueDeleted", {}, VenueDeleted),
    (
        "Concerts.Events.ConcertCreated",
        {
            "Name": "Low",
            "VenueId": str(VENUE_ID),
            "ImageUrl": "http://x.nl/low.png",
            "Created": "2020-05-25T16:10:56.1234567Z",
        },
        ConcertCreated,
    ),
    (
        "Concerts.Events.ConcertCreated",
        {"Name": None, "VenueId": str(VENUE_ID), "ImageUrl": None, "Created": "2020-05-25T18:10:56.1234567+02:00"},
        ConcertCreated,
    ),
    (
        "Concerts.Events.ConcertScheduled",
        {"StartDate": "2020-07-01T20:00:00", "EndDate": "2020-07-01T23:00:00"},
        ConcertScheduled,
    ),
    (
        "Concerts.Events.ConcertScheduled",
        {"StartDate": "2020-07-01T20:00:00.1234567Z", "EndDate": "2020-07-01T23:00:00.7654321+02:00"},
        ConcertScheduled,
    ),
    (
        "Concerts.Events.ConcertScheduled",
        {"StartDate": "0001-01-01T00:00:00", "EndDate": "9999-12-31T23:59:59.9999999"},
        ConcertScheduled,
    ),
    ("Concerts.Events.ConcertTicketTypeAdded", {"Type": TICKET_TYPE}, ConcertTicketTypeAdded),
    ("Concerts.Events.ConcertTicketTypeAdded", {"Type": {**TICKET_TYPE, "Name": None}}, ConcertTicketTypeAdded),
    ("Concerts.Events.ConcertTicketTypeAdded", {"Type": {**TICKET_TYPE, "Price": 0}}, ConcertTicketTypeAdded),
    ("Concerts.Events.ConcertTicketTypeRemoved", {"TicketTypeId": str(TYPE)}, ConcertTicketTypeRemoved),
    ("Concerts.Events.ConcertPublished", {}, ConcertPublished),
    ("Concerts.Events.ConcertDeleted", {}, ConcertDeleted),
    ("Carts.Events.CartCreated", {"CustomerId": str(CUSTOMER)}, CartCreated),
    (
        "Carts.Events.CartItemAdded",
        {"Item": {"Id": str(ITEM), "TicketTypeId": str(TYPE), "Quantity": 2}},
        CartItemAdded,
    ),
    ("Carts.Events.CartItemRemoved", {"ItemId": str(ITEM)}, CartItemRemoved),
    ("Carts.Events.CartCheckedOut", {}, CartCheckedOut),
    (
        "Orders.Events.OrderCreated",
        {"CustomerId": str(CUSTOMER), "Items": [{"Id": str(ITEM), "TicketId": str(TYPE)}]},
        OrderCreatedByTheOriginal,
    ),
]
ORIGINAL_EVENTS = [imported(f"Cloudbash.Domain.{name}Event", STREAM, **data) for name, data, _ in ORIGINAL]
ORIGINAL_IDS = [f"{number} {name.rpartition('.')[2]}" for number, (name, _, _) in enumerate(ORIGINAL)]


def readable() -> list[Event]:
    """Those that load; a test of its own says that all do."""
    events = []
    for item in ORIGINAL_EVENTS:
        try:
            events.append(decode(item))
        except LogDamaged:
            continue
    return events
