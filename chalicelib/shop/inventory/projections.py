"""Live availability in Redis.

`concert:<id>` names the pools of a published concert. Per pool there is a hash of its terms and counts, a sorted set of
its holds by deadline, and a hash of the holds' quantities. `first_deadlines` has every pool with holds by the first of
their deadlines.
"""

from datetime import UTC, datetime, timedelta

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.port import Contents
from chalicelib.platform.readmodels.redis.model import Operation, Part, RedisModel
from chalicelib.shop.concerts.events import ConcertDeleted, ConcertEvent, ConcertPublished
from chalicelib.shop.inventory.availability import change
from chalicelib.shop.inventory.events import (
    HoldExtended,
    HoldPlacedOnOrder,
    HoldReleased,
    TicketPoolCapacityChanged,
    TicketPoolClosed,
    TicketPoolEvent,
    TicketPoolOpened,
    TicketsHeld,
    TicketsSold,
)

AVAILABILITY = "availability"

PARTS = {
    "concert": Part("concert:%s", "string"),
    "pool": Part("pool:%s", "hash"),
    "quantities": Part("pool:%s:quantities", "hash"),
    "deadlines": Part("pool:%s:deadlines", "zset"),
    "first_deadline": Part("first_deadlines", "score"),
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHANGES = """
local function keep_first_deadline(prefix, stream)
  local first = redis.call('ZRANGE', prefix .. 'pool:' .. stream .. ':deadlines', 0, 0, 'WITHSCORES')
  if first[2] then
    redis.call('ZADD', prefix .. 'first_deadlines', first[2], stream)
  else
    redis.call('ZREM', prefix .. 'first_deadlines', stream)
  end
end

local function end_hold(pool, hold)
  local quantity = redis.call('HGET', pool .. ':quantities', hold)
  if quantity then
    redis.call('HINCRBY', pool, 'held', -quantity)
    redis.call('HDEL', pool .. ':quantities', hold)
    redis.call('ZREM', pool .. ':deadlines', hold)
  end
end

function change.publish(prefix, stream, pools)
  redis.call('SET', prefix .. 'concert:' .. stream, pools)
end

function change.withdraw(prefix, stream)
  redis.call('DEL', prefix .. 'concert:' .. stream)
end

function change.advance(prefix, stream, at)
  local pool = prefix .. 'pool:' .. stream
  local now = math.max(at, tonumber(redis.call('HGET', pool, 'at') or at))
  redis.call('HSET', pool, 'at', now)
  for _, hold in ipairs(redis.call('ZRANGEBYSCORE', pool .. ':deadlines', '-inf', now)) do
    end_hold(pool, hold)
  end
  keep_first_deadline(prefix, stream)
end

function change.open(prefix, stream, ticket_type, name, capacity)
  redis.call('HSET', prefix .. 'pool:' .. stream, 'type', ticket_type, 'name', name, 'capacity', capacity)
end

function change.hold(prefix, stream, hold, quantity, deadline)
  local pool = prefix .. 'pool:' .. stream
  end_hold(pool, hold)
  redis.call('HINCRBY', pool, 'held', quantity)
  redis.call('HSET', pool .. ':quantities', hold, quantity)
  redis.call('ZADD', pool .. ':deadlines', deadline, hold)
  keep_first_deadline(prefix, stream)
end

function change.extend(prefix, stream, hold, deadline)
  redis.call('ZADD', prefix .. 'pool:' .. stream .. ':deadlines', 'XX', deadline, hold)
  keep_first_deadline(prefix, stream)
end

function change.release(prefix, stream, hold)
  end_hold(prefix .. 'pool:' .. stream, hold)
  keep_first_deadline(prefix, stream)
end

function change.sell(prefix, stream, hold, quantity)
  local pool = prefix .. 'pool:' .. stream
  end_hold(pool, hold)
  keep_first_deadline(prefix, stream)
  redis.call('HINCRBY', pool, 'sold', quantity)
end

function change.resize(prefix, stream, by)
  redis.call('HINCRBY', prefix .. 'pool:' .. stream, 'capacity', by)
end

function change.close(prefix, stream)
  redis.call('HSET', prefix .. 'pool:' .. stream, 'closed', 1)
end
"""


def operations_of(recorded: RecordedEvent) -> list[Operation]:
    """What the event changes; an event of a pool first ends the holds whose deadline it has reached."""
    match event := recorded.event:
        case TicketPoolEvent():
            return [("advance", milliseconds(event.at)), *_changes(event)]
        case ConcertPublished():
            return [("publish", " ".join(str(key) for of_type in event.pools for key in of_type.pool_ids))]
        case ConcertDeleted():
            return [("withdraw",)]
    return []


def fold_availability(contents: Contents | None, recorded: RecordedEvent) -> Contents:
    """What the script does to Redis, done to contents in memory."""
    contents = {} if contents is None else contents
    for name, *arguments in operations_of(recorded):
        change(contents, str(name), *arguments)
    return contents


def milliseconds(instant: datetime) -> int:
    """Since 1970, rounded down: deadlines in the log have no more than milliseconds."""
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def _changes(event: TicketPoolEvent) -> list[Operation]:
    match event:
        case TicketPoolOpened():
            return [("open", str(event.ticket_type_id), event.ticket_type_name, event.capacity)]
        case TicketsHeld():
            return [("hold", str(event.hold_id), event.quantity, milliseconds(event.expires_at))]
        case HoldExtended() | HoldPlacedOnOrder():
            return [("extend", str(event.hold_id), milliseconds(event.expires_at))]
        case HoldReleased():
            return [("release", str(event.hold_id))]
        case TicketsSold():
            return [("sell", str(event.hold_id), event.quantity)]
        case TicketPoolCapacityChanged():
            return [("resize", event.by)]
        case TicketPoolClosed():
            return [("close",)]
    return []


AVAILABILITY_MODEL = RedisModel(
    AVAILABILITY,
    frozenset({TicketPoolEvent.aggregate_type, ConcertEvent.aggregate_type}),
    operations_of,
    _CHANGES,
    fold_availability,
    PARTS,
)
"""Follows pools, and concerts for the ids of their pools: only so it can tell when some of them are missing."""
