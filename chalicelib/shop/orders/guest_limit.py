"""Limits guests by their network address: each may hold as much as a customer, and anybody can be many guests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform.counters.places import Places
from chalicelib.platform.counters.port import Counters
from chalicelib.platform.errors import CloudbashError, Quota, TooManyRequests, Unavailable

_GUESTS, _TICKETS = "guests", "tickets"
_MOST_REMEMBERED = 10_000


class TooManyGuests(TooManyRequests):
    """So much was asked by guests from this network address that the next has to wait, or to sign in."""

    code = "too_many_guests"


@dataclass(frozen=True, slots=True)
class GuestLimits:
    """How many guests come from an address in a window, and how many tickets of a type they take while carts hold any.

    A window begins with the first of them. A school buys behind one address: whoever signs in is not counted.
    """

    guests: int = 100
    window: timedelta = timedelta(minutes=10)
    tickets: int = 60
    holds_last: timedelta = timedelta(minutes=30)


class GuestLimit:
    """Counts guests, and what they take, by their address.

    A guest costs one write to the table of counts, and nothing in the log. A container remembers what is full: more of
    it costs no request at all.
    """

    def __init__(self, counters: Counters, clock: Callable[[], datetime], limits: GuestLimits) -> None:
        self._counters = counters
        self._clock = clock
        self._limits = limits
        self._places = Places(counters, "guests")
        self._full: dict[str, datetime] = {}

    def admit(self, address: str) -> None:
        """Count a guest; `address` may be empty, where it is not known.

        Raises TooManyGuests or Unavailable.
        """
        if address:
            now = self._clock()
            self._take(self._places.key_of(address, now), {_GUESTS: self._limits.guests}, now, self._limits.window, 1)

    @contextmanager
    def holding(
        self, address: str, ticket_type_id: UUID, quantity: int, is_known: Callable[[], bool]
    ) -> Iterator[None]:
        """Count the tickets that a guest takes inside, and give back what was refused.

        A request that `is_known` is not refused: one that is repeated gets its answer.
        Raises TooManyGuests or Unavailable.
        """
        if not address:
            yield
            return
        now, most = self._clock(), self._limits.tickets
        key, amount = f"{self._places.key_of(address, now)}/{ticket_type_id}", min(quantity, most)
        try:
            self._take(key, {_TICKETS: most}, now, self._limits.holds_last, amount)
        except TooManyGuests:
            if not is_known():
                raise
            amount = 0
        try:
            yield
        except Unavailable:  # they may be held all the same
            raise
        except CloudbashError:
            if amount:
                self._counters.give_back(key, (_TICKETS,), self._clock(), amount)
            raise

    def _take(self, key: str, most: dict[str, int], now: datetime, window: timedelta, amount: int) -> None:
        """Raises TooManyGuests."""
        full_until = self._full.get(f"{key} {amount}")
        if full_until is None or full_until <= now:
            full_until = self._counters.take(key, most, now, now + window, amount)
        if full_until is not None:
            self._remember(f"{key} {amount}", full_until, now)
            detail = "Guests of this network have asked for too much. Sign in, or try again later."
            [(name, limit)] = most.items()
            raise TooManyGuests(detail, full_until - now, Quota(f"{name}-of-address", limit, window))

    def _remember(self, key: str, full_until: datetime, now: datetime) -> None:
        if len(self._full) >= _MOST_REMEMBERED:
            self._full = {known: until for known, until in self._full.items() if now < until}
        self._full[key] = full_until
