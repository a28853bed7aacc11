"""Logs as the shop wrote them, each on one day, and what their streams came to on that day.

A log never changes again. What it should come to may be computed anew when a state gets a new field on purpose:
`python -m tests.support.record_log --expected-only`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from chalicelib.platform.eventsourcing.codec import aggregate_type_of, decode
from chalicelib.platform.eventsourcing.diff import as_json
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import from_item
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.readmodels.folding import folded_streams
from chalicelib.platform.readmodels.port import ReadModel, StreamContents
from chalicelib.platform.readmodels.verification import canonical, digest_of
from tests.support.contexts import all_aggregates

Json = dict[str, Any]
Item = dict[str, Any]
Streams = Mapping[UUID, Sequence[StoredEvent]]

DATA = Path(__file__).parents[1] / "data"
NAME = "recorded_log"
"""How the directory of every recorded log begins; later ones have a number."""

_DIGESTS = 2**256
_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass(frozen=True)
class RecordedLog:
    """One log in its directory, with what it comes to."""

    directory: Path

    @property
    def events(self) -> Path:
        """One item of the table a line, in DynamoDB's typed JSON, by stream and version."""
        return self.directory / "events.jsonl"

    @property
    def states(self) -> Path:
        """One stream a line: what its aggregate folds to."""
        return self.directory / "states.jsonl"

    @property
    def read_models(self) -> Path:
        """One stream of one read model a line: what it contributes."""
        return self.directory / "read_models.jsonl"

    @property
    def places(self) -> Path:
        """Streams of the log by what they are in the story."""
        return self.directory / "places.json"

    def items(self) -> list[Item]:
        """Every item of the log, as it lay in the table."""
        return read_lines(self.events)

    def place(self, name: str) -> UUID:
        """The stream, or the person, that has this name in the story."""
        return UUID(json.loads(self.places.read_text())[name])

    def contributions(self, name: str) -> list[Json]:
        """What each stream contributed to a read model."""
        return [line for line in read_lines(self.read_models) if line["model"] == name]

    def digest(self, name: str) -> str:
        """The digest of the recorded contents of a read model."""
        lines = self.contributions(name)
        return digest_over({UUID(line["stream"]): StreamContents(line["version"], line["contents"]) for line in lines})


def recorded_logs() -> list[RecordedLog]:
    """All of them, the oldest first."""
    return [RecordedLog(directory) for directory in sorted(DATA.glob(f"{NAME}*"))]


def next_log() -> RecordedLog:
    """Where a log would be recorded beside those that there are."""
    return RecordedLog(DATA / f"{NAME}_{len(recorded_logs()) + 1}")


def streams_of(items: Iterable[Item]) -> dict[UUID, list[StoredEvent]]:
    """The events of each stream, in order."""
    streams: dict[UUID, list[StoredEvent]] = {}
    for event in sorted(map(from_item, items), key=lambda event: event.aggregate_version):
        streams.setdefault(event.aggregate_id, []).append(event)
    return streams


def in_memory(streams: Streams) -> MemoryEventStore:
    """A store that holds these streams."""
    store = MemoryEventStore()
    for stream in streams.values():
        for event in stream:
            store.append([event])
    return store


def states_of(streams: Streams) -> list[Json]:
    """What the aggregate of each stream folds to, in the order of the streams."""
    aggregates = {aggregate.name: aggregate for aggregate in all_aggregates()}
    states = []
    for stream_id, events in sorted(streams.items()):
        kind = aggregate_type_of(events[0])
        state = aggregates[kind].fold(map(decode, events))
        version = events[-1].aggregate_version
        states.append({"stream": str(stream_id), "type": kind, "version": version, "state": _plain(state)})
    return states


def kept_by(model: ReadModel, streams: Streams) -> dict[UUID, StreamContents]:
    """What each stream that the read model follows contributes to it, by folding alone."""
    store = in_memory(streams)
    batches = list(folded_streams(store.scan(), model, store))
    return {
        folded.stream_id: StreamContents(folded.version, folded.contents or {})
        for batch in batches
        for folded in batch.streams
    }


def contributions(name: str, kept: Mapping[UUID, StreamContents]) -> list[Json]:
    """As they are recorded: plain JSON, in the order of the streams."""
    return [
        {"model": name, "stream": str(key), "version": one.version, "contents": json.loads(canonical(one.contents))}
        for key, one in sorted(kept.items())
    ]


def digest_over(kept: Mapping[UUID, StreamContents]) -> str:
    """The digest that `ops verify` shows of a read model with these contents."""
    return f"{sum(digest_of(key, one) for key, one in kept.items()) % _DIGESTS:064x}"


def read_lines(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_lines(path: Path, lines: Iterable[Json]) -> None:
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False, separators=(',', ':'))}\n" for line in lines))


def _plain(state: Any) -> Any:
    """The state in JSON, its sets in an order that is the same in every process."""
    return as_json(_ordered(_ANYTHING.dump_python(state, by_alias=True)))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _ordered(member) for name, member in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(_ordered, value), key=str)
    if isinstance(value, list | tuple):
        return [_ordered(member) for member in value]
    return value
