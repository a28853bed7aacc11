"""Calculates how many buyers come, when, and what they ask for.

Buyers arrive over some minutes, most of them at the start: the rate falls exponentially from `rush` times the mean.
Each looks around, opens a cart and asks for tickets, until the last one is held. Then all who come are refused, and ask
again a few times.
"""

from dataclasses import dataclass
from math import exp, inf, log

Rates = dict[str, float]
"""It has requests by step, in total or a second; the steps are those of `measured.json`."""

ORDER_PAGES = 2
"""A buyer looks at the order so often: at the page after the payment, and once more."""


@dataclass(frozen=True)
class OnSale:
    """Describes an on-sale. `abandoned` is the share of holds that end unpaid; their tickets are sold later."""

    tickets: int
    buyers: int
    minutes: float
    tickets_per_order: float = 2.0
    rush: float = 3.0
    looks: float = 2.0
    retries: float = 2.0
    abandoned: float = 0.1
    think_seconds: float = 30.0

    @property
    def seconds(self) -> float:
        return 60 * self.minutes

    @property
    def stock(self) -> float:
        """Return the number of holds that take all tickets."""
        return self.tickets / self.tickets_per_order

    @property
    def holds(self) -> float:
        """Return the number of holds that are ever given, including those on tickets that come back."""
        return min(self.buyers, self.stock / (1 - self.abandoned))

    @property
    def purchases(self) -> float:
        return self.holds * (1 - self.abandoned)

    @property
    def refusals(self) -> float:
        return (self.buyers - self.holds) * (1 + self.retries)

    @property
    def sells_out(self) -> bool:
        return self.buyers >= self.stock

    @property
    def peak(self) -> float:
        """Return the arrivals a second at the opening."""
        return self.rush * self.buyers / self.seconds

    def arrival_rate(self, at: float) -> float:
        """Return the arrivals a second, `at` seconds after the opening."""
        return self.peak * exp(-self._decay * at / self.seconds) if at <= self.seconds else 0.0

    def arrived(self, at: float) -> float:
        """Return the number of buyers who have come by then."""
        part = min(at / self.seconds, 1)
        if not self._decay:
            return self.buyers * part
        return self.buyers * (1 - exp(-self._decay * part)) / (1 - exp(-self._decay))

    def when(self, buyers: float) -> float:
        """Return the seconds until so many buyers have come; infinite if they never do."""
        if buyers > self.buyers:
            return inf
        if not self._decay:
            return self.seconds * buyers / self.buyers
        return -self.seconds / self._decay * log(1 - buyers / self.buyers * (1 - exp(-self._decay)))

    def requests(self) -> Rates:
        """Return the requests of the whole on-sale."""
        return {
            "concert page": self.buyers * self.looks,
            "availability": self.buyers * self.looks + self.refusals,
            "cart": float(self.buyers),
            "hold": self.holds,
            "checkout": self.purchases,
            "payment": self.purchases,
            "order page": self.purchases * ORDER_PAGES,
            "refusal": self.refusals,
        }

    def opening(self) -> Rates:
        """Return the requests a second at the opening: everybody gets a hold, and the buyers before them pay."""
        paying = self._paying(self.peak)
        return {
            "concert page": self.peak * self.looks,
            "availability": self.peak * self.looks,
            "cart": self.peak,
            "hold": self.peak,
            "checkout": paying,
            "payment": paying,
            "order page": paying * ORDER_PAGES,
            "refusal": 0.0,
        }

    def sold_out(self) -> Rates:
        """Return the requests a second after the last ticket is held: everybody is refused, and earlier buyers pay."""
        if not self.sells_out:
            return dict.fromkeys(self.opening(), 0.0)
        arriving = self.arrival_rate(self.when(self.stock))
        refused, paying = arriving * (1 + self.retries), self._paying(self.peak)
        return {
            "concert page": arriving * self.looks,
            "availability": arriving * self.looks + refused,
            "cart": arriving,
            "hold": 0.0,
            "checkout": paying,
            "payment": paying,
            "order page": paying * ORDER_PAGES,
            "refusal": refused,
        }

    def _paying(self, holding: float) -> float:
        """Return the payments a second: however fast buyers get their holds, they think before they pay."""
        return min(holding, self.purchases / self.think_seconds)

    @property
    def _decay(self) -> float:
        """Find k with k / (1 - e^-k) = rush, by bisection; 0 for an even stream."""
        if self.rush <= 1:
            return 0.0
        low, high = 1e-9, self.rush + 1
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if middle / (1 - exp(-middle)) < self.rush else (low, middle)
        return high
