"""Limits how many guests come from one network address: each may hold as much as a customer with an account."""

from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.platform.counters.places import Places
from chalicelib.platform.counters.port import Counters
from chalicelib.platform.errors import TooManyRequests

_COUNT = "guests"
_MOST_REMEMBERED = 10_000


class TooManyGuests(TooManyRequests):
    """So many guests came from this network address that the next has to wait, or to sign in."""

    code = "too_many_guests"


class GuestLimit:
    """Admits so many guests from an address in the window that the first of them begins.

    A guest costs one write to the table of counts, and nothing in the log. A container remembers which addresses are
    full: what comes from these costs no request at all.
    """

    def __init__(self, counters: Counters, clock: Callable[[], datetime], most: int, window: timedelta) -> None:
        self._counters = counters
        self._clock = clock
        self._most = most
        self._window = window
        self._places = Places(counters, "guests")
        self._full: dict[str, datetime] = {}

    def admit(self, address: str) -> None:
        """Count a guest; `address` may be empty, where it is not known.

        Raises TooManyGuests or Unavailable.
        """
        if not address:
            return
        now = self._clock()
        place = self._places.key_of(address, now)
        full_until = self._full.get(place)
        if full_until is None or full_until <= now:
            full_until = self._counters.take(place, {_COUNT: self._most}, now, now + self._window)
        if full_until is not None:
            self._remember(place, full_until, now)
            raise TooManyGuests(
                "Too many guests come from this network. Sign in, or try again later.", full_until - now
            )

    def _remember(self, place: str, full_until: datetime, now: datetime) -> None:
        if len(self._full) >= _MOST_REMEMBERED:
            self._full = {key: until for key, until in self._full.items() if now < until}
        self._full[place] = full_until
