"""Combines the plan's answers: whether, how long, and how much."""

from dataclasses import dataclass
from functools import cached_property
from math import inf

from ops.plan import bill
from ops.plan.limits import Limit, limits_of
from ops.plan.load import Load
from ops.plan.prices import Prices


@dataclass(frozen=True)
class Plan:
    load: Load
    prices: Prices
    quiet_purchases: int

    @cached_property
    def limits(self) -> list[Limit]:
        return limits_of(self.load)

    @cached_property
    def on_sale(self) -> list[bill.Line]:
        return bill.on_sale(self.load, self.prices)

    @cached_property
    def quiet_month(self) -> list[bill.Line]:
        return bill.quiet_month(self.load, self.prices, self.quiet_purchases)

    @property
    def to_raise(self) -> list[Limit]:
        return [limit for limit in self.limits if not limit.suffices and limit.raised_by]

    @property
    def tickets_sold(self) -> float:
        return min(self.load.sale.tickets, self.load.sale.purchases * self.load.sale.tickets_per_order)

    def last_ticket(self, *, raised: bool) -> float:
        """Return the seconds until all tickets are held, or infinity if they never are.

        The quotas are raised, or those of a new account. Buyers are served as they come, or as fast as the narrowest
        limit lets them, whichever is less: the rate of arrivals only falls, so the two lines of what has come and what
        was served cross once.
        """
        sale = self.load.sale
        if not sale.sells_out:
            return inf
        narrowest = min(self._headrooms(raised))
        return max(sale.when(sale.stock), sale.stock / (sale.peak * min(1.0, narrowest)))

    def hold_seconds(self, quantile: float) -> float:
        """Return how long a buyer waits for a hold at the opening, with the quotas raised."""
        times = self.load.timings
        alone = times.in_lambda("hold", self.load.counted) + times.around_ms / 1000
        return alone + self.load.contention.seconds_at(quantile)

    def last_hold_seconds(self) -> float:
        """Return how long a hold of the last tickets takes, which reads all pools one after the other."""
        return self.hold_seconds(0.5) + self.load.seconds_for_the_last

    def step_seconds(self, step: str) -> float:
        """Return how long any other step takes, on average."""
        return self.load.seconds_in_lambda(step) + self.load.timings.around_ms / 1000

    def _headrooms(self, raised: bool) -> list[float]:
        return [limit.headroom for limit in self.limits if limit.slows and not (raised and limit.raised_by)]
