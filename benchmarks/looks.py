"""Measures how many looks at a concert's availability one Redis answers in a second, beside adding up all pools."""

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from benchmarks.report import Record, Section, publish
from chalicelib.platform.clock import utc_now
from chalicelib.platform.readmodels.redis.client import open_redis
from chalicelib.platform.readmodels.redis.keys import LIVE_PREFIX, pointer_of, prefix_of
from chalicelib.shop.inventory.projections import AVAILABILITY, milliseconds
from chalicelib.shop.inventory.queries import STOCK_OF_CONCERT
from local.throwaway import ThrowawayDirectory
from local.valkey import Valkey

if TYPE_CHECKING:
    from redis import Redis

POOLS = (1, 10, 90)
LOOKS, ROUNDS = 200, 10

ADDING_UP = f"""
{LIVE_PREFIX}
local stock = {{}}
for id in string.gmatch(redis.call('GET', prefix .. 'concert:' .. ARGV[3]), '%S+') do
  local pool = prefix .. 'pool:' .. id
  local type, name, capacity, held, sold, closed, at =
    unpack(redis.call('HMGET', pool, 'type', 'name', 'capacity', 'held', 'sold', 'closed', 'at'))
  local now = math.max(ARGV[2], at)
  local lapsed = 0
  for _, hold in ipairs(redis.call('ZRANGEBYSCORE', pool .. ':deadlines', '-inf', now)) do
    lapsed = lapsed + redis.call('HGET', pool .. ':quantities', hold)
  end
  held = (held or 0) - lapsed
  table.insert(stock, {{type, name, tonumber(capacity), held, tonumber(sold or 0), tonumber(closed or 0)}})
end
return stock
"""
"""The baseline: the script that answered until the stock of a ticket type was kept as one value."""


def measure(redis: "Redis") -> Section:
    """Measure both scripts in turns; a client's batch is one round trip, so that Redis is what is measured."""
    rows = [_measure(redis, pools) for pools in POOLS]
    return Section("looks_at_availability", f"one Redis; {ROUNDS} turns of {LOOKS} looks; baseline: adding up", rows)


def _measure(redis: "Redis", pools: int) -> Record:
    concert, now = _put(redis, pools), milliseconds(utc_now())
    seconds = {STOCK_OF_CONCERT: 0.0, ADDING_UP: 0.0}
    looks = {text: _looks(redis, text, concert, now) for text in seconds}
    for look in looks.values():
        look()
    for _ in range(ROUNDS):
        for text, look in looks.items():
            began = perf_counter()
            look()
            seconds[text] += perf_counter() - began
    kept, added = (LOOKS * ROUNDS / seconds[text] for text in (STOCK_OF_CONCERT, ADDING_UP))
    return {
        "pools": pools,
        "looks_per_second": round(kept),
        "adding_up_per_second": round(added),
        "ratio": round(kept / added, 1),
    }


def _looks(redis: "Redis", text: str, concert: str, now: int) -> Callable[[], object]:
    script = redis.register_script(text)
    keys = [pointer_of(AVAILABILITY)]
    arguments: list[str | int] = [prefix_of(AVAILABILITY), now, concert]

    def look() -> object:
        with redis.pipeline(transaction=False) as pipe:
            for _ in range(LOOKS):
                script(keys=keys, args=arguments, client=pipe)
            return pipe.execute()

    return look


def _put(redis: "Redis", pools: int) -> str:
    """Put a concert with one ticket type on sale, with ten holds in every pool."""
    prefix, concert, ticket_type, at = prefix_of(AVAILABILITY), str(uuid4()), str(uuid4()), milliseconds(utc_now())
    ids = [str(uuid4()) for _ in range(pools)]
    counts: dict[Any, Any] = {"type": ticket_type, "name": "Standing", "capacity": 50, "held": 10, "sold": 20, "at": at}
    with redis.pipeline() as pipe:
        pipe.set(f"{prefix}concert:{concert}", " ".join(ids))
        for pool in ids:
            holds = [str(uuid4()) for _ in range(10)]
            pipe.hset(f"{prefix}pool:{pool}", mapping=counts)
            pipe.hset(f"{prefix}pool:{pool}:quantities", mapping=dict.fromkeys(holds, 1))
            pipe.zadd(f"{prefix}pool:{pool}:deadlines", dict.fromkeys(holds, at + 900_000))
        pipe.execute()
    return concert


def main() -> None:
    with ThrowawayDirectory(None) as directory:
        valkey = Valkey(directory)
        valkey.start()
        try:
            section = measure(open_redis(valkey.url))
        finally:
            valkey.process.stop()
    publish({}, [section], as_json=False)


if __name__ == "__main__":
    main()
