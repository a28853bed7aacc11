"""Folds the streams of a scan to what they contribute to a read model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from chalicelib.platform.errors import LogDamaged, Unavailable
from chalicelib.platform.eventsourcing.codec import aggregate_type_of, recorded
from chalicelib.platform.eventsourcing.store import EventStore, ScanPage
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.readmodels.port import Contents, ReadModel


@dataclass(slots=True)
class FoldedStream:
    """One stream: its contents as of `version`, the last event that can be applied (-1: none), and its newest event."""

    stream_id: UUID
    contents: Contents | None = None
    version: int = -1
    newest: int = -1


@dataclass(frozen=True, slots=True)
class FoldedPage:
    """The streams that a page of the scan completed, and how many events the page had, of whatever type."""

    streams: list[FoldedStream]
    events: int


def folded_streams(pages: Iterable[ScanPage], model: ReadModel, store: EventStore) -> Iterator[FoldedPage]:
    """Yield the streams that each page completes, and in the end the last one.

    Only one page and one stream are in memory at a time.
    Raises Unavailable.
    """
    run: _Run | None = None
    for page in pages:
        done = []
        for event in page.events:
            if aggregate_type_of(event) not in model.aggregate_types:
                continue
            if run is None or run.folded.stream_id != event.aggregate_id:
                done += [] if run is None else [run.end(store)]
                run = _Run(model, event.aggregate_id)
            run.add(event)
        yield FoldedPage(done, len(page.events))
    if run is not None:
        yield FoldedPage([run.end(store)], 0)


def refolded(store: EventStore, model: ReadModel, stream_id: UUID, up_to: int | None = None) -> FoldedStream:
    """Fold the stream as the log has it now, or as it was at a version.

    Raises LogDamaged or Unavailable.
    """
    folded = FoldedStream(stream_id)
    events = store.read(stream_id)
    wanted = [event for event in events if up_to is None or event.aggregate_version <= up_to]
    for event in wanted:
        folded.newest = event.aggregate_version
    for event in wanted:
        if not _fold(folded, model, event):
            break
    return folded


class _Run:
    """Collects the events of one stream, and folds them at once as long as they come in order."""

    def __init__(self, model: ReadModel, stream_id: UUID) -> None:
        self.folded = FoldedStream(stream_id)
        self._model = model
        self._waiting: dict[int, StoredEvent] = {}
        self._is_stopped = False

    def add(self, event: StoredEvent) -> None:
        self.folded.newest = max(self.folded.newest, event.aggregate_version)
        if event.aggregate_version == self.folded.version + 1 and not self._is_stopped:
            self._is_stopped = not _fold(self.folded, self._model, event)
        else:
            self._waiting[event.aggregate_version] = event

    def end(self, store: EventStore) -> FoldedStream:
        while not self._is_stopped and (event := self._waiting.pop(self.folded.version + 1, None)):
            self._is_stopped = not _fold(self.folded, self._model, event)
        if self._is_stopped or not self._waiting:
            return self.folded
        return self._read_again(store)

    def _read_again(self, store: EventStore) -> FoldedStream:
        """Fold the stream again, from the log itself."""
        # There is a gap. Either it is an imported stream that begins late, or the scan gave a part of it: only the log
        # can tell.
        try:
            return refolded(store, self._model, self.folded.stream_id)
        except LogDamaged:
            return self.folded


def _fold(folded: FoldedStream, model: ReadModel, event: StoredEvent) -> bool:
    """Fold an event into the stream; return False, and change nothing, if the event is poison."""
    try:
        folded.contents = model.fold(folded.contents, recorded(event))
    except Unavailable:
        raise
    except Exception:  # noqa: BLE001 - poison: the consumer parks the stream here, whatever it is
        return False
    folded.version = event.aggregate_version
    return True
