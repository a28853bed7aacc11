"""Rebuilds a read model: a new generation is built from the log, compared with it, and made live."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from time import monotonic

from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.parking import Parking
from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.readmodels.folding import FoldedPage, folded_streams
from chalicelib.platform.readmodels.generations import begin, complete, switch
from chalicelib.platform.readmodels.loading import Loader
from chalicelib.platform.readmodels.port import ReadModel
from chalicelib.platform.readmodels.verification import Findings, Verifier

SEGMENTS = 4
PASSES = 2
"""The whole log is read twice: to load, and to compare."""

_ROUNDS = 3


class RebuildFailed(CloudbashError):
    """The new generation does not become equal to the log. The live one was not changed."""

    code = "rebuild_failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """Reported after each page: the stage, and how many events were read since the last time."""

    stage: str
    events: int


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The result of a rebuild.

    `live` has the findings on the generation that was live until now, `new` those on the one that is live now.
    """

    generation: int
    new: Findings
    live: Findings


def for_each_batch(store: EventStore, model: ReadModel, segments: int, handle: Callable[[FoldedPage], None]) -> None:
    """Read the whole log, `segments` parts of it at once; stop soon if one of them fails or somebody interrupts."""
    stop = Event()

    def read(segment: int) -> None:
        for batch in folded_streams(store.scan(segment, segments), model, store):
            if stop.is_set():
                return
            handle(batch)

    with ThreadPoolExecutor(segments) as threads, _set_at_failure(stop):
        for done in as_completed([threads.submit(read, segment) for segment in range(segments)]):
            done.result()


@contextmanager
def _set_at_failure(stop: Event) -> Iterator[None]:
    try:
        yield
    except BaseException:
        stop.set()
        raise


class Rebuilder:
    """Builds a new generation. If it is interrupted, the next run goes on with the same one."""

    def __init__(self, model: ReadModel, store: EventStore, parking: Parking, consumer: Consumer) -> None:
        self._model = model
        self._store = store
        self._parking = parking
        self._consumer = consumer

    def run(self, segments: int, report: Report) -> Rebuilt:
        """Build a new generation, compare it with the log, and switch to it.

        Raises RebuildFailed, GenerationsMoved or Unavailable; running it again goes on with the same generation.
        """
        began = monotonic()
        new = begin(self._model)
        live = self._model.live_generation()
        loader = Loader(new, self._store, live)

        def load(batch: FoldedPage) -> None:
            loader.load(batch.streams)
            report(Progress("load", batch.events))

        for_each_batch(self._store, new, segments, load)
        rebuilt = self._compared(new, live, loader, segments, report)
        complete(self._model)
        switch(self._model)
        self._redrive(new)
        # The candidate of before is removed here. It may have been live until just before `began`, and queries may read
        # from it for `readers_lag` seconds longer.
        Event().wait(began + self._model.readers_lag - monotonic())
        self._model.retain([new.generation, live.generation])
        return rebuilt

    def _compared(self, new: ReadModel, live: ReadModel, loader: Loader, segments: int, report: Report) -> Rebuilt:
        """Compare until the new generation equals the log in every row, and lacks only what consumers still bring."""
        for _ in range(_ROUNDS):
            ours = Verifier(new, self._store, self._parking)
            theirs = Verifier(live, self._store, self._parking)

            def compare(batch: FoldedPage, ours: Verifier = ours, theirs: Verifier = theirs) -> None:
                loader.load(batch.streams)
                for difference in ours.compare(batch.streams)[1]:
                    ours.repair(difference)
                theirs.compare(batch.streams)
                report(Progress("compare", batch.events))

            for_each_batch(self._store, new, segments, compare)
            if not ours.findings.different_count:
                return Rebuilt(new.generation, ours.findings, theirs.findings)
        raise RebuildFailed(f"{ours.findings.different_count} streams still differ from the log after repairs.")

    def _redrive(self, new: ReadModel) -> None:
        """Redrive the parked streams whose poison the new generation has applied: its cause has been repaired since."""
        for parked in self._parking.list_parked(self._model.name):
            if new.position(parked.stream_id) >= parked.version:
                self._consumer.redrive(parked.stream_id)
