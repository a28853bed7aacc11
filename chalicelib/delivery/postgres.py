"""Read models in Postgres: the connection pool, and the projection that keeps positions beside the rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar
from uuid import UUID

import psycopg
from psycopg import Connection, Cursor, sql
from psycopg.abc import PQGen
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from chalicelib.delivery.min_versions import MinVersions
from chalicelib.delivery.projection import PositionMoved
from chalicelib.errors import Unavailable
from chalicelib.eventsourcing.codec import RecordedEvent, aggregate_type_of, recorded
from chalicelib.eventsourcing.store import EventStore

CONNECT_WITHIN = 3.0
ANSWER_WITHIN = 4.0
"""Seconds. The server itself gives up on a statement a second earlier, unless it is frozen or cut off."""

MAX_CONNECTIONS = 4

Project = Callable[[Cursor[DictRow], RecordedEvent], None]
"""Applies one event to the tables."""

_WEATHER_CLASSES = {"08", "28", "40", "53", "55", "57", "58"}
"""SQLSTATE: connection, authorisation, rollback (deadlock, serialisation), resources, locks, operator, system."""

_WEATHER_STATES = {
    "25006",  # read-only: a standby, in the middle of a failover
    "25P03",  # idle in transaction for too long
    "25P04",  # transaction took too long
    "3F000",  # no such schema; this and the following: a migration that is still to come
    "42501",  # no permission
    "42703",  # no such column
    "42883",  # no such function
    "42P01",  # no such table
}

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
        """Unless it is to `keep`, what was written is undone in the end. Raises Unavailable, also for weather inside
        the block."""
        with _weather():
            self.open()
            with (
                self.connection() as connection,
                connection.transaction(force_rollback=not keep),
                connection.cursor() as cursor,
            ):
                yield cursor

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        """The rows of one statement. Raises Unavailable."""
        with _weather():
            self.open()
            with self.connection() as connection:
                return connection.execute(query.encode(), storable(parameters)).fetchall()

    def probe(self) -> None:
        """Whether the server answers. Raises Unavailable."""
        self.fetch_all("select 1", {})


def open_pool(database_url: str) -> Pool:
    """Does not connect yet."""
    return Pool(
        database_url,
        connection_class=_ImpatientConnection,
        kwargs={
            "autocommit": True,
            "row_factory": dict_row,
            "prepare_threshold": None,  # a migration changes what a prepared statement was made for
            "connect_timeout": int(CONNECT_WITHIN),
        },
        min_size=0,
        max_size=MAX_CONNECTIONS,
        open=False,
        configure=_configure,
        check=Pool.check_connection,
        timeout=CONNECT_WITHIN,
        reconnect_timeout=CONNECT_WITHIN,
    )


class PostgresProjection:
    """Rows and position move in one transaction. `projectors` has the function for each aggregate type."""

    def __init__(self, name: str, pool: Pool, projectors: Mapping[str, Project]) -> None:
        self._name = name
        self._pool = pool
        self._projectors = projectors

    @property
    def name(self) -> str:
        return self._name

    @property
    def aggregate_types(self) -> frozenset[str]:
        return frozenset(self._projectors)

    def position(self, stream_id: UUID) -> int:
        rows = self._pool.fetch_all(
            "select version from positions where projection = %(projection)s and stream_id = %(stream_id)s",
            {"projection": self._name, "stream_id": stream_id},
        )
        return int(rows[0]["version"]) if rows else -1

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        if not events:
            return
        with self._pool.transaction() as cursor:
            self._move(cursor, stream_id, position, events[-1].version)
            for event in events:
                self._projectors[event.event.aggregate_type](cursor, event)

    @contextmanager
    def reflecting(self, least: MinVersions, store: EventStore) -> Iterator[Reader]:
        """The tables as new as the reader wants them.

        What they lack of the named streams is read from the log and applied in a transaction that is undone in the end,
        so that the reader's queries find, filter and sort it like everything else. Raises Unavailable.
        """
        tails = self._tails(least, store) if least.named else {}
        if not tails:
            yield self._pool
            return
        with self._pool.transaction(keep=False) as cursor:
            for stream_id in sorted(tails):  # in one order, so that no two readers wait for each other
                position = self._lock(cursor, stream_id)
                for event in tails[stream_id]:
                    if event.version > position:
                        self._projectors[event.event.aggregate_type](cursor, event)
            yield _InTransaction(cursor)

    def _tails(self, least: MinVersions, store: EventStore) -> dict[UUID, list[RecordedEvent]]:
        """What the tables lack of the named streams, as far as they follow them."""
        rows = self._pool.fetch_all(_POSITIONS, {"projection": self._name, "stream_ids": list(least.named)})
        positions = {row["stream_id"]: int(row["version"]) for row in rows}
        tails = {}
        for stream_id, version in least.named.items():
            position = positions.get(stream_id, -1)
            tail = store.read(stream_id, position) if position < version else []
            if position >= 0 or (tail and aggregate_type_of(tail[0]) in self._projectors):
                least.lacks(stream_id, position)
                tails[stream_id] = [recorded(event) for event in tail]
        return {stream_id: tail for stream_id, tail in tails.items() if tail}

    def _lock(self, cursor: Cursor[DictRow], stream_id: UUID) -> int:
        """The stream's position, which nobody moves before the transaction ends."""
        key = {"projection": self._name, "stream_id": stream_id}
        cursor.execute(_NO_POSITION_YET, key)
        cursor.execute(_LOCKED_POSITION, key)
        (row,) = cursor.fetchall()
        return int(row["version"])

    def _move(self, cursor: Cursor[DictRow], stream_id: UUID, position: int, version: int) -> None:
        """First of all: a second consumer waits here for the first one, and then finds the position moved."""
        cursor.execute(
            _FIRST_POSITION if position < 0 else _NEXT_POSITION,
            {"projection": self._name, "stream_id": stream_id, "position": position, "version": version},
        )
        if cursor.rowcount != 1:
            raise PositionMoved(f"{self._name} is not at version {position} of stream {stream_id}.")


