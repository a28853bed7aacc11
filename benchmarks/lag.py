"""Measures when an event is visible in each read model of a local stack: `python -m benchmarks.lag`.

It measures the local stack: ministack, and the event pump that stands in for Lambda's event source mappings. On AWS the
events take the same way, but others poll it, at a pace of their own.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle
from typing import Protocol
from uuid import UUID, uuid4

from benchmarks.answers import percentile
from benchmarks.holds import HOLD_FOR, ORIGIN, caller, new_cart, pool_openings
from benchmarks.machine import describe_machine
from benchmarks.own_stack import own_stack
from benchmarks.report import Record, Section, progress, publish
from chalicelib import contexts
from chalicelib.composition import Composition
from chalicelib.platform.bus.message import from_bus
from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from chalicelib.settings import Settings
from chalicelib.shop.carts.commands import add_item
from chalicelib.shop.inventory.commands import open_pools
from chalicelib.shop.venues.commands import change_venue, create_venue
from chalicelib.shop.venues.venue import VenueDetails
from local.__main__ import child
from local.checkout import PROJECT
from local.stack import Stack

RATES = (10, 100)
SECONDS = 15
POLL, ASKED_AT_ONCE = 0.02, 20
"""The watcher must not be a load of its own. Fifty times a second it asks for the streams that have waited longest."""

WITHIN = 60.0

VENUE = VenueDetails("Harpa", "", 1_800, "Austurbakki 2", "Reykjavík", "Iceland", "Atlantic/Reykjavik")
VENUES, POOLS, CAPACITY = 10, 16, 1_000
EVENTS_A_ROUND = 3
"""A round has an event for each read model: a hold (of a pool and of a cart), and a change of a venue."""

Place = tuple[UUID, int]
"""It is the stream and the version of an event."""

Times = dict[Place, float]
"""Seconds since 1970 are measured by this machine's clock, which all servers share."""


class Positions(Protocol):
    def positions(self, stream_ids: Collection[UUID]) -> Mapping[UUID, int]: ...


@dataclass
class Watch:
    """Watches one read model: asks repeatedly for the positions of the streams that it does not show yet."""

    read_model: str
    model: Positions
    follows: frozenset[str]
    committed: Times = field(default_factory=dict)
    visible: Times = field(default_factory=dict)
    gaps: list[float] = field(default_factory=list)

    def note(self, event: StoredEvent, at: float) -> None:
        if event.aggregate_type in self.follows:
            self.committed[event.aggregate_id, event.aggregate_version] = at

    def missing(self) -> list[Place]:
        """List the missing events, those that have waited longest first."""
        return [place for place in list(self.committed) if place not in self.visible]

    def keep_looking(self, stop: threading.Event) -> None:
        last = time.time()
        while not stop.wait(POLL):
            missing = self.missing()[:ASKED_AT_ONCE]
            positions = self.model.positions({stream_id for stream_id, _ in missing}) if missing else {}
            now = time.time()
            self.visible |= {(key, version): now for key, version in missing if positions.get(key, -1) >= version}
            self.gaps.append(now - last)
            last = now

    def forget(self) -> None:
        self.committed, self.visible, self.gaps = {}, {}, []


class NotingStore(DynamoDBEventStore):
    """Notes every event when the log has confirmed it."""

    watches: Sequence[Watch] = ()

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        super().append(events, raising)
        now = time.time()
        for event in events:
            for watch in self.watches:
                watch.note(event, now)


class Shop:
    """Has enough of a shop to write events of all three kinds at a steady rate."""

    def __init__(self, store: NotingStore) -> None:
        self._repository = Repository(store, utc_now)
        self._ticket_type_id = uuid4()
        self._repository.execute(
            partial(open_pools, openings=pool_openings(self._ticket_type_id, POOLS, CAPACITY)), ORIGIN
        )
        made = [create_venue(self._repository, caller(), VENUE) for _ in range(VENUES)]
        self._venues = cycle(made)
        self._carts: list[UUID] = []
        self._changes = 0

    def open_carts(self, number: int) -> None:
        self._carts += [new_cart(self._repository) for _ in range(number)]

    def sell(self, rate: float, rounds: int, on_round: Callable[[], None]) -> float:
        """Write events, and return how many per second were written."""
        began = time.perf_counter()
        for number in range(rounds):
            _sleep_until(began + number * EVENTS_A_ROUND / rate)
            add_item(self._repository, caller(), self._carts.pop(), self._ticket_type_id, 1, HOLD_FOR)
            _sleep_until(began + (number + 0.5) * EVENTS_A_ROUND / rate)
            self._change_a_venue()
            on_round()
        return rounds * EVENTS_A_ROUND / (time.perf_counter() - began)

    def _change_a_venue(self) -> None:
        self._changes += 1
        description = f"Change {self._changes}"
        venue_id = next(self._venues)
        change_venue(self._repository, caller(), venue_id, lambda venue: replace(venue, description=description))


