"""Runs what the stock needs from time to time."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.inventory import commands
from chalicelib.shop.inventory.queries import pools_with_lapsed_holds

if TYPE_CHECKING:
    from redis import Redis

_QUIET_FOR = timedelta(seconds=10)
_POOLS_A_RUN = 500
"""The most pools that one run looks at; the next run, a minute later, goes on with the rest."""


class StockScheduleServices(Protocol):
    """Declares what these schedules use of a container."""

    @property
    def repository(self) -> Repository: ...

    @property
    def redis(self) -> "Redis": ...

    def clock(self) -> datetime: ...


def record_lapsed_holds(shop: StockScheduleServices) -> int:
    """Record the holds that have ended in pools where nothing happens; return how many pools had any.

    In a pool where something happens, every event drops the ended holds. So only holds that ended some seconds ago, and
    that no event has dropped since, are recorded.
    Raises Unavailable.
    """
    now = shop.clock()
    pools = pools_with_lapsed_holds(shop.redis, now - _QUIET_FOR, _POOLS_A_RUN)
    return commands.record_lapsed_holds(shop.repository, pools, Origin("sweep", str(uuid4()), format_instant(now)))