_FIRST_POSITION = """
insert into positions (projection, stream_id, version) values (%(projection)s, %(stream_id)s, %(version)s)
on conflict do nothing
"""
_POSITIONS = """
select stream_id, version from positions where projection = %(projection)s and stream_id = any(%(stream_ids)s)
"""
_NO_POSITION_YET = """
insert into positions (projection, stream_id, version) values (%(projection)s, %(stream_id)s, -1)
on conflict do nothing
"""
_LOCKED_POSITION = """
select version from positions where projection = %(projection)s and stream_id = %(stream_id)s for update
"""
_NEXT_POSITION = """
update positions set version = %(version)s
 where projection = %(projection)s and stream_id = %(stream_id)s and version = %(position)s
"""


class _InTransaction:
    """A reader that sees what its transaction has written."""

    def __init__(self, cursor: Cursor[DictRow]) -> None:
        self._cursor = cursor

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        return self._cursor.execute(query.encode(), storable(parameters)).fetchall()


def upsert(cursor: Cursor[DictRow], table: str, event: RecordedEvent, columns: Mapping[str, Any]) -> None:
    """Set these columns, and the version, in the row of the event's stream; make the row if there is none."""
    values = storable({"id": event.stream_id, "version": event.version, **columns})
    statement = sql.SQL("insert into {} ({}) values ({}) on conflict (id) do update set {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
        sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in values),
    )
    cursor.execute(statement, values)


def storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without NUL, the one character that Postgres does not take in a text."""
    return {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in values.items()}


def _configure(connection: _ImpatientConnection) -> None:
    connection.execute("select set_config('timezone', 'UTC', false), set_config('statement_timeout', '3s', false)")


@contextmanager
def _weather() -> Iterator[None]:
    """Raises Unavailable where trying again later is right; what is wrong with the data stays what it is."""
    try:
        yield
    except psycopg.Error as error:
        if _is_weather(error):
            raise Unavailable("The database is away or busy.") from error
        raise


def _is_weather(error: psycopg.Error) -> bool:
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in _WEATHER_CLASSES or state in _WEATHER_STATES
