"""Simulates buyers who come, look, hold, think and pay, and counts the outcomes."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil, inf
from random import Random

import simpy

from chalicelib.shop.inventory.pool_sizing import MAX_QUANTITY, split_stock
from ops.plan.load import WRITES_OF_POOL, Load
from ops.plan.simulation.aws import Bucket, Container, Dynamodb, Lambda, Process, Throttled
from ops.plan.simulation.stock import Busy, SoldOut, Stock

AFTERWARDS = 1.0
"""Buyers come for so many seconds after the last ticket was held."""
TICK = 0.25
MOST_TRIES = 200
"""A buyer gives up after so many 429 and 503."""


@dataclass(frozen=True)
class Quotas:
    """Holds the account's quotas; `warm` containers are there before the opening."""

    requests: float
    concurrency: int
    partitions: int
    warm: int


@dataclass
class Outcome:
    """Counts the outcomes; times are in seconds.

    `holds` are the times of successful holds, from request to answer; `waits` are from the first request to the ticket,
    repeated requests included.
    """

    holds: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    payments: list[float] = field(default_factory=list)
    came: int = 0
    refused: int = 0
    gave_up: int = 0
    busy: int = 0
    unavailable: int = 0
    last_hold_at: float = 0.0
    lost: Counter[str] = field(default_factory=Counter)
    throttles: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    peak_concurrency: int = 0

    @property
    def throttled_share(self) -> float:
        return sum(self.throttles.values()) / max(1, self.requests)

    @property
    def lost_per_hold(self) -> float:
        return self.lost["hold"] / max(1, len(self.holds))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of all values does not exceed; 0 if there are none."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)] if values else 0.0


def simulate(load: Load, quotas: Quotas, seed: int = 0, on_time: Callable[[float], None] = lambda _: None) -> Outcome:
    """Simulate the sale; `on_time` is called with the simulated seconds."""
    sale = _Sale(load, quotas, Random(seed))  # noqa: S311 - buyers are no secret
    sale.env.process(sale.arrivals())
    told = 0.0
    while sale.env.peek() < inf:
        sale.env.step()
        if sale.env.now >= told + TICK:
            told = sale.env.now
            on_time(told)
    return sale.outcome()


