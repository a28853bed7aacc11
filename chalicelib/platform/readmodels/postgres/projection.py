"""Projects events into rows of Postgres, and moves the positions in the same transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from uuid import UUID

from psycopg import Cursor, sql
from psycopg.rows import DictRow

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.base import GenerationalReadModel
from chalicelib.platform.readmodels.port import Contents, Generations, Rewrite, StreamContents
from chalicelib.platform.readmodels.postgres.generations import GenerationSchemas
from chalicelib.platform.readmodels.postgres.pool import Pool
from chalicelib.platform.readmodels.postgres.statements import (
    CLAIM,
    COLUMNS,
    DELETE,
    FIRST_POSITION,
    LOCKED_POSITION,
    NEXT_POSITION,
    NO_POSITION_YET,
    POSITIONS,
    ROWS,
    write,
)
from chalicelib.platform.readmodels.postgres.tables import (
    Change,
    Folding,
    Projector,
    Schema,
    differences,
    fold_changes,
)


class PostgresProjection(GenerationalReadModel):
    """Writes rows and position in one transaction. Each generation is a schema of its own; views show the live one.

    `projectors` has what projects each aggregate type: a function of one event, or a fold over the stream's rows.
    """

    def __init__(
        self, name: str, pool: Pool, projectors: Mapping[str, Projector], schema: Schema, generation: int = 1
    ) -> None:
        super().__init__(name, projectors.keys(), generation)
        self.pool = pool
        self._projectors = projectors
        self._tables = schema
        self._schema = schema.of(generation)
        self._generations = GenerationSchemas(name, pool, schema)
        self._known = {generation: self}
        self._known_columns: dict[str, list[str]] | None = None

    def at(self, generation: int) -> "PostgresProjection":
        if generation not in self._known:
            made = PostgresProjection(self.name, self.pool, self._projectors, self._tables, generation)
            made._known = self._known
            self._known.setdefault(generation, made)
        return self._known[generation]

    def positions(self, stream_ids: Collection[UUID]) -> dict[UUID, int]:
        query = POSITIONS.format(schema=self._schema)
        rows = self.pool.fetch_all(query, {"projection": self.name, "ids": list(stream_ids)})
        return {row["stream_id"]: int(row["version"]) for row in rows}

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        if not events:
            return
        with self.pool.transaction() as cursor:
            self._move(cursor, stream_id, position, events[-1].version)
            self._write_all(cursor, stream_id, events)

    def _write_all(self, cursor: Cursor[DictRow], stream_id: UUID, events: Sequence[RecordedEvent]) -> None:
        for event in events:
            projector = self._projectors[event.event.aggregate_type]
            if isinstance(projector, Folding):
                self._fold_rows(cursor, stream_id, projector, events)
                return
            for change in projector(event):
                self._write(cursor, change)

    def _fold_rows(
        self, cursor: Cursor[DictRow], stream_id: UUID, folding: Folding, events: Sequence[RecordedEvent]
    ) -> None:
        """Read the rows of a stream, whose position is locked, and write what the events make of them."""
        is_new = events[0].version == 0
        before = {} if is_new else self._rows(cursor, [stream_id], folding.tables).get(stream_id, {})
        after = reduce(folding.fold, events, before)
        for change in differences(before, after, self._tables, folding.tables):
            self._write(cursor, change)

    def _write(self, cursor: Cursor[DictRow], change: Change) -> None:
        write(cursor, self._schema, change, is_stamped=change.table in self._tables.stamped)

    def add_uncommitted(self, cursor: Cursor[DictRow], tails: Mapping[UUID, Sequence[RecordedEvent]]) -> None:
        """Write what this generation lacks of these ends of streams; the caller rolls it back, so no position moves."""
        for stream_id in sorted(tails):  # in one order, so that no two readers wait for each other
            position = self._lock(cursor, stream_id)
            self._write_all(cursor, stream_id, [event for event in tails[stream_id] if event.version > position])

    def _lock(self, cursor: Cursor[DictRow], stream_id: UUID) -> int:
        """Return the stream's position, and lock it until the transaction ends."""
        key = {"projection": self.name, "stream_id": stream_id}
        cursor.execute(NO_POSITION_YET.format(schema=self._schema).encode(), key)
        cursor.execute(LOCKED_POSITION.format(schema=self._schema).encode(), key)
        (row,) = cursor.fetchall()
        return int(row["version"])

    def _move(self, cursor: Cursor[DictRow], stream_id: UUID, position: int, version: int) -> None:
        """Move the position before any row is written.

        Raises PositionMoved.
        """
        # The row of the position is the lock: a second consumer of the stream waits here until the first has committed,
        # and then finds the position moved. Written last, both would have written the same rows before one noticed.
        cursor.execute(
            (FIRST_POSITION if position < 0 else NEXT_POSITION).format(schema=self._schema).encode(),
            {"projection": self.name, "stream_id": stream_id, "position": position, "version": version},
        )
        if cursor.rowcount != 1:
            raise PositionMoved(f"{self.name} is not at version {position} of stream {stream_id}.")

    def fold(self, contents: Contents | None, event: RecordedEvent) -> Contents:
        return fold_changes(self._projectors[event.event.aggregate_type], contents, event)

    def read(self, stream_ids: Collection[UUID]) -> dict[UUID, StreamContents]:
        ids = {"ids": list(stream_ids), "projection": self.name}
        with self.pool.transaction() as cursor:
            cursor.execute("set transaction isolation level repeatable read")
            cursor.execute(POSITIONS.format(schema=self._schema).encode(), ids)
            versions = {row["stream_id"]: int(row["version"]) for row in cursor.fetchall()}
            found = self._rows(cursor, stream_ids, self._tables.tables)
        return {key: StreamContents(version, found.get(key, {})) for key, version in versions.items()}

    def _rows(
        self, cursor: Cursor[DictRow], stream_ids: Collection[UUID], tables: Iterable[str]
    ) -> dict[UUID, Contents]:
        """Return the rows of these streams, by table and id; columns that are null are left out."""
        columns, found = self._columns(cursor), dict[UUID, Contents]()
        for table in tables:
            stream, names = self._tables.tables[table], ", ".join(columns[table])
            statement = ROWS.format(schema=self._schema, table=table, stream=stream, names=names)
            cursor.execute(statement.encode(), {"ids": list(stream_ids)})
            for row in cursor.fetchall():
                known = {name: row[name] for name in columns[table] if row[name] is not None}
                found.setdefault(row[stream], {}).setdefault(table, {})[str(row["id"])] = known
        return found

    def rewrite(self, batch: Sequence[Rewrite]) -> set[UUID]:
        given = {one.stream_id: one for one in sorted(batch)}
        with self.pool.transaction() as cursor:
            moved = given.keys() - self._claim(cursor, list(given.values()))
            contents = [one.contents for key, one in given.items() if key not in moved]
            ids = {"ids": [key for key in given if key not in moved]}
            for table, stream in self._tables.tables.items():
                cursor.execute(DELETE.format(schema=self._schema, table=table, stream=stream).encode(), ids)
            columns = self._columns(cursor)
            for table in self._tables.tables:
                self._copy(cursor, table, columns[table], contents)
        return moved

    def _claim(self, cursor: Cursor[DictRow], batch: Sequence[Rewrite]) -> set[UUID]:
        """Move the positions that are as expected, and so lock them; return their streams."""
        cursor.execute(
            CLAIM.format(schema=self._schema).encode(),
            {
                "projection": self.name,
                "ids": [one.stream_id for one in batch],
                "expected": [one.expected for one in batch],
                "versions": [one.version for one in batch],
            },
        )
        return {row["stream_id"] for row in cursor.fetchall()}

    def _copy(self, cursor: Cursor[DictRow], table: str, columns: Sequence[str], contents: Sequence[Contents]) -> None:
        rows = [row for one in contents for row in one.get(table, {}).values()]
        if not rows:
            return
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(self._schema, table), names)) as copy:
            for row in rows:
                copy.write_row([row.get(name) for name in columns])

    def _columns(self, cursor: Cursor[DictRow]) -> dict[str, list[str]]:
        """Return the columns of each table that are not generated, as they were when first asked for."""
        if self._known_columns is None:
            cursor.execute(COLUMNS, {"schema": self._schema})
            columns: dict[str, list[str]] = {}
            for row in cursor.fetchall():
                columns.setdefault(row["table_name"], []).append(row["column_name"])
            self._known_columns = columns
        return self._known_columns

    def generations(self) -> Generations:
        return self._generations.read()

    def hold_live(self, cursor: Cursor[DictRow]) -> "PostgresProjection":
        """Return the live generation; no switch can happen before the transaction ends."""
        return self.at(self._generations.hold_live(cursor))

    def change(self, before: Generations, after: Generations) -> None:
        self._generations.change(before, after)

    def prepare(self) -> None:
        self._generations.prepare(self.generation)

    def retain(self, generations: Collection[int]) -> None:
        self._generations.retain(generations)
