"""Limits on declined payments, over all orders: who tries many cards is testing them, and the shop is the tool."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform.counters.places import Places
from chalicelib.platform.counters.port import Counters
from chalicelib.platform.errors import Quota, TooManyRequests, Unavailable
from chalicelib.shop.orders.payments.port import Declined, PaymentOutcome

_COUNT = "declines"
_UNLIMITED = 2**62


class TooManyDeclines(TooManyRequests):
    """Too many payments of the customer, or from the address, were declined."""

    code = "too_many_declines"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many payments may be declined within the window that the first of them begins."""

    per_customer: int = 5
    per_address: int = 20
    window: timedelta = timedelta(hours=1)


class DeclineLimit:
    """Counts the declines of each customer exactly, also of payments at the same time, and those of each address.

    A customer's payment is counted before the provider is asked, and is given back unless it is declined. Honest buyers
    share addresses, so only what was really declined counts there: payments that are under way may exceed that limit.
    """

    def __init__(self, counters: Counters, clock: Callable[[], datetime], limits: Limits) -> None:
        self._counters = counters
        self._clock = clock
        self._limits = limits
        self._places = Places(counters, "declines")

    def admit(self, customer_id: UUID, address: str) -> "CardAllowed":
        """Let the customer try a card; whoever asked says at the end what became of it.

        `address` may be empty, where it is not known. Raises TooManyDeclines.
        """
        now = self._clock()
        place = self._places.key_of(address, now) if address else ""
        counts = self._counters.find(place, now) if place else None
        if counts is not None and counts.taken.get(_COUNT, 0) >= self._limits.per_address:
            raise self._refusal("declines-of-address", self._limits.per_address, counts.until - now)
        customer = f"declines/customer/{customer_id}"
        full_until = self._counters.take(customer, {_COUNT: self._limits.per_customer}, now, now + self._limits.window)
        if full_until is not None:
            raise self._refusal("declines", self._limits.per_customer, full_until - now)
        return CardAllowed(self, customer, place)

    def _refusal(self, name: str, most: int, wait: timedelta) -> TooManyDeclines:
        quota = Quota(name, most, self._limits.window)
        return TooManyDeclines("Too many payments were declined. Please try again later.", wait, quota)

    def give_back(self, customer: str) -> None:
        self._counters.give_back(customer, (_COUNT,), self._clock())

    def count(self, place: str) -> None:
        """Count a decline at an address."""
        now = self._clock()
        self._counters.take(place, {_COUNT: _UNLIMITED}, now, now + self._limits.window)


@dataclass(frozen=True, slots=True)
class CardAllowed:
    """One card that a customer may try."""

    limit: DeclineLimit
    customer: str
    place: str

    def end(self, *, declined: bool) -> None:
        """Give it back, unless a card was declined."""
        if not declined:
            self.limit.give_back(self.customer)
        elif self.place:
            self.limit.count(self.place)


Admit = Callable[[], CardAllowed | None]
"""Admits one payment of one caller. It may raise TooManyDeclines."""


def admit_anybody() -> None:
    """Limit nothing."""


@dataclass(slots=True)
class Trial:
    """Remembers whether a card was declined in this request."""

    declined: bool = False

    def note(self, outcome: PaymentOutcome) -> None:
        """Take notice of what the provider says."""
        self.declined = self.declined or isinstance(outcome, Declined)

    def count(self) -> None:
        """Count a card that was given up as one that was declined."""
        self.declined = True


@contextmanager
def trying_a_card(admit: Admit, is_known: Callable[[], bool]) -> Iterator[Trial]:
    """Admit a payment, and count it at the end if it was declined.

    One that `is_known` is not refused: a repeated request gets its answer. Raises TooManyDeclines.
    """
    try:
        allowed = admit()
    except TooManyDeclines:
        if not is_known():
            raise
        allowed = None
    trial = Trial()
    try:
        yield trial
    finally:
        with suppress(Unavailable):  # the count ends with its window in any case
            if allowed is not None:
                allowed.end(declined=trial.declined)
