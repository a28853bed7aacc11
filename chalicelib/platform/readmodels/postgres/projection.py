"""Read models in Postgres: the connection pool, and the projection that keeps positions beside the rows."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from typing import Any, Protocol, TypeVar
from uuid import UUID

from psycopg import Connection, Cursor, sql
from psycopg.abc import PQGen
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import RecordedEvent, aggregate_type_of, recorded
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.readmodels.generations import Contents, Generations, GenerationsMoved, Kept, Rewrite
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.readmodels.postgres.failures import failures_as_unavailable
from chalicelib.platform.readmodels.postgres.tables import (
    Alter,
    Change,
    Project,
    Put,
    Remove,
    Schema,
    fold_changes,
    storable,
)

CONNECT_WITHIN = 3.0
ANSWER_WITHIN = 4.0
"""Seconds. The server itself gives up on a statement a second earlier, unless it is frozen or cut off."""

MAX_CONNECTIONS = 4

Result = TypeVar("Result")


class _ImpatientConnection(Connection[DictRow]):
    """Waits ANSWER_WITHIN for each answer, also for one that a frozen server never gives."""

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        return super().wait(gen, interval, ANSWER_WITHIN if timeout is None else timeout)


class Reader(Protocol):
    """What a query needs."""

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        """The rows of one statement. Raises Unavailable."""


class Pool(ConnectionPool[_ImpatientConnection]):
    """Connects at first use, and again whenever the server was away."""

    @contextmanager
    def transaction(self, *, keep: bool = True) -> Iterator[Cursor[DictRow]]:
        """Unless it is to `keep`, what was written is undone in the end. Raises Unavailable, also for failures
        of the server inside the block."""
        with failures_as_unavailable():
            self.open()
            with (
                self.connection() as connection,
                connection.transaction(force_rollback=not keep),
                connection.cursor() as cursor,
            ):
                yield cursor

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        """The rows of one statement. Raises Unavailable."""
        with failures_as_unavailable():
            self.open()
            with self.connection() as connection:
                return connection.execute(query.encode(), storable(parameters)).fetchall()

    def probe(self) -> None:
        """Whether the server answers. Raises Unavailable."""
        self.fetch_all("select 1", {})


Login = Callable[[], Mapping[str, str]]
"""User and password, where the URL has none. Asked for each new connection: a password is rotated while we run."""


def open_pool(database_url: str, login: Login = dict) -> Pool:
    """Does not connect yet."""

    def arguments() -> dict[str, Any]:
        return {
            **login(),
            "autocommit": True,
            "row_factory": dict_row,
            "prepare_threshold": None,  # a migration changes what a prepared statement was made for
            "connect_timeout": int(CONNECT_WITHIN),
        }

    return Pool(
        database_url,
        connection_class=_ImpatientConnection,
        kwargs=arguments,
        min_size=0,
        max_size=MAX_CONNECTIONS,
        open=False,
        configure=_configure,
        check=Pool.check_connection,
        timeout=CONNECT_WITHIN,
        reconnect_timeout=CONNECT_WITHIN,
    )


class PostgresProjection:
    """Rows and position move in one transaction. Each generation is a schema of its own; views show the live one.

    `projectors` has the function for each aggregate type.
    """

    has_effects = False
    readers_lag = 0.0

    def __init__(
        self, name: str, pool: Pool, projectors: Mapping[str, Project], schema: Schema, generation: int = 1
    ) -> None:
        self._name = name
        self._pool = pool
        self._projectors = projectors
        self._tables = schema
        self._generation = generation
        self._schema = schema.of(generation)
        self._known = {generation: self}
        self._known_columns: dict[str, list[str]] | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def aggregate_types(self) -> frozenset[str]:
        return frozenset(self._projectors)

    @property
    def generation(self) -> int:
        return self._generation

    def at(self, generation: int) -> "PostgresProjection":
        if generation not in self._known:
            made = PostgresProjection(self._name, self._pool, self._projectors, self._tables, generation)
            made._known = self._known
            self._known.setdefault(generation, made)
        return self._known[generation]

    def kept_current(self) -> "list[PostgresProjection]":
        found = self.generations()
        return [self.at(number) for number in (found.live, found.beside) if number is not None]

    def position(self, stream_id: UUID) -> int:
        return self.positions([stream_id]).get(stream_id, -1)

    def positions(self, stream_ids: Collection[UUID]) -> dict[UUID, int]:
        query = _POSITIONS.format(schema=self._schema)
        rows = self._pool.fetch_all(query, {"projection": self._name, "ids": list(stream_ids)})
        return {row["stream_id"]: int(row["version"]) for row in rows}

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        if not events:
            return
        with self._pool.transaction() as cursor:
            self._move(cursor, stream_id, position, events[-1].version)
            self._write_all(cursor, events)

    def _write_all(self, cursor: Cursor[DictRow], events: Sequence[RecordedEvent]) -> None:
        for event in events:
            for change in self._projectors[event.event.aggregate_type](event):
                _write(cursor, self._schema, change)

    @contextmanager
    def reflecting(self, min_versions: MinVersions, store: EventStore) -> Iterator[Reader]:
        """The tables as new as the reader wants them.

        What they lack of the named streams is read from the log and applied in a transaction that is undone in the end,
        so that the reader's queries find, filter and sort it like everything else. Raises Unavailable.
        """
        tails = self._tails(min_versions, store) if min_versions.named else {}
        if not tails:
            yield self._pool
            return
        with self._pool.transaction(keep=False) as cursor:
            self._held_live(cursor).add(cursor, tails)
            yield _InTransaction(cursor)

    def add(self, cursor: Cursor[DictRow], tails: Mapping[UUID, Sequence[RecordedEvent]]) -> None:
        """Write what this generation lacks of these ends of streams, without their positions: it is to be undone."""
        for stream_id in sorted(tails):  # in one order, so that no two readers wait for each other
            position = self._lock(cursor, stream_id)
            self._write_all(cursor, [event for event in tails[stream_id] if event.version > position])

    def _held_live(self, cursor: Cursor[DictRow]) -> "PostgresProjection":
        """The live generation, which stays it until the transaction ends."""
        cursor.execute(_HELD, {"projection": self._name})
        rows = cursor.fetchall()
        return self.at(rows[0]["live"]) if rows else self

    def _tails(self, min_versions: MinVersions, store: EventStore) -> dict[UUID, list[RecordedEvent]]:
        """What the tables lack of the named streams, as far as they follow them."""
        positions = self.at(self.generations().live).positions(min_versions.named.keys())
        tails = {}
        for stream_id, version in min_versions.named.items():
            position = positions.get(stream_id, -1)
            tail = store.read(stream_id, position) if position < version else []
            if position >= 0 or (tail and aggregate_type_of(tail[0]) in self._projectors):
                min_versions.lacks(stream_id, position)
                tails[stream_id] = [recorded(event) for event in tail]
        return {stream_id: tail for stream_id, tail in tails.items() if tail}

    def _lock(self, cursor: Cursor[DictRow], stream_id: UUID) -> int:
        """The stream's position, which nobody moves before the transaction ends."""
        key = {"projection": self._name, "stream_id": stream_id}
        cursor.execute(_NO_POSITION_YET.format(schema=self._schema).encode(), key)
        cursor.execute(_LOCKED_POSITION.format(schema=self._schema).encode(), key)
        (row,) = cursor.fetchall()
        return int(row["version"])

    def _move(self, cursor: Cursor[DictRow], stream_id: UUID, position: int, version: int) -> None:
        """First of all: a second consumer waits here for the first one, and then finds the position moved."""
        cursor.execute(
            (_FIRST_POSITION if position < 0 else _NEXT_POSITION).format(schema=self._schema).encode(),
            {"projection": self._name, "stream_id": stream_id, "position": position, "version": version},
        )
        if cursor.rowcount != 1:
            raise PositionMoved(f"{self._name} is not at version {position} of stream {stream_id}.")

    def fold(self, contents: Contents | None, event: RecordedEvent) -> Contents:
        return fold_changes(self._projectors[event.event.aggregate_type], contents, event)

    def read(self, stream_ids: Collection[UUID]) -> dict[UUID, Kept]:
        ids = {"ids": list(stream_ids), "projection": self._name}
        with self._pool.transaction() as cursor:
            cursor.execute("set transaction isolation level repeatable read")
            columns = self._columns(cursor)
            cursor.execute(_POSITIONS.format(schema=self._schema).encode(), ids)
            kept = {row["stream_id"]: Kept(int(row["version"]), {}) for row in cursor.fetchall()}
            for table, stream in self._tables.tables.items():
                names = ", ".join(columns[table])
                cursor.execute(_ROWS.format(schema=self._schema, table=table, stream=stream, names=names).encode(), ids)
                for row in cursor.fetchall():
                    if row[stream] in kept:
                        known = {name: row[name] for name in columns[table] if row[name] is not None}
                        kept[row[stream]].contents.setdefault(table, {})[str(row["id"])] = known
        return kept

    def rewrite(self, batch: Sequence[Rewrite]) -> set[UUID]:
        given = {one.stream_id: one for one in sorted(batch)}
        with self._pool.transaction() as cursor:
            moved = given.keys() - self._claim(cursor, list(given.values()))
            contents = [one.contents for key, one in given.items() if key not in moved]
            ids = {"ids": [key for key in given if key not in moved]}
            for table, stream in self._tables.tables.items():
                cursor.execute(_DELETE.format(schema=self._schema, table=table, stream=stream).encode(), ids)
            columns = self._columns(cursor)
            for table in self._tables.tables:
                self._copy(cursor, table, columns[table], contents)
        return moved

    def _claim(self, cursor: Cursor[DictRow], batch: Sequence[Rewrite]) -> set[UUID]:
        """Those whose position was as expected: it is the new one now, and others wait for us."""
        cursor.execute(
            _CLAIM.format(schema=self._schema).encode(),
            {
                "projection": self._name,
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
        """Of each table those that are not generated from others; as they were at first, if a migration comes."""
        if self._known_columns is None:
            cursor.execute(_COLUMNS, {"schema": self._schema})
            columns: dict[str, list[str]] = {}
            for row in cursor.fetchall():
                columns.setdefault(row["table_name"], []).append(row["column_name"])
            self._known_columns = columns
        return self._known_columns

    def generations(self) -> Generations:
        query = "select live, beside, is_whole, newest from generations where projection = %(projection)s"
        rows = self._pool.fetch_all(query, {"projection": self._name})
        return Generations(**rows[0]) if rows else Generations()

    def change(self, before: Generations, after: Generations) -> None:
        """Queries wait a moment at the most, and none fails: we give up first, and try again."""
        for _ in range(_SWITCH_TRIES - 1):
            with suppress(Unavailable):
                self._try_to_change(before, after)
                return
        self._try_to_change(before, after)

    def _try_to_change(self, before: Generations, after: Generations) -> None:
        with self._pool.transaction() as cursor:
            cursor.execute("select set_config('lock_timeout', %(wait)s, true)", {"wait": _SWITCH_WAITS})
            parameters = {f"old_{name}": value for name, value in asdict(before).items()}
            cursor.execute(_CHANGE, {"projection": self._name, **asdict(after), **parameters})
            if cursor.rowcount != 1:
                raise GenerationsMoved(f"The generations of {self._name} are not {before} any more.")
            if after.live != before.live:
                for table in self._tables.tables:
                    view, of = sql.Identifier(table), sql.Identifier(self._tables.of(after.live), table)
                    cursor.execute(sql.SQL("create or replace view {} as select * from {}").format(view, of))

    def prepare(self) -> None:
        live = self._tables.of(self.generations().live)
        with self._pool.transaction() as cursor:
            cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(self._schema)))
            for table in ("positions", *self._tables.tables):
                names = sql.Identifier(self._schema, table), sql.Identifier(live, table)
                cursor.execute(sql.SQL("create table if not exists {} (like {} including all)").format(*names))

    def keep_only(self, generations: Collection[int]) -> None:
        kept = [self._tables.of(number) for number in generations]
        with self._pool.transaction() as cursor:
            cursor.execute(_SCHEMAS, {"pattern": f"^{self._tables.name}_[0-9]+$", "kept": kept})
            for row in cursor.fetchall():
                cursor.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(row["nspname"])))