class _Sale:
    def __init__(self, load: Load, quotas: Quotas, random: Random) -> None:
        self.env, self.random, self.load = simpy.Environment(), random, load
        self.table = Dynamodb(self.env, random, load.timings, quotas.partitions)
        gateway = Bucket(self.env, quotas.requests, quotas.requests / 2)
        self.api = Lambda(self.env, gateway, quotas.concurrency, quotas.warm)
        steps = {step: load.counted[step] for step in WRITES_OF_POOL}
        pool_units = {step: counted.log_units["TicketPool"] for step, counted in steps.items()}
        other_units = {step: counted.log_write_units - pool_units[step] for step, counted in steps.items()}
        self.stocks = [
            Stock(self.env, random, self.table, split_stock(tickets), pool_units, other_units)
            for tickets in _ticket_types(load.sale.tickets)
        ]
        self.seen = Outcome()

    def arrivals(self) -> Process:
        """Let buyers arrive (Poisson, thinned from the peak), until all have come or the tickets have been gone for
        long.
        """
        sale = self.load.sale
        while self.env.now < sale.seconds and self.seen.came < sale.buyers:
            yield self.env.timeout(self.random.expovariate(sale.peak))
            if self.env.now > self.seen.last_hold_at + AFTERWARDS and not any(stock.free for stock in self.stocks):
                return
            if self.random.random() < sale.arrival_rate(self.env.now) / sale.peak:
                self.seen.came += 1
                self.env.process(self._visit())

    def outcome(self) -> Outcome:
        for stock in self.stocks:
            self.seen.lost += stock.lost
        self.seen.throttles = self.api.throttles + self.table.throttles
        self.seen.peak_concurrency = self.api.peak
        return self.seen

    def _visit(self) -> Process:
        stock, place = self.random.choice(self.stocks), self.table.place()
        quantity = self._quantity()
        try:
            for _ in range(round(self.load.sale.looks)):
                yield from self._ask(lambda _: self._work("concert page"))
                yield from self._ask(lambda _: self._work("availability"))
            yield from self._ask(lambda _: self._work("cart"))
            shares = yield from self._try_to_hold(stock, quantity, place)
            if shares and self.random.random() >= self.load.sale.abandoned:
                yield from self._buy(stock, shares, place)
        except _GaveUp:
            self.seen.gave_up += 1

    def _try_to_hold(self, stock: Stock, quantity: int, place: int) -> Process:
        asked_at = self.env.now
        for _ in range(1 + round(self.load.sale.retries)):
            try:
                seconds, shares = yield from self._ask(lambda container: self._hold(stock, container, quantity, place))
            except SoldOut:
                self.seen.refused += 1
                yield from self._ask(lambda _: self._work("availability"))
                yield self.env.timeout(self._thinking())
                continue
            self.seen.last_hold_at = self.env.now
            self.seen.holds.append(seconds)
            self.seen.waits.append(self.env.now - asked_at + self._around)
            return shares
        return None

    def _hold(self, stock: Stock, container: Container, quantity: int, place: int) -> Process:
        yield self.env.timeout(self.load.timings.work_ms / 1000)
        yield from self.table.read(place)
        yield self.env.timeout(self.load.timings.read_seconds / 2)
        return (yield from stock.hold(container, quantity, place))

    def _buy(self, stock: Stock, shares: dict[int, int], place: int) -> Process:
        seconds = 0.0
        for step in ("checkout", "payment"):
            yield self.env.timeout(self._thinking())
            change = partial(self._change, step, stock, shares, place)
            seconds, _ = yield from self._ask(change)
        self.seen.payments.append(seconds)
        yield from self._ask(lambda _: self._work("order page"))

    def _change(self, step: str, stock: Stock, shares: dict[int, int], place: int, container: Container) -> Process:
        """Change the holds. The commit itself, and its time in `in_lambda`, belong to the stock."""
        alone = self.load.timings.in_lambda(step, self.load.counted)
        yield self.env.timeout(max(0.0, alone - self.load.timings.read_seconds - self.load.timings.write_seconds))
        yield from stock.change(step, container, shares, place)

    def _work(self, step: str) -> Process:
        yield self.env.timeout(self.load.timings.in_lambda(step, self.load.counted))

    def _ask(self, work: Callable[[Container], Process]) -> Process:
        """Return the time of the answer and the result of `work`; 429 and 503 are asked again.

        Raises:
            SoldOut: there are not enough tickets.
            _GaveUp: the buyer has tried too often.
        """
        for _ in range(MOST_TRIES):
            self.seen.requests += 1
            admitted = self.api.admit()
            if admitted is None:
                yield self.env.timeout(self._before_again())
                continue
            container, start = admitted
            began = self.env.now
            try:
                if start:
                    yield self.env.timeout(start)
                result = yield from work(container)
            except Busy:
                self.seen.busy += 1
            except Throttled:
                self.seen.unavailable += 1
            else:
                return self.env.now - began + self._around, result
            finally:
                self.api.give_back(container)
            yield self.env.timeout(self._before_again())
        raise _GaveUp

    @property
    def _around(self) -> float:
        return self.load.timings.around_ms / 1000

    def _before_again(self) -> float:
        """Return the pause before a repetition: `Retry-After: 1`, as impatiently as clients are."""
        return self.random.uniform(0.5, 1)

    def _thinking(self) -> float:
        return self.random.expovariate(1 / self.load.sale.think_seconds)

    def _quantity(self) -> int:
        """Return a whole number of tickets, `tickets_per_order` on average."""
        whole = int(self.load.sale.tickets_per_order)
        return max(1, whole + (self.random.random() < self.load.sale.tickets_per_order - whole))


class _GaveUp(Exception):
    pass


def _ticket_types(tickets: int) -> list[int]:
    full, rest = divmod(tickets, MAX_QUANTITY)
    return [MAX_QUANTITY] * full + ([rest] if rest else [])