def _sleep_until(instant: float) -> None:
    time.sleep(max(0.0, instant - time.perf_counter()))


def measure(stack: Stack, rates: Sequence[int], seconds: int, on_second: Callable[[], None]) -> list[Record]:
    """Measure the lag. The stack must be new, because the pump starts at the beginning of its streams."""
    settings = Settings.from_environment()
    parts = Composition(settings)
    watches = [
        Watch(f"{name}, {declared.store.value}", parts.read_model(name), parts.read_model(name).aggregate_types)
        for name, (_, declared) in contexts.read_models().items()
    ]
    store = NotingStore(parts.dynamodb, settings.events_table, settings.marks_table)
    store.watches = watches
    shop, rows = Shop(store), []
    with _pump(stack), _looking(watches):
        for rate in rates:
            rounds = rate * seconds // EVENTS_A_ROUND
            shop.open_carts(rounds)
            _wait_for_all(watches)
            for watch in watches:
                watch.forget()
            reached = shop.sell(rate, rounds, on_second)
            _wait_for_all(watches)
            on_bus = _arrivals(stack, settings.event_bus)
            rows += [_row(rate, reached, watch, on_bus) for watch in watches]
    return rows


@contextmanager
def _pump(stack: Stack) -> Iterator[None]:
    """Return the process that `make run` starts."""
    process = child("the event pump", ["local.pump", "--app-directory", PROJECT], stack.environment)
    process.start()
    try:
        yield
    finally:
        process.stop()


@contextmanager
def _looking(watches: Sequence[Watch]) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=watch.keep_looking, args=(stop,), daemon=True) for watch in watches]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _wait_for_all(watches: Sequence[Watch]) -> None:
    deadline = time.monotonic() + WITHIN
    while missing := {watch.read_model: len(watch.missing()) for watch in watches if watch.missing()}:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not visible after {WITHIN:.0f} s: {missing}")
        time.sleep(POLL)


def _arrivals(stack: Stack, bus: str) -> Times:
    """Return when the bus got each event first, by its own clock, to the millisecond."""
    kinesis, arrivals = stack.aws.kinesis, Times()
    for shard in kinesis.list_shards(StreamName=bus)["Shards"]:
        position = kinesis.get_shard_iterator(
            StreamName=bus, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while records := (page := kinesis.get_records(ShardIterator=position))["Records"]:
            for record in records:
                event = from_bus(record["Data"])
                at = record["ApproximateArrivalTimestamp"].timestamp()
                arrivals.setdefault((event.aggregate_id, event.aggregate_version), at)
            position = page["NextShardIterator"]
    return arrivals


def _row(rate: int, reached: float, watch: Watch, on_bus: Times) -> Record:
    committed, visible = watch.committed, watch.visible
    total = sorted(visible[place] - committed[place] for place in committed)
    to_bus = sorted(on_bus[place] - committed[place] for place in committed)
    from_bus_on = sorted(visible[place] - on_bus[place] for place in committed)
    return {
        "events_per_second": rate,
        "reached": round(reached, 1),
        "read_model": watch.read_model,
        "events": len(committed),
        "p50_ms": _ms(total, 50),
        "p99_ms": _ms(total, 99),
        "to_bus_p50_ms": _ms(to_bus, 50),
        "to_bus_p99_ms": _ms(to_bus, 99),
        "bus_on_p50_ms": _ms(from_bus_on, 50),
        "bus_on_p99_ms": _ms(from_bus_on, 99),
        "looked_every_ms": _ms(sorted(watch.gaps), 50),
    }


def _ms(ordered: Sequence[float], percent: float) -> int:
    return round(percentile(ordered, percent) * 1000)


def section(rates: Sequence[int] = RATES, seconds: int = SECONDS) -> Section:
    """Measure on a stack of its own."""
    with own_stack() as stack, progress() as bar:
        os.environ.update(stack.environment)
        task = bar.add_task("Commit to visible", total=sum(rate * seconds // EVENTS_A_ROUND for rate in rates))
        rows = measure(stack, rates, seconds, lambda: bar.advance(task))
    return Section("commit_to_visible", "local: ministack and the event pump, whose polling this is; not AWS's", rows)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lag", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, help="events per second (10 100)")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"at each rate ({SECONDS})")
    options = parser.parse_args(arguments)
    publish(describe_machine(), [section(options.rates, options.seconds)], as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
