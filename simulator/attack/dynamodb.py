"""Puts DynamoDB's latencies, throughput of partitions and conflicts of transactions before stores in memory."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Any, TypeVar
from uuid import UUID

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.epoch_cache import CachedResult
from chalicelib.platform.eventsourcing.store import ConcurrencyError
from chalicelib.platform.eventsourcing.stored import StoredEvent, item_bytes
from ops.plan.limits import PARTITION_READS, PARTITION_WRITES
from ops.plan.simulation.aws import SDK_TRIES, Bucket
from ops.plan.timings import Timings
from simulator.scheduler import START, Scheduler
from simulator.servers import Log

Result = TypeVar("Result")

SPREAD = 0.5
"""A call takes its time in `Timings`, more or less so large a share of it."""
READ_UNIT_BYTES, WRITE_UNIT_BYTES = 4096, 1024


class Network:
    """Lets virtual time pass. `now` is in seconds since the start."""

    def __init__(self, scheduler: Scheduler, timings: Timings) -> None:
        self.timings = timings
        self.random = scheduler.random
        self._scheduler = scheduler

    @property
    def now(self) -> float:
        return (self._scheduler.now - START).total_seconds()

    def wait(self, seconds: float) -> None:
        """Let about so many seconds pass."""
        self.wait_exactly(seconds * self.random.uniform(1 - SPREAD, 1 + SPREAD))

    def wait_exactly(self, seconds: float) -> None:
        self._scheduler.sleep(timedelta(seconds=seconds))


class Timed:
    """Is a server each of whose named methods takes some seconds; it does its work halfway."""

    def __init__(self, target: Any, network: Network, seconds: Mapping[str, float]) -> None:
        self._target = target
        self._network = network
        self._seconds = seconds

    def __getattr__(self, method: str) -> Any:
        target: Callable[..., Any] = getattr(self._target, method)
        if method not in self._seconds:
            return target

        def call(*arguments: Any, **options: Any) -> Any:
            self._network.wait(self._seconds[method] / 2)
            result = target(*arguments, **options)
            self._network.wait(self._seconds[method] / 2)
            return result

        return call


@dataclass
class Partition:
    """Gives what one item, and so a stream, can have at most: what is not used is not saved for later."""

    network: Network
    reads: Bucket = field(init=False)
    writes: Bucket = field(init=False)

    def __post_init__(self) -> None:
        self.reads = Bucket(self.network, PARTITION_READS, PARTITION_READS)
        self.writes = Bucket(self.network, PARTITION_WRITES, PARTITION_WRITES)


class TimedLog:
    """Is the log as containers reach it: all of them share its partitions, and the transactions that are under way."""

    def __init__(self, log: Log, network: Network) -> None:
        self.throttled = 0
        self._log = log
        self._network = network
        self._partitions: dict[UUID, Partition] = {}
        self._under_way: set[object] = set()

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        """Append as the port says. Of two writes to one item at the same time the second is a conflict."""
        quarter = self._network.timings.write_seconds / 4
        self._admit(lambda: self._take_writes(events, raising))
        self._network.wait(quarter)
        places = {(event.aggregate_id, event.aggregate_version) for event in events}
        wanted: set[object] = {*places, *raising}
        if wanted & self._under_way:
            self._network.wait(quarter)
            raise ConcurrencyError(
                frozenset(stream for stream, version in places if (stream, version) in self._under_way)
            )
        self._under_way |= wanted
        try:
            self._network.wait(2 * quarter)
            self._log.append(events, raising)
        finally:
            self._under_way -= wanted
        self._network.wait(quarter)

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        return self._read(stream_id, lambda: self._log.read(stream_id, after))

    def read_slice(self, stream_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        return self._read(stream_id, lambda: self._log.read_slice(stream_id, after, limit))

    def read_last(self, stream_id: UUID, count: int) -> list[StoredEvent]:
        return self._read(stream_id, lambda: self._log.read_last(stream_id, count))

    def find_result(self, key: UUID) -> CachedResult:
        self._admit(lambda: self._at(key).reads.take(1))
        return self._after_half(self._network.timings.read_seconds, lambda: self._log.find_result(key))

    def store_result(self, key: UUID, epoch: int, value: str) -> bool:
        self._admit(lambda: self._at(key).writes.take(1))
        return self._after_half(self._network.timings.write_seconds, lambda: self._log.store_result(key, epoch, value))

    def _read(self, stream_id: UUID, read: Callable[[], list[StoredEvent]]) -> list[StoredEvent]:
        self._admit(lambda: self._at(stream_id).reads.take(1))
        events = self._after_half(self._network.timings.read_seconds, read)
        # What a query reads beyond its first unit is known only afterwards, and is missing to the next one.
        self._at(stream_id).reads.take(sum(map(item_bytes, events)) // READ_UNIT_BYTES)
        return events

    def _after_half(self, seconds: float, work: Callable[[], Result]) -> Result:
        self._network.wait(seconds / 2)
        result = work()
        self._network.wait(seconds / 2)
        return result

    def _take_writes(self, events: Sequence[StoredEvent], raising: Collection[UUID]) -> bool:
        """Take from every partition, even if one refuses: what a cancelled transaction tried to write counts."""
        factor = 1 if len(events) == 1 and not raising else 2
        units = [(event.aggregate_id, factor * ceil(item_bytes(event) / WRITE_UNIT_BYTES)) for event in events]
        units += [(key, factor) for key in raising]
        admitted = [self._at(key).writes.take(number) for key, number in units]
        return all(admitted)

    def _admit(self, take: Callable[[], bool]) -> None:
        """Try as often as the SDK does, with its pauses.

        Raises Unavailable.
        """
        for attempt in range(SDK_TRIES):
            if take():
                return
            self.throttled += 1
            self._network.wait_exactly(self._network.random.uniform(0, 2.0**attempt))
        raise Unavailable("The log is throttled.")

    def _at(self, key: UUID) -> Partition:
        if key not in self._partitions:
            self._partitions[key] = Partition(self._network)
        return self._partitions[key]
