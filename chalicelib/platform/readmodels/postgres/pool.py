"""Pools connections to Postgres, with timeouts that suit a busy server and a caller who waits."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from psycopg import Connection, Cursor
from psycopg.abc import PQGen
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from chalicelib.platform.readmodels.postgres.failures import failures_as_unavailable
from chalicelib.platform.readmodels.postgres.tables import storable

CONNECT_WITHIN = 3.0
ANSWER_WITHIN = 4.0
"""Both are in seconds. The server itself cancels a statement a second earlier, unless it is frozen or cut off."""

MAX_CONNECTIONS = 4

Result = TypeVar("Result")


class _ImpatientConnection(Connection[DictRow]):
    """Waits ANSWER_WITHIN for each answer, also for one that a frozen server never gives."""

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        return super().wait(gen, interval, ANSWER_WITHIN if timeout is None else timeout)


class Reader(Protocol):
    """Runs the statements of queries."""

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        """Return the rows of one statement.

        Raises Unavailable.
        """


class Pool(ConnectionPool[_ImpatientConnection]):
    """Connects at first use, and again whenever the server was away."""

    @contextmanager
    def transaction(self, *, commit: bool = True) -> Iterator[Cursor[DictRow]]:
        """Run a block in one transaction; without `commit`, it is rolled back at the end.

        Raises Unavailable, also for failures of the server inside the block.
        """
        with failures_as_unavailable():
            self.open()
            with (
                self.connection() as connection,
                connection.transaction(force_rollback=not commit),
                connection.cursor() as cursor,
            ):
                yield cursor

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        """Return the rows of one statement.

        Raises Unavailable.
        """
        with failures_as_unavailable():
            self.open()
            with self.connection() as connection:
                return connection.execute(query.encode(), storable(parameters)).fetchall()

    def probe(self) -> None:
        """Run a statement that needs no table, to see whether the server answers.

        Raises Unavailable.
        """
        self.fetch_all("select 1", {})


Login = Callable[[], Mapping[str, str]]
"""User and password, where the URL has none. Asked for each new connection: a password is rotated while we run."""


def open_pool(database_url: str, login: Login = dict) -> Pool:
    """Make a pool, which connects at its first use."""

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


def _configure(connection: _ImpatientConnection) -> None:
    connection.execute("select set_config('timezone', 'UTC', false), set_config('statement_timeout', '3s', false)")
