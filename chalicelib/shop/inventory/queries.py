"""Answers how many tickets of a concert are available: from Redis, or from the log if Redis cannot answer."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.codec import aggregate_type_of, decode
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.history import created_at
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.readmodels.redis.failures import failures_as_unavailable
from chalicelib.platform.readmodels.redis.keys import LIVE_PREFIX, pointer_of, prefix_of
from chalicelib.shop.concerts.events import ConcertDeleted, ConcertEvent, ConcertPublished, ConcertTicketTypeAdded
from chalicelib.shop.inventory.projections import AVAILABILITY, lua, milliseconds
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool

if TYPE_CHECKING:
    from redis import Redis

POOLS_AT_ONCE = 8
"""The pools that are read from the log at once; one by one, those of a large concert would take most of a second."""

COUNTS = ("capacity", "available", "held", "sold")

_STOCK_OF_CONCERT = "\n".join([LIVE_PREFIX, lua("stock.lua", "look.lua")])
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
    """Return what is available, held and sold of each ticket type at `now`, sorted by name, in one round trip.

    It costs as much for one pool as for ninety, and time does not go back: a hold that has ended for one reader has
    ended for all. It is None if Redis does not have the concert, or not all of its pools.
    Raises Unavailable.
    """
    stock: list[Any] | None = _asked(redis, _STOCK_OF_CONCERT, milliseconds(now), str(concert_id))
    if stock is None:
        return None
    return _sorted(
        {"id": type_id, "name": name, **dict(zip(COUNTS, map(int, counts), strict=True))}
        for type_id, name, *counts in stock
    )


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


def reflects(redis: "Redis", min_versions: MinVersions) -> bool:
    """Tell whether Redis has reached the reader's minimum versions.

    Redis follows concerts and pools only: a minimum version of any other stream, such as a cart, is never reached.
    Raises Unavailable.
    """
    if not min_versions.named:
        return True
    positions: list[str | None] = _asked(redis, _POSITIONS, *map(str, min_versions.named))
    lacking = [
        min_versions.lacks(key, -1 if position is None else int(position))
        for key, position in zip(min_versions.named, positions, strict=True)
    ]
    return not any(lacking)


def availability_from_log(repository: Repository, concert_id: UUID, now: datetime) -> list[JsonObject]:
    """Return the same from the log. Until all pools of a type are open, nothing of it is available.

    Raises NotFound if there is no such published concert, or Unavailable.
    """

    def pool(key: UUID) -> TicketPool:
        return repository.load(TICKET_POOL, key)[0]

    return _availability(repository.store.read(concert_id), pool, now)


def availability_as_of(store: EventStore, concert_id: UUID, as_of: datetime) -> list[JsonObject]:
    """Return the same as it was at an instant, from the log.

    Raises NotFound if the concert was not published then, or Unavailable.
    """

    def pool(key: UUID) -> TicketPool:
        return TICKET_POOL.fold(decode(event) for event in _until(store.read(key), as_of))

    return _availability(_until(store.read(concert_id), as_of), pool, as_of)


def _until(stream: Sequence[StoredEvent], as_of: datetime) -> list[StoredEvent]:
    return [event for event in stream if created_at(event) <= as_of]


def _availability(
    concert: Sequence[StoredEvent], pool_of: Callable[[UUID], TicketPool], now: datetime
) -> list[JsonObject]:
    published, names = _published(concert)
    keys = [key for of_type in published.pools for key in of_type.pool_ids]
    with ThreadPoolExecutor(POOLS_AT_ONCE) as threads:
        found = dict(zip(keys, threads.map(pool_of, keys), strict=True))
    stock: list[PoolStock] = []
    for of_type in published.pools:
        pools = [found[key].at(now) for key in of_type.pool_ids]
        is_open = all(pool.terms is not None for pool in pools)
        name = names.get(of_type.ticket_type_id, "")
        stock += (_stock(of_type.ticket_type_id, name, pool, is_open) for pool in pools)
    return _by_type(stock)


def _published(concert: Sequence[StoredEvent]) -> tuple[ConcertPublished, dict[UUID, str]]:
    """Return the publication, which has the pools, and the names of the ticket types.

    Raises NotFound.
    """
    published, names = None, {}
    for stored in concert:
        if aggregate_type_of(stored) != ConcertEvent.aggregate_type:
            break
        match event := decode(stored):
            case ConcertTicketTypeAdded():
                names[event.type.id] = event.type.name
            case ConcertPublished():
                published = event
            case ConcertDeleted():
                published = None
    if published is None:
        raise NotFound("There is no such concert on sale.")
    return published, names


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
    return _sorted(types.values())


def _sorted(rows: Iterable[JsonObject]) -> list[JsonObject]:
    return sorted(rows, key=lambda row: (row["name"], row["id"]))
