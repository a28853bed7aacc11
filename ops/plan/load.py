"""Calculates the load on AWS in the worst seconds: at the opening, and right after the last ticket."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from math import ceil

from chalicelib.functions import FUNCTIONS
from chalicelib.platform.function import Bus
from chalicelib.shop.inventory.pool_sizing import MAX_QUANTITY, split_stock
from infra.template import RESOURCES
from ops.plan.demand import OnSale, Rates
from ops.plan.measured import Measured
from ops.plan.timings import Contention, Timings

WRITES_OF_POOL = ("hold", "checkout", "payment")
AUTHORIZER_SECONDS = 0.01
READS_FOR_THE_LAST = 2
"""A buyer of the last tickets reads each pool so often."""
SHARD_BYTES, SHARD_RECORDS = 1_000_000, 1_000
"""One shard of Kinesis takes so much a second
(https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html).
"""
SHARD_BYTES_OUT = 2_000_000
"""All consumers of a shard share so many bytes a second; with enhanced fan-out, each gets as many (the same page)."""


@dataclass(frozen=True)
class Load:
    sale: OnSale
    timings: Timings
    counted: Measured

    @cached_property
    def pools(self) -> int:
        """Return the number of pools, by the rule with which the shop splits stock.

        A concert of more tickets has more ticket types.
        """
        full, rest = divmod(self.sale.tickets, MAX_QUANTITY)
        return full * len(split_stock(MAX_QUANTITY)) + (len(split_stock(rest)) if rest else 0)

    @property
    def ticket_types(self) -> int:
        return ceil(self.sale.tickets / MAX_QUANTITY)

    @cached_property
    def worst_seconds(self) -> tuple[Rates, Rates]:
        return self.sale.opening(), self.sale.sold_out()

    @cached_property
    def contention(self) -> Contention:
        """Return the contention at the opening."""
        opening, _ = self.worst_seconds
        alone = sum(rate * self.timings.in_lambda(step, self.counted) for step, rate in opening.items())
        writes = sum(opening[step] for step in WRITES_OF_POOL)
        return Contention(writes / self.pools, alone / self.pools, self.timings)

    def requests(self) -> float:
        return max(sum(rates.values()) for rates in self.worst_seconds)

    def concurrency(self) -> float:
        """Return how many containers of the API and the authorizer are busy at once.

        That is Little's law: rate times duration. The worst moment is when the last tickets go.
        """
        opening, after = self.worst_seconds
        return max(
            self._concurrency(opening) + self._arriving_last * self.seconds_for_the_last, self._concurrency(after)
        )

    def log_writes(self) -> float:
        """Return the write units a second in the log, including what lost races tried to write.

        Failed conditional writes count as well
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html).
        """
        return max(
            sum(rate * self._log_units(step) for step, rate in rates.items() if rate) for rates in self.worst_seconds
        )

    def log_reads(self) -> float:
        """Return the API's read units a second over all tables; nearly all of them are of the log."""
        return max(
            sum(rate * self.counted[step].api.read_units for step, rate in rates.items())
            for rates in self.worst_seconds
        )

    def pool_units(self) -> float:
        """Return the write units a second in one pool."""
        opening, _ = self.worst_seconds
        return sum(opening[step] * self._pool_units(step) for step in WRITES_OF_POOL) / self.pools

    def last_reads(self) -> float:
        """Return the read units a second of each pool when the last tickets go.

        Until a recount's result is stored, every buyer reads all pools: once on the way through the likely ones, and
        once in the recount.
        """
        return READS_FOR_THE_LAST * self._arriving_last / self.ticket_types

    def result_reads(self) -> float:
        """Return the read units a second of one sold-out result: one for each refusal."""
        return self.worst_seconds[1]["refusal"] / self.ticket_types

    def records(self) -> float:
        return max(
            sum(rate * self.counted[step].records for step, rate in rates.items()) for rates in self.worst_seconds
        )

    def record_bytes(self) -> float:
        return max(
            sum(rate * self.counted[step].record_bytes for step, rate in rates.items()) for rates in self.worst_seconds
        )

    def shards(self) -> int:
        return max(1, ceil(self.record_bytes() / SHARD_BYTES), ceil(self.records() / SHARD_RECORDS))

    def bytes_out(self) -> float:
        """Return the bytes a second that the consumers without fan-out read from one shard."""
        return self.record_bytes() * (consumers() - READERS_OF_THEIR_OWN) / self.shards()

    def seconds_in_lambda(self, step: str) -> float:
        """Return the average time of a step. It includes lost races, also those of payments in another container."""
        lost = self.contention.seconds if step in WRITES_OF_POOL else 0.0
        return self.timings.in_lambda(step, self.counted) + lost

    @property
    def seconds_for_the_last(self) -> float:
        """Return the extra time of a hold of the last tickets, which reads all pools one after the other."""
        return READS_FOR_THE_LAST * self.pools / self.ticket_types * self.timings.read_seconds

    @property
    def _arriving_last(self) -> float:
        return self.sale.arrival_rate(self.sale.when(self.sale.stock)) if self.sale.sells_out else 0.0

    def _concurrency(self, rates: Rates) -> float:
        api = sum(rate * self.seconds_in_lambda(step) for step, rate in rates.items())
        return api + rates["cart"] * AUTHORIZER_SECONDS

    def _log_units(self, step: str) -> float:
        tries = 1 + self.contention.losses if step in WRITES_OF_POOL else 1
        return tries * self.counted[step].log_write_units

    def _pool_units(self, step: str) -> float:
        return (1 + self.contention.losses) * self.counted[step].log_units["TicketPool"]


_RESOURCES: Mapping[str, Mapping[str, object]] = json.loads(RESOURCES.read_text())["Resources"]

READERS_OF_THEIR_OWN = sum(resource["Type"] == "AWS::Kinesis::StreamConsumer" for resource in _RESOURCES.values())
"""So many consumers have enhanced fan-out in every stage; each is given as much as all others share."""


@cache
def consumers() -> int:
    """Count the functions that follow the event bus."""
    return sum(isinstance(function.trigger, Bus) for function in FUNCTIONS.values())


@cache
def gigabytes(function: str) -> float:
    """Return the memory of the function, in GB."""
    return FUNCTIONS[function].memory / 1024
