"""Writes and reads events as Parquet with DuckDB, which only the archive's own Lambda and operators have."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import gettempdir

import duckdb

from chalicelib.platform.archive.layout import day_of
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.stored import StoredEvent, from_attributes

COLUMNS = {
    "AggregateId": "VARCHAR",
    "AggregateVersion": "BIGINT",
    "Created": "VARCHAR",
    "EventType": "VARCHAR",
    "Data": "VARCHAR",
    "SchemaVersion": "INTEGER",
    "AggregateType": "VARCHAR",
    "CausationId": "VARCHAR",
    "CorrelationId": "VARCHAR",
    "ActorId": "VARCHAR",
    "PreviousHash": "VARCHAR",
    "Hash": "VARCHAR",
}
"""The attributes of an item under their stored names; those that an imported event does not have are null."""

_NAMES = ", ".join(COLUMNS)
_LARGEST_VERSION = 2**63 - 1
_LARGEST_SCHEMA_VERSION = 2**31 - 1
_LONGEST_LINE = 16 * 1024 * 1024
_ROWS_AT_ONCE = 1000


def ensure_fits(event: StoredEvent) -> None:
    """Refuse an event that no file can hold.

    Raises:
        ValueError: a number is beyond its column, or a text is not Unicode.
    """
    numbers = (event.aggregate_version, _LARGEST_VERSION), (event.schema_version, _LARGEST_SCHEMA_VERSION)
    if not all(0 <= number <= largest for number, largest in numbers):
        raise ValueError("the version is not a number that can be archived")
    to_bus(event)


class Spool:
    """Collects events on their way into one file a day.

    They lie in `directory` as lines of JSON, in the form that they have on the bus. So a log of any size needs no more
    memory than DuckDB needs to sort one day.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def add(self, events: Iterable[StoredEvent]) -> None:
        """Add events that fit, in any order; any of them may come again."""
        lines: dict[str, list[bytes]] = {}
        for event in events:
            lines.setdefault(day_of(event.created), []).append(to_bus(event))
        for day, some in lines.items():
            with self._lines_of(day).open("ab") as spooled:
                spooled.write(b"\n".join(some) + b"\n")

    def days(self) -> list[str]:
        return sorted(path.stem for path in self._directory.glob("*.ndjson"))

    def write(self, day: str, target: Path) -> int:
        """Write the events of the day, each once, and return how many there are.

        The same events make the same bytes.
        """
        columns = json.dumps(COLUMNS)
        source = f"read_json({_text(self._lines_of(day))}, format = 'newline_delimited', columns = {columns}"
        return _write(f"{source}, maximum_object_size = {_LONGEST_LINE})", target)

    def _lines_of(self, day: str) -> Path:
        return self._directory / f"{day}.ndjson"


def merge(files: Sequence[Path], target: Path) -> int:
    """Write the events of several files into one, each once, and return how many there are.

    The same events make the same bytes.
    """
    return _write(_reading(files), target)


def read_events(files: Sequence[Path]) -> Iterator[StoredEvent]:
    """Read each event once, stream by stream, each stream in order.

    Raises:
        LogDamaged: two files have different events at one place.
    """
    if not files:
        return
    rows = _rows(_each_once(_reading(files)))
    for (stream_id, version), same in groupby(rows, key=lambda row: row[:2]):
        row, *others = same
        if others:
            raise LogDamaged(
                f"The archive has {len(others) + 1} events {version} of stream {stream_id}.",
                stream=str(stream_id),
                version=version,
            )
        stored = zip(COLUMNS, row, strict=True)
        yield from_attributes({name: value for name, value in stored if value is not None})


def open_duckdb() -> duckdb.DuckDBPyConnection:
    """Open DuckDB in memory, with temporary files for what does not fit.

    It downloads nothing: reading and writing Parquet is part of the library.
    """
    nothing_fetched = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    return duckdb.connect(config={**nothing_fetched, "temp_directory": gettempdir()})


def _write(source: str, target: Path) -> int:
    with open_duckdb() as db:
        db.execute("SET threads = 1")  # the same bytes every time
        options = "(FORMAT parquet, COMPRESSION zstd)"
        written = db.execute(f"COPY ({_each_once(source)}) TO {_text(target)} {options}").fetchone()
    return int(written[0]) if written else 0


def _rows(query: str) -> Iterator[tuple[object, ...]]:
    with open_duckdb() as db:
        answer = db.execute(query)
        while some := answer.fetchmany(_ROWS_AT_ONCE):
            yield from some


def _each_once(source: str) -> str:
    return f"SELECT DISTINCT {_NAMES} FROM {source} ORDER BY AggregateId, AggregateVersion"  # noqa: S608 - our own texts


def _reading(files: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(map(_text, files))}], hive_partitioning = false)"


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