_SCHEMAS = "select nspname from pg_namespace where nspname ~ %(pattern)s and nspname <> all(%(kept)s)"
_SWITCH_TRIES = 50
_SWITCH_WAITS = "200ms"
"""Less than Postgres waits before it looks for a deadlock: queries name the views in another order than we do."""

_FIRST_POSITION = """
insert into {schema}.positions (projection, stream_id, version) values (%(projection)s, %(stream_id)s, %(version)s)
on conflict do nothing
"""
_NO_POSITION_YET = """
insert into {schema}.positions (projection, stream_id, version) values (%(projection)s, %(stream_id)s, -1)
on conflict do nothing
"""
_LOCKED_POSITION = """
select version from {schema}.positions where projection = %(projection)s and stream_id = %(stream_id)s for update
"""
_HELD = "select live from generations where projection = %(projection)s for share"
_NEXT_POSITION = """
update {schema}.positions set version = %(version)s
 where projection = %(projection)s and stream_id = %(stream_id)s and version = %(position)s
"""
_POSITIONS = """
select stream_id, version from {schema}.positions where projection = %(projection)s and stream_id = any(%(ids)s)
"""
_ROWS = "select {names} from {schema}.{table} where {stream} = any(%(ids)s)"
_DELETE = "delete from {schema}.{table} where {stream} = any(%(ids)s)"
_COLUMNS = """
select table_name, column_name from information_schema.columns
 where table_schema = %(schema)s and is_generated = 'NEVER'
 order by ordinal_position
"""
_CLAIM = """
with given as (
    select * from unnest(%(ids)s::uuid[], %(expected)s::bigint[], %(versions)s::bigint[])
        as given (stream_id, expected, version)
), updated as (
    update {schema}.positions as known set version = given.version from given
     where known.projection = %(projection)s and known.stream_id = given.stream_id and known.version = given.expected
    returning known.stream_id
), inserted as (
    insert into {schema}.positions (projection, stream_id, version)
    select %(projection)s, stream_id, version from given where expected < 0 order by stream_id
    on conflict do nothing
    returning stream_id
)
select stream_id from updated union all select stream_id from inserted
"""
_CHANGE = """
insert into generations as known (projection, live, beside, is_whole, newest)
values (%(projection)s, %(live)s, %(beside)s, %(is_whole)s, %(newest)s)
on conflict (projection) do update
   set live = excluded.live, beside = excluded.beside, is_whole = excluded.is_whole, newest = excluded.newest
 where (known.live, known.beside, known.is_whole, known.newest)
       is not distinct from (%(old_live)s, %(old_beside)s::integer, %(old_is_whole)s, %(old_newest)s)
"""


