"""Calculates how long things take, and how often buyers lose races against each other.

The times are assumptions, named in every result: AWS promises none. DynamoDB answers reads in single-digit
milliseconds; a transaction is two rounds inside DynamoDB
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html).
"""

from dataclasses import dataclass
from math import ceil, exp, log

from chalicelib.platform.eventsourcing.repository import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, MAX_ATTEMPTS
from ops.plan.measured import Measured

OF_READ_MODELS = {"concert page", "availability"}
"""One request to Postgres or Redis answers these steps."""
PAYING = "payment"
MAX_LOSSES = MAX_ATTEMPTS - 1


@dataclass(frozen=True)
class Timings:
    """Assumes milliseconds for each part of a request.

    The parts are: one read of DynamoDB, one transaction, one request to Postgres or Redis, the payment provider's
    answer, the work of the API in Lambda, and what lies around it (network, API Gateway).
    """

    read_ms: float = 4
    write_ms: float = 10
    store_ms: float = 5
    provider_ms: float = 500
    work_ms: float = 15
    around_ms: float = 20

    def in_lambda(self, step: str, counted: Measured) -> float:
        """Return the seconds that a container is busy with the step, without lost races."""
        spent = counted[step].api
        milliseconds = self.work_ms + spent.reads * self.read_ms + (spent.requests - spent.reads) * self.write_ms
        milliseconds += self.store_ms if step in OF_READ_MODELS else 0
        return (milliseconds + (self.provider_ms if step == PAYING else 0)) / 1000

    @property
    def write_seconds(self) -> float:
        return self.write_ms / 1000

    @property
    def read_seconds(self) -> float:
        return self.read_ms / 1000


@dataclass(frozen=True)
class Contention:
    """Calculates what `writes` a second do to each other in one pool.

    A writer reads the pool and commits on top of what it read; it has lost if another commit comes between the two,
    which are half of both round trips apart: a Poisson stream of commits leaves that window free with probability `1 -
    lost`. A container tries at first on what it remembers, which is `old` if another one has written since. Of so many
    `containers` a pool each writes as often as any other, so that with probability `exp(-containers)` no other has
    written since it did.
    """

    writes: float
    containers: float
    timings: Timings

    @property
    def lost(self) -> float:
        return 1 - exp(-self.writes * self._again / 2)

    @property
    def old(self) -> float:
        return 1 - exp(-self.containers)

    @property
    def most(self) -> float:
        """Return the writes a second that one pool takes: one for each round trip of reading and committing."""
        return 1 / self._again

    @property
    def losses(self) -> float:
        """Return the lost races of a hold, on average; the last attempt is not repeated."""
        return min(MAX_LOSSES, self.old + self._lost_tries)

    @property
    def seconds(self) -> float:
        """Return the time of lost races and their pauses in a hold, on average."""
        tries = self.losses - self.old
        pauses = self.old * longest_pause(0) + sum(longest_pause(number) for number in range(1, 1 + ceil(tries)))
        return self.old * self.timings.write_seconds + tries * self._again + pauses / 2

    def seconds_at(self, quantile: float) -> float:
        """Return the same for the hold at this quantile (that share loses no more races), with average pauses."""
        lost_first = int(self.old > 1 - quantile)
        tries = ceil(log(1 - quantile) / log(self.lost)) - 1 if 0 < self.lost < 1 else MAX_LOSSES * int(self.lost)
        tries = min(tries, MAX_LOSSES - lost_first)
        pauses = sum(longest_pause(number) for number in range(lost_first + tries))
        return lost_first * self.timings.write_seconds + tries * self._again + pauses / 2

    @property
    def _lost_tries(self) -> float:
        return self.lost / (1 - self.lost) if self.lost < 1 else MAX_LOSSES

    @property
    def _again(self) -> float:
        return self.timings.read_seconds + self.timings.write_seconds


def longest_pause(attempt: int) -> float:
    """Return the longest pause in seconds after this attempt; the real one is any time up to it."""
    return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0**attempt)
