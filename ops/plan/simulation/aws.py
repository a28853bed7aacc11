"""Simulates AWS during the on-sale: token buckets, partitions, containers."""

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

import simpy

from ops.plan.limits import PARTITION_READS, PARTITION_WRITES, SCALING, SCALING_SECONDS
from ops.plan.timings import Timings

Process = Generator[simpy.Event, Any, Any]

SDK_TRIES = 3
"""The shop's client tries so often. It pauses up to 1 s after the first try, and up to 2 s after the second."""
COLD_START_SECONDS = 1.0


class Throttled(Exception):
    """The SDK has given up: the buyer is answered 503 and comes again."""


class HasTime(Protocol):
    """Tells the simulated seconds."""

    @property
    def now(self) -> float: ...


@dataclass
class Bucket:
    """Holds at most `size` tokens, and gains `rate` of them a second; it is full at first."""

    env: HasTime
    rate: float
    size: float

    def __post_init__(self) -> None:
        self._tokens, self._at = self.size, self.env.now

    def take(self, tokens: float) -> bool:
        self._tokens = min(self.size, self._tokens + (self.env.now - self._at) * self.rate)
        self._at = self.env.now
        if self._tokens < tokens:
            return False
        self._tokens -= tokens
        return True


@dataclass
class Dynamodb:
    """Simulates one table. A stream lies in one partition.

    What a partition does not use is not saved for later, which is the worst case: DynamoDB often does save up to five
    minutes of it.
    """

    env: simpy.Environment
    random: Random
    timings: Timings
    partitions: int
    throttles: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        numbers = range(self.partitions)
        self._writes = [Bucket(self.env, PARTITION_WRITES, PARTITION_WRITES) for _ in numbers]
        self._reads = [Bucket(self.env, PARTITION_READS, PARTITION_READS) for _ in numbers]

    def place(self) -> int:
        """Choose the partition of a new stream."""
        return self.random.randrange(self.partitions)

    def read(self, place: int) -> Process:
        """Read after half a round trip; the caller waits for the other half and may look in between."""
        yield from self._admitted("read", lambda: self._reads[place].take(1))
        yield self.env.timeout(self.timings.read_seconds / 2)

    def write(self, units: dict[int, float]) -> Process:
        """Write one transaction after half a round trip; `units` are by partition."""
        yield from self._admitted("write", lambda: self._take(units))
        yield self.env.timeout(self.timings.write_seconds / 2)

    def _take(self, units: dict[int, float]) -> bool:
        """Take from every partition, even if one refuses: what a cancelled transaction tried to write counts."""
        admitted = [self._writes[place].take(number) for place, number in units.items()]
        return all(admitted)

    def _admitted(self, kind: str, take: Any) -> Process:
        for attempt in range(SDK_TRIES):
            if take():
                return
            self.throttles[kind] += 1
            yield self.env.timeout(self.timings.read_seconds + self.random.uniform(0, 2.0**attempt))
        raise Throttled


@dataclass
class Container:
    """Simulates a container. `known` has version and free tickets of pools; `last` is the pool of its last hold."""

    known: dict[int, tuple[int, int]] = field(default_factory=dict)
    last: int | None = None


@dataclass
class Lambda:
    """Simulates the API's function behind its gateway. The container that was used last is used first."""

    env: simpy.Environment
    gateway: Bucket
    concurrency: int
    warm: int
    throttles: Counter[str] = field(default_factory=Counter)
    peak: int = 0

    def __post_init__(self) -> None:
        self._idle = [Container() for _ in range(self.warm)]
        self._new = Bucket(self.env, SCALING / SCALING_SECONDS, SCALING)
        self._busy = 0

    def admit(self) -> tuple[Container, float] | None:
        """Return a container and the seconds that it takes to start, or None for 429."""
        if not self.gateway.take(1):
            self.throttles["gateway"] += 1
            return None
        if self._busy < self.concurrency and self._idle:
            return self._taken(self._idle.pop()), 0.0
        if self._busy < self.concurrency and self._new.take(1):
            return self._taken(Container()), COLD_START_SECONDS
        self.throttles["lambda"] += 1
        return None

    def give_back(self, container: Container) -> None:
        self._busy -= 1
        self._idle.append(container)

    def _taken(self, container: Container) -> Container:
        self._busy += 1
        self.peak = max(self.peak, self._busy)
        return container
