"""Answers how many tickets of a concert are available: from Redis, or from the log if Redis cannot answer."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.caller import Actor
from chalicelib.platform.errors import NotFound, TooMuchToRead
from chalicelib.platform.eventsourcing.codec import aggregate_type_of, decode, recorded
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.history import created_at
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.streams import Streams
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.readmodels.missing import newest_missing
from chalicelib.platform.readmodels.port import Contents
from chalicelib.platform.readmodels.redis.failures import failures_as_unavailable
from chalicelib.platform.readmodels.redis.keys import LIVE_PREFIX, pointer_of, prefix_of
from chalicelib.shop.concerts.events import (
    ConcertCreated,
    ConcertDeleted,
    ConcertEvent,
    ConcertPublished,
    ConcertTicketTypeAdded,
    ConcertTicketTypeChanged,
    ConcertTicketTypeRemoved,
    PoolsOfArea,
    PoolsOfTicketType,
    TicketType,
)
from chalicelib.shop.inventory.on_sale import CANCELLED, what_can_be_bought
from chalicelib.shop.inventory.projections import (
    AVAILABILITY,
    AVAILABILITY_MODEL,
    fold_availability,
    lua,
    milliseconds,
)
from chalicelib.shop.inventory.stock_from_log import StockAsOf
from chalicelib.shop.inventory.stock_rows import COUNTS, area_of, rows_of_area, rows_of_stock, types_in
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool

if TYPE_CHECKING:
    from redis import Redis

POOLS_AT_ONCE = 8
"""The pools that are read from the log at once."""

FIRST_LOOK = 100
"""The events of a concert that the first request to the log reads; few concerts have more."""

STOCK_OF_CONCERT = f"""
{LIVE_PREFIX}
{lua("stock.lua")}
local now, concert = tonumber(ARGV[2]), ARGV[3]
local function look()
{lua("look.lua")}
end
{lua("sales.lua")}
"""
_CANCELLED = f"""
{LIVE_PREFIX}
local cancelled = {{}}
for place = 2, #ARGV do
  if redis.call('HEXISTS', prefix .. 'sales:' .. ARGV[place], '{CANCELLED}') == 1 then
    cancelled[#cancelled + 1] = ARGV[place]
  end
end
return cancelled
"""
_LAPSED = f"""
{LIVE_PREFIX}
return redis.call('ZRANGEBYSCORE', prefix .. 'first_deadlines', '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
"""
_POSITIONS = f"""
{LIVE_PREFIX}
return redis.call('HMGET', prefix .. 'positions', unpack(ARGV, 2))
"""


@dataclass(frozen=True, slots=True)
class PoolStock:
    """The stock of one pool at one instant."""

    ticket_type_id: str
    name: str
    capacity: int
    held: int
    sold: int
    on_sale: bool

    @property
    def available(self) -> int:
        return max(0, self.capacity - self.held - self.sold) if self.on_sale else 0


def availability(redis: "Redis", concert_id: UUID, now: datetime) -> list[JsonObject] | None:
    """Return what can be bought, is held and sold of each ticket type at `now`, sorted by name, in one round trip.

    The row of a type that draws from an area has the area's stock as `area`.
    It costs as much for one pool as for ninety, and time does not go back: a hold that has ended for one reader has
    ended for all. It is None if Redis does not have the concert, or not all of its pools.
    Raises Unavailable.
    """
    found: list[Any] | None = _asked(redis, STOCK_OF_CONCERT, milliseconds(now), str(concert_id))
    if found is None:
        return None
    stock, said = found
    ticket_types = _sorted(
        row
        for stock_id, *values in stock
        for row in rows_of_stock(stock_id, dict(zip(values[::2], values[1::2], strict=True)))
    )
    return what_can_be_bought(ticket_types, dict(zip(said[::2], said[1::2], strict=True)), now)


def cancelled_concerts(redis: "Redis", concert_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return those of the concerts that are cancelled, as far as Redis has heard of it, in one round trip.

    Raises Unavailable.
    """
    found: list[str] = _asked(redis, _CANCELLED, *map(str, concert_ids)) if concert_ids else []
    return frozenset(map(UUID, found))


def _asked(redis: "Redis", query: str, *arguments: str | int) -> Any:
    """Run a query on the live generation, in one round trip.

    Raises Unavailable.
    """
    script = redis.register_script(query)
    with failures_as_unavailable():
        return script(keys=[pointer_of(AVAILABILITY)], args=[prefix_of(AVAILABILITY), *arguments])


def pools_with_lapsed_holds(redis: "Redis", now: datetime, limit: int) -> list[UUID]:
    """Return up to `limit` pools with ended holds that no event has dropped yet, those that ended first first.

    Raises Unavailable.
    """
    found: list[str] = _asked(redis, _LAPSED, milliseconds(now), limit)
    return [UUID(stream) for stream in found]


def reflects(redis: "Redis", log: EventStore, min_versions: MinVersions) -> bool:
    """Tell whether Redis has reached the reader's minimum versions of concerts and pools; it follows nothing else.

    If it may be behind, one request to the log tells whether it is.
    Raises Unavailable.
    """
    if not min_versions.named:
        return True
    found: list[str | None] = _asked(redis, _POSITIONS, *map(str, min_versions.named))
    positions = {key: int(at) for key, at in zip(min_versions.named, found, strict=True) if at is not None}
    return not newest_missing(log, AVAILABILITY_MODEL.aggregate_types, positions, min_versions)


def stock_from_log(streams: Streams, concert_id: UUID, now: datetime, most_pools: Callable[[], int]) -> StockAsOf:
    """Return the stock as the log has it. Until all pools of a type are open, nothing of it is available.

    `most_pools` is asked once the concert has been read.
    Raises NotFound if there is no such published concert, TooMuchToRead if it has more pools, or Unavailable.
    """
    concert, versions = _concert(streams.store, concert_id), dict[UUID, int]()

    def pool(key: UUID) -> TicketPool:
        found, versions[key] = streams.load(TICKET_POOL, key)
        return found

    ticket_types = _availability(concert, pool, now, most_pools())
    return StockAsOf(ticket_types, {concert_id: concert[-1].aggregate_version, **versions})


def availability_as_of(
    log: EventStore, concert_id: UUID, as_of: datetime, actor: Actor, most_pools: Callable[[], int]
) -> list[JsonObject]:
    """Return what was available at an instant, from the log, to whoever manages the concert.

    Raises NotFound if there was no such published concert, Forbidden, TooMuchToRead or Unavailable.
    """
    concert = _concert(log, concert_id)
    actor.ensure_manages(_owner(concert))

    def pool(key: UUID) -> TicketPool:
        return TICKET_POOL.fold(decode(event) for event in _until(log.read(key), as_of))

    return _availability(_until(concert, as_of), pool, as_of, most_pools())


def _until(stream: Sequence[StoredEvent], as_of: datetime) -> list[StoredEvent]:
    return [event for event in stream if created_at(event) <= as_of]


def _concert(log: EventStore, concert_id: UUID) -> list[StoredEvent]:
    """Read a concert's stream; of a stream that is something else only the beginning is read.

    Raises NotFound, TooMuchToRead or Unavailable.
    """
    first = log.read_slice(concert_id, -1, FIRST_LOOK)
    if not first or aggregate_type_of(first[0]) != ConcertEvent.aggregate_type:
        raise _not_on_sale()
    rest = log.read(concert_id, first[-1].aggregate_version) if len(first) == FIRST_LOOK else []
    return [*first, *rest]


def _owner(concert: Sequence[StoredEvent]) -> UUID | None:
    created = decode(concert[0])
    return created.organiser_id if isinstance(created, ConcertCreated) else None


def _availability(
    concert: Sequence[StoredEvent], pool_of: Callable[[UUID], TicketPool], now: datetime, most_pools: int
) -> list[JsonObject]:
    published, types = _published(concert)
    names = {key: one.name for key, one in types.items()}
    keys = [key for of_type in published.pools for key in of_type.pool_ids]
    keys += [key for area in published.areas or () for key in area.pool_ids]
    if len(keys) > most_pools:
        raise TooMuchToRead(
            f"The concert has {len(keys)} pools, and the log may be read {most_pools} times more in this request.",
            pools=len(keys),
            limit=most_pools,
        )
    with ThreadPoolExecutor(POOLS_AT_ONCE) as threads:
        found = dict(zip(keys, threads.map(pool_of, keys), strict=True))
    stock: list[PoolStock] = []
    for of_type in published.pools:
        pools = [found[key].at(now) for key in of_type.pool_ids]
        is_open = all(pool.terms is not None for pool in pools)
        name = names.get(of_type.ticket_type_id, "")
        stock += (_stock(of_type.ticket_type_id, name, pool, is_open) for pool in pools)
    rows = _by_type(stock)
    for of_area in published.areas or ():
        rows += _rows_of_area(of_area, [found[key].at(now) for key in of_area.pool_ids], types)
    return what_can_be_bought(_sorted(rows), _sales(concert), now)


def _rows_of_area(
    of_area: PoolsOfArea, pools: Sequence[TicketPool], types: Mapping[UUID, TicketType]
) -> list[JsonObject]:
    is_open = all(pool.area is not None for pool in pools)
    name = next((pool.area.area_name for pool in pools if pool.area), "")
    names = {str(key): one.name for key, one in types.items() if one.area_id == of_area.area_id}
    return rows_of_area(area_of(pools, str(of_area.area_id), name, is_open=is_open), types_in(pools, names))


def _sales(concert: Sequence[StoredEvent]) -> Mapping[str, str]:
    contents: Contents | None = None
    for stored in concert:
        contents = fold_availability(contents, recorded(stored))
    sales: Mapping[str, str] = (contents or {}).get("sales", {})
    return sales


def _published(concert: Sequence[StoredEvent]) -> tuple[ConcertPublished, dict[UUID, TicketType]]:
    """Return the publication, which has the pools, and the ticket types.

    Raises NotFound.
    """
    published, types = None, dict[UUID, TicketType]()
    for stored in concert:
        match event := decode(stored):
            case ConcertTicketTypeAdded():
                types[event.type.id] = event.type
                published = _with_pools(published, event) if published and event.pool_ids else published
            case ConcertTicketTypeChanged() if event.ticket_type_id in types:
                types[event.ticket_type_id] = types[event.ticket_type_id].model_copy(update={"name": event.name})
            case ConcertTicketTypeRemoved():
                types.pop(event.ticket_type_id, None)
            case ConcertPublished():
                published = event
            case ConcertDeleted():
                published = None
    if published is None:
        raise _not_on_sale()
    return published, types


def _with_pools(published: ConcertPublished, added: ConcertTicketTypeAdded) -> ConcertPublished:
    pools = PoolsOfTicketType(ticket_type_id=added.type.id, pool_ids=added.pool_ids or ())
    return published.model_copy(update={"pools": (*published.pools, pools)})


def _not_on_sale() -> NotFound:
    return NotFound("There is no such concert on sale.")


def _stock(ticket_type_id: UUID, name: str, pool: TicketPool, is_open: bool) -> PoolStock:
    capacity = 0
    if pool.terms is not None:
        name, capacity = pool.terms.ticket_type_name, pool.capacity
    return PoolStock(str(ticket_type_id), name, capacity, pool.held, pool.sold, is_open and not pool.closed)


def _by_type(stock: Iterable[PoolStock]) -> list[JsonObject]:
    types: dict[str, JsonObject] = {}
    for pool in stock:
        empty = {"id": pool.ticket_type_id, "name": pool.name, "capacity": 0, "available": 0, "held": 0, "sold": 0}
        row = types.setdefault(pool.ticket_type_id, empty)
        for count in COUNTS:
            row[count] += getattr(pool, count)
    return list(types.values())


def _sorted(rows: Iterable[JsonObject]) -> list[JsonObject]:
    return sorted(rows, key=lambda row: (row["name"], row["id"]))
