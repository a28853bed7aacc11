"""Measures a rebuild of the programme from a long log: `python -m benchmarks.rebuild` or `python -m benchmarks
--rebuild`.

The log is made up as it is read, so that neither its size nor its server is measured; Postgres is a real one.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from benchmarks.machine import describe_machine
from benchmarks.own_stack import own_stack
from benchmarks.report import Record, Section, progress, publish, result_of
from chalicelib.composition import Composition
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.eventsourcing.codec import Origin, encode, recorded
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.store import ScanPage
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.readmodels.folding import folded_streams
from chalicelib.platform.readmodels.port import ReadModel, Rewrite
from chalicelib.platform.readmodels.rebuild import SEGMENTS, Progress, Rebuilder
from chalicelib.settings import Settings
from chalicelib.shop.concerts.events import (
    ConcertCreated,
    ConcertDetailsChanged,
    ConcertPublished,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeRemoved,
    TicketType,
)

SIZES = (100_000, 1_000_000)
GOAL = 8_600
GOAL_RATIO = 0.5
EVENTS_A_STREAM = 10
_STREAMS_A_PAGE = 150
_KINDS = 50
_EVENING = datetime(2030, 6, 1, 18, tzinfo=UTC)
_NAMES = UUID("be9c0000-0000-4000-8000-000000000000")
_MEGABYTE_OF_RSS = 1024


class MadeUpLog(MemoryEventStore):
    """Makes up concerts of ten events each, the same in every run, and stores none of them."""

    def __init__(self, events: int) -> None:
        super().__init__()
        self._count = events // EVENTS_A_STREAM
        self._kinds = [_stream(number) for number in range(_KINDS)]

    def scan(self, segment: int = 0, segments: int = 1, after: str | None = None) -> Iterator[ScanPage]:
        numbers = range(int(after or segment), self._count, segments)
        for start in range(0, len(numbers), _STREAMS_A_PAGE):
            page = numbers[start : start + _STREAMS_A_PAGE]
            yield ScanPage([event for number in page for event in self._events(number)], str(page[-1] + segments))
        yield ScanPage([], None)

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        return self._events(stream_id.int - _NAMES.int)[after + 1 :]

    def size(self) -> int:
        return self._count * EVENTS_A_STREAM

    def _events(self, number: int) -> list[StoredEvent]:
        key = UUID(int=_NAMES.int + number)
        return [
            StoredEvent(key, one.aggregate_version, one.created, one.event_type, one.data, 1, one.aggregate_type)
            for one in self._kinds[number % _KINDS]
        ]


def _stream(number: int) -> list[StoredEvent]:
    details = {"name": f"Evening {number} of the Reykjavík Philharmonic", "venue_id": uuid4(), "genre": "Classical"}
    kinds = [
        TicketType(id=uuid4(), name=f"Block {block}", price=Money.of("25.00", "EUR"), quantity=500, max_per_order=8)
        for block in "ABC"
    ]
    happened: list[Event] = [
        ConcertCreated(organiser_id=uuid4(), **details),
        ConcertScheduled(start_date=_EVENING, end_date=_EVENING + timedelta(hours=3)),
        *(ConcertTicketTypeAdded(type=kind) for kind in kinds),
        *(ConcertDetailsChanged(**details, description=f"Version {version}") for version in range(3)),
        ConcertTicketTypeRemoved(ticket_type_id=kinds[0].id),
        ConcertPublished(),
    ]
    stored: list[StoredEvent] = []
    for event in happened:
        head = Head.of(stored[-1]) if stored else Head()
        stored.append(encode(event, uuid4(), head, Origin("benchmark", "", ""), uuid4(), _EVENING))
    return stored


@dataclass(frozen=True)
class Measured:
    """Holds events per second, and the most memory that the process has had until then."""

    events: int
    reading: float
    copying: float
    loading: float
    rebuilding: float
    peak_megabytes: int

    @property
    def ratio(self) -> float:
        return self.loading / min(self.reading, self.copying)


def measure(model: ReadModel, events: int, on_events: Callable[[int], None]) -> Measured:
    log = MadeUpLog(events)
    reading = events / _seconds(lambda: _read(log))
    copying = _copying(model, log)
    loaded_at: list[float] = []

    def tell(made: Progress) -> None:
        if made.stage == "compare" and not loaded_at:
            loaded_at.append(time.perf_counter())
        on_events(made.events)

    parking = MemoryParking()
    consumer = Consumer(model, log, parking, lambda: _EVENING)
    began = time.perf_counter()
    Rebuilder(model, log, parking, consumer).run(SEGMENTS, tell)
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _MEGABYTE_OF_RSS
    return Measured(events, reading, copying, events / (loaded_at[0] - began), events / (ended - began), peak)


def _read(log: MadeUpLog) -> None:
    for page in log.scan():
        for event in page.events:
            recorded(event)


def _copying(model: ReadModel, log: MadeUpLog) -> float:
    """Copy the rows of some streams, folded beforehand, into empty tables, in batches as large as the loader's."""
    candidate = model.at(9_999)
    candidate.prepare()
    few = MadeUpLog(min(log.size(), 50_000))
    streams = [folded for batch in folded_streams(few.scan(), candidate, few) for folded in batch.streams]
    rows = [Rewrite(one.stream_id, -1, one.version, one.contents or {}) for one in streams]

    def copy() -> None:
        for start in range(0, len(rows), _STREAMS_A_PAGE):
            candidate.rewrite(rows[start : start + _STREAMS_A_PAGE])

    seconds = _seconds(copy)
    generations = model.generations()
    model.retain([number for number in (generations.live, generations.candidate) if number is not None])
    return few.size() / seconds


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def section(measured: list[Measured]) -> Section:
    note = "events a second; read: decoded only; copy: COPY of their rows only; rebuild: loaded, compared and switched"
    return Section("rebuild_of_the_programme", note, list(map(_row, measured)))


def _row(one: Measured) -> Record:
    return {
        "events": one.events,
        "read": round(one.reading),
        "copy": round(one.copying),
        "load": round(one.loading),
        "ratio": round(one.ratio, 2),
        "rebuild": round(one.rebuilding),
        "peak_mb": one.peak_megabytes,
        "result": result_of(one.loading >= GOAL and one.ratio >= GOAL_RATIO),
        "goal": f"load {GOAL:,}, ratio {GOAL_RATIO}",
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rebuild", description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=SIZES, help="the sizes of the logs, smallest first")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args(arguments)
    about = describe_machine()
    with progress() as bar, own_stack() as stack:
        os.environ.update(stack.environment)
        task = bar.add_task("Rebuilding the programme", total=2 * sum(options.events))
        model = Composition(Settings.from_environment()).read_model("programme")
        measured = [measure(model, events, lambda done: bar.advance(task, done)) for events in options.events]
    publish(about, [section(measured)], as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