class _InTransaction:
    """A reader that sees what its transaction has written."""

    def __init__(self, cursor: Cursor[DictRow]) -> None:
        self._cursor = cursor

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        return self._cursor.execute(query.encode(), storable(parameters)).fetchall()


def _write(cursor: Cursor[DictRow], schema: str, change: Change) -> None:
    match change:
        case Put():
            values = {**change.key, **change.initial, **change.columns}
            cursor.execute(
                _upsert(schema, change.table, tuple(change.key), tuple(values), tuple(change.columns)), values
            )
        case Alter():
            statement = _update(schema, change.table, tuple(change.key), tuple(change.columns))
            cursor.execute(statement, {**change.columns, **change.key})
        case Remove():
            cursor.execute(_delete(schema, change.table, tuple(change.key)), change.key)


@cache
def _upsert(schema: str, table: str, key: Sequence[str], names: Sequence[str], columns: Sequence[str]) -> sql.Composed:
    return sql.SQL("insert into {} ({}) values ({}) on conflict ({}) do update set {}").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(map(sql.Placeholder, names)),
        sql.SQL(", ").join(map(sql.Identifier, key)),
        sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in columns),
    )


@cache
def _update(schema: str, table: str, key: Sequence[str], columns: Sequence[str]) -> sql.Composed:
    return sql.SQL("update {} set {} where {}").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in columns),
        sql.SQL(" and ").join(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in key),
    )


@cache
def _delete(schema: str, table: str, key: Sequence[str]) -> sql.Composed:
    conditions = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in key]
    return sql.SQL("delete from {} where {}").format(sql.Identifier(schema, table), sql.SQL(" and ").join(conditions))


def _configure(connection: _ImpatientConnection) -> None:
    connection.execute("select set_config('timezone', 'UTC', false), set_config('statement_timeout', '3s', false)")
