"""Describes what an event changes in the rows of its stream, for the tables and for a fold in memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.port import Contents


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a read model, each with the column that holds the stream's id, and their migrations.

    Every table has a column `id`, which is unique among the rows of a stream. `migrations` is the directory of the
    `.sql` files that create the tables. Those that are `stamped` have a column `changed_in xid8`, whose default is the
    transaction: it is set with each change of a row, and is no content.
    """

    name: str
    tables: Mapping[str, str]
    migrations: Path
    stamped: frozenset[str] = frozenset()

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


@dataclass(frozen=True, slots=True)
class Folding:
    """Folds events into all rows of their stream, where what an event changes depends on those before it (ADR 52).

    `fold` is pure: it returns new contents and leaves those it was given. `tables` are all that it writes.
    """

    fold: Callable[[Contents, RecordedEvent], Contents]
    tables: tuple[str, ...]


Projector = Project | Folding


def put(table: str, event: RecordedEvent, columns: Mapping[str, Any], initial: Mapping[str, Any]) -> Put:
    """Return the change that puts columns, and the version, into the one row of the event's stream."""
    return Put(table, {"id": event.stream_id}, storable({"version": event.version, **columns}), initial)


def fold_changes(projector: Projector, contents: Contents | None, event: RecordedEvent) -> Contents:
    """Fold the event into the rows of its stream, by table and id; columns that are null are left out.

    `contents` may be changed, unless the event is poison.
    """
    if isinstance(projector, Folding):
        return projector.fold(contents or {}, event)
    changes = list(projector(event))
    contents = {} if contents is None else contents
    for change in changes:
        change.fold(contents)
    return contents


def taken_over(changes: Iterable[Change], columns: Mapping[str, tuple[str, Set[str]]]) -> list[Change]:
    """Return the changes as they are for tables of another read model, which have some of the columns.

    `columns` has the other table and its columns by the name of the table that the changes are about.
    """
    found: list[Change] = []
    for change in changes:
        if change.table not in columns:
            continue
        table, wanted = columns[change.table]
        if isinstance(change, Remove):
            found.append(replace(change, table=table))
        elif kept := {name: value for name, value in change.columns.items() if name in wanted}:
            found.append(replace(change, table=table, columns=kept, **_initial(change, wanted)))
    return found


def _initial(change: Put | Alter, wanted: Set[str]) -> dict[str, Any]:
    if isinstance(change, Alter):
        return {}
    return {"initial": {name: value for name, value in change.initial.items() if name in wanted}}


def differences(before: Contents, after: Contents, schema: Schema, tables: Iterable[str]) -> Iterator[Change]:
    """Give the changes that turn the rows of one stream into others; rows that stay as they are need none."""
    for table in tables:
        key = dict.fromkeys((schema.tables[table], "id"))
        old, new = before.get(table, {}), after.get(table, {})
        for name in old.keys() - new.keys():
            yield Remove(table, {column: old[name][column] for column in key})
        for name, row in new.items():
            known = old.get(name, {})
            if row != known:
                columns = {column: row.get(column) for column in (*row, *known) if column not in key}
                yield Put(table, {column: row[column] for column in key}, columns)


def storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Remove NUL, the one character that Postgres does not take in a text."""
    return {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in values.items()}


def _set(row: dict[str, Any], columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        if value is None:
            row.pop(name, None)
        else:
            row[name] = value
