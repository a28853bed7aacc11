"""Describes what an event changes in the rows of its stream, for the tables and for a fold in memory."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.port import Contents


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a read model, each with the column that holds the stream's id, and their migrations.

    Every table has a column `id`, which is unique among the rows of a stream. `migrations` is the directory of the
    `.sql` files that create the tables.
    """

    name: str
    tables: Mapping[str, str]
    migrations: Path

    def of(self, generation: int) -> str:
        return f"{self.name}_{generation}"


@dataclass(frozen=True, slots=True)
class Put:
    """Sets columns of a row. A new row gets `initial` as well, with a value for each column that must not be null."""

    table: str
    key: Mapping[str, Any]
    columns: Mapping[str, Any]
    initial: Mapping[str, Any] = field(default_factory=dict)

    def fold(self, contents: Contents) -> None:
        rows = contents.setdefault(self.table, {})
        row = rows.setdefault(str(self.key["id"]), {**self.key, **self.initial})
        _set(row, self.columns)


@dataclass(frozen=True, slots=True)
class Alter:
    """Sets columns of a row, if it exists."""

    table: str
    key: Mapping[str, Any]
    columns: Mapping[str, Any]

    def fold(self, contents: Contents) -> None:
        row = contents.get(self.table, {}).get(str(self.key["id"]))
        if row is not None:
            _set(row, self.columns)


@dataclass(frozen=True, slots=True)
class Remove:
    """Removes a row, if it exists."""

    table: str
    key: Mapping[str, Any]

    def fold(self, contents: Contents) -> None:
        rows = contents.get(self.table, {})
        rows.pop(str(self.key["id"]), None)
        if not rows:
            contents.pop(self.table, None)


Change = Put | Alter | Remove
Project = Callable[[RecordedEvent], Iterable[Change]]
"""Returns what one event changes in the rows of its stream, in order; it is pure."""


def put(table: str, event: RecordedEvent, columns: Mapping[str, Any], initial: Mapping[str, Any]) -> Put:
    """Return the change that puts columns, and the version, into the one row of the event's stream."""
    return Put(table, {"id": event.stream_id}, storable({"version": event.version, **columns}), initial)


def fold_changes(project: Project, contents: Contents | None, event: RecordedEvent) -> Contents:
    """Fold the event into the rows of its stream, by table and id; columns that are null are left out.

    `contents` may be changed, unless the event is poison.
    """
    changes = list(project(event))
    contents = {} if contents is None else contents
    for change in changes:
        change.fold(contents)
    return contents


def storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Remove NUL, the one character that Postgres does not take in a text."""
    return {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in values.items()}


def _set(row: dict[str, Any], columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        if value is None:
            row.pop(name, None)
        else:
            row[name] = value
