"""Projects the availability into Redis.

`concert:<id>` names the pools of a published concert, `sales:<id>` the sales windows of its ticket types. Per pool
there is a hash of its terms and counts, a sorted set of its holds by deadline, a hash of the holds' quantities and, for
the pool of an area, one of their ticket types. `first_deadlines` has every pool with holds by the first of their
deadlines. What a ticket type has in all its pools is derived from these (stock.lua, ADR 40).
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.readmodels.port import Contents
from chalicelib.platform.readmodels.redis.model import Operation, Part, RedisModel
from chalicelib.shop.concerts.events import (
    ConcertCancelled,
    ConcertDeleted,
    ConcertEvent,
    ConcertMoved,
    ConcertPostponed,
    ConcertPublished,
    ConcertSalesClosed,
    ConcertSalesOpened,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeChanged,
    ConcertTicketTypeRemoved,
    TicketType,
)
from chalicelib.shop.inventory.availability import change
from chalicelib.shop.inventory.events import (
    AreaPoolOpened,
    HoldExtended,
    HoldPlacedOnOrder,
    HoldReleased,
    TicketPoolCapacityChanged,
    TicketPoolClosed,
    TicketPoolEvent,
    TicketPoolOpened,
    TicketPoolTermsChanged,
    TicketsHeld,
    TicketsReturned,
    TicketsSold,
    TicketTypeQuotaChanged,
)
from chalicelib.shop.inventory.on_sale import CANCELLED, CLOSED, POSTPONED, STARTS, window

AVAILABILITY = "availability"

PARTS = {
    "concert": Part("concert:%s", "string"),
    "sales": Part("sales:%s", "hash"),
    "pool": Part("pool:%s", "hash"),
    "quantities": Part("pool:%s:quantities", "hash"),
    "types": Part("pool:%s:types", "hash"),
    "deadlines": Part("pool:%s:deadlines", "zset"),
    "first_deadline": Part("first_deadlines", "score"),
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def lua(*names: str) -> str:
    """Return the Lua of these files beside this one, one after the other."""
    return "\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in names)


def operations_of(recorded: RecordedEvent) -> list[Operation]:
    """Return what the event changes; an event of a pool first ends the holds whose deadline it has reached."""
    match event := recorded.event:
        case TicketPoolEvent():
            return [("advance", milliseconds(event.at)), *_changes(event)]
        case ConcertPublished():
            stocks = [one.pool_ids for one in event.pools] + [one.pool_ids for one in event.areas or ()]
            return [("publish", " ".join(str(key) for pool_ids in stocks for key in pool_ids))]
        case ConcertDeleted():
            return [("withdraw",)]
        case ConcertTicketTypeAdded():
            said: Operation = ("say", str(event.type.id), _window(event.type))
            return [("add_pools", " ".join(map(str, event.pool_ids))), said] if event.pool_ids else [said]
    return _said(recorded.event)


def _said(event: Event) -> list[Operation]:
    """Return what the event says of the sale of its concert."""
    match event:
        case ConcertTicketTypeChanged():
            return [("say", str(event.ticket_type_id), _window(event))]
        case ConcertTicketTypeRemoved():
            return [("unsay", str(event.ticket_type_id))]
        case ConcertScheduled():
            return [("say", STARTS, str(milliseconds(event.start_date)))]
        case ConcertMoved():
            return [("say", STARTS, str(milliseconds(event.start_date))), ("unsay", POSTPONED)]
        case ConcertPostponed():
            return [("say", POSTPONED, "1")]
        case ConcertSalesClosed():
            return [("say", CLOSED, "1")]
        case ConcertSalesOpened():
            return [("unsay", CLOSED)]
        case ConcertCancelled():
            return [("say", CANCELLED, "1")]
    return []


def fold_availability(contents: Contents | None, recorded: RecordedEvent) -> Contents:
    """Do to contents in memory what the script does to Redis."""
    contents = {} if contents is None else contents
    for name, *arguments in operations_of(recorded):
        change(contents, str(name), *arguments)
    return contents


def milliseconds(instant: datetime) -> int:
    """Count milliseconds since 1970, rounded down: deadlines in the log have no more than milliseconds."""
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def _window(ticket_type: TicketType | ConcertTicketTypeChanged) -> str:
    start, end = ticket_type.sales_start, ticket_type.sales_end
    return window(None if start is None else milliseconds(start), None if end is None else milliseconds(end))


def _changes(event: TicketPoolEvent) -> list[Operation]:
    match event:
        case TicketsHeld():
            deadline = milliseconds(event.expires_at)
            return [
                ("hold", str(event.hold_id), event.quantity, deadline, _type_of(event)),
                *_moved_in(event),
            ]
        case HoldExtended() | HoldPlacedOnOrder():
            return [("extend", str(event.hold_id), milliseconds(event.expires_at))]
        case HoldReleased():
            return [("release", str(event.hold_id))]
        case TicketsSold():
            return [("sell", str(event.hold_id), event.quantity, _type_of(event)), *_moved_in(event)]
        case TicketsReturned():
            return [("take_back", event.quantity, str(event.ticket_type_id))]
        case TicketPoolClosed():
            return [("close",)]
    return _changes_of_offer(event)


def _changes_of_offer(event: TicketPoolEvent) -> list[Operation]:
    match event:
        case TicketPoolOpened():
            return [("open", str(event.ticket_type_id), event.ticket_type_name, event.capacity)]
        case AreaPoolOpened():
            offers: list[Operation] = [
                ("offer", str(one.id), one.name, "" if one.quota is None else str(one.quota))
                for one in event.ticket_types
            ]
            return [("open", str(event.area_id), event.area_name, event.capacity), *offers]
        case TicketPoolTermsChanged():
            return [("rename", str(event.ticket_type_id), event.ticket_type_name)]
        case TicketTypeQuotaChanged():
            return [("move_quota", str(event.ticket_type_id), event.by)]
        case TicketPoolCapacityChanged():
            return [("resize", event.by)]
    return []


def _type_of(event: TicketsHeld | TicketsSold) -> str:
    """Return the ticket type that the pool of an area names; empty in the pool of one type."""
    return "" if event.ticket_type_id is None else str(event.ticket_type_id)


def _moved_in(event: TicketsHeld | TicketsSold) -> list[Operation]:
    if event.ticket_type_id is None or event.quota_moved_in is None:
        return []
    return [("move_quota", str(event.ticket_type_id), event.quota_moved_in)]


AVAILABILITY_MODEL = RedisModel(
    AVAILABILITY,
    frozenset({TicketPoolEvent.aggregate_type, ConcertEvent.aggregate_type}),
    operations_of,
    lua("availability.lua"),
    fold_availability,
    PARTS,
    lua("stock.lua", "derived.lua"),
)
"""It follows pools, and concerts for their windows and the ids of their pools: without those it could not tell that a
pool is missing."""
