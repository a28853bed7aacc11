"""Says what one customer may keep from all others, and how often one may write."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from chalicelib.platform.errors import Quota, RuleViolated, TooManyRequests, facts

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
REFILL = timedelta(seconds=5)
"""A bucket that is full has room for one write more after this long."""


class GuestHolds(Protocol):
    """Counts what guests take, by their network address."""

    def holding(
        self, address: str, ticket_type_id: UUID, quantity: int, is_known: Callable[[], bool]
    ) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class CartLimits:
    """The limits of a stage; the defaults are those of its settings.

    `held_per_concert` counts tickets in open carts and unpaid orders. It gives way to the organiser's limits.
    """

    open_carts: int = 1
    held_per_concert: int = 10
    unpaid_orders: int = 3
    cool_down: timedelta = timedelta(minutes=15)
    burst: int = 20


class HeldLimitExceeded(RuleViolated):
    """One customer cannot hold so many tickets of a concert at once."""

    code = "held_limit_exceeded"
    fact_types = facts(limit="int", held="int", unpaid_orders="list[Id]")


class TooManyUnpaidOrders(RuleViolated):
    """The customer has to pay or cancel an order before."""

    code = "too_many_unpaid_orders"
    fact_types = facts(limit="int", unpaid_orders="list[Id]")


class CoolingDown(RuleViolated):
    """The customer has held tickets of this concert for as long as is allowed, and has to wait."""

    code = "cooling_down"
    fact_types = facts(until="Instant")


class TooManyChanges(TooManyRequests):
    """The customer changes carts too often."""

    code = "too_many_changes"


class Bucket(NamedTuple):
    """Counts the writes of a stream, by the times of its own events, and forgets one of them every `REFILL`.

    An old state of a stream counts no more than a new one. So a full bucket is full, however old the state is.
    """

    level: float = 0.0
    at: datetime = _LONG_AGO

    def after_write(self, at: datetime | None) -> "Bucket":
        """Return the bucket with one write more; an event of the original has no time, and counts nothing."""
        return self if at is None else Bucket(self._level(at) + 1, max(at, self.at))

    def ensure_room(self, burst: int, now: datetime) -> None:
        """Check that fewer than `burst` writes are counted.

        Raises TooManyChanges, with the time until there is room.
        """
        excess = self._level(now) + 1 - burst
        if excess > 0:
            quota = Quota("cart-changes", burst, burst * REFILL)
            raise TooManyChanges("There were too many changes. Please try again later.", excess * REFILL, quota)

    def _level(self, now: datetime) -> float:
        return max(0.0, self.level - max(now - self.at, timedelta(0)) / REFILL) if self.level else 0.0
