"""Pools connections to Postgres, with timeouts that suit a busy server and a caller who waits."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from psycopg import Connection, Cursor
from psycopg.abc import PQGen
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from chalicelib.platform.readmodels.postgres.failures import failures_as_unavailable, is_outage
from chalicelib.platform.readmodels.postgres.tables import storable

if TYPE_CHECKING:
    from chalicelib.platform.breaker import Breaker

CONNECT_WITHIN = 3.0
STATEMENT_CANCELLED_AFTER = 3.0
ANSWER_WITHIN = 4.0
NO_LIMIT = 0.0
"""In seconds. The server itself cancels a statement before we give it up, unless it is frozen or cut off."""

FIRST_QUERY_CONNECTS_WITHIN = 1.5
QUERY_CONNECTS_WITHIN = 0.25
QUERY_CANCELLED_AFTER = 0.25
QUERY_ANSWERS_WITHIN = 0.3
QUERY_TRANSACTION_ENDS_WITHIN = 1.0
"""The same for queries, in seconds, times their patience. A container's first connection also reads the password, with
a client of Secrets Manager that has to be made. The server ends a transaction that lasts longer, however many
statements the overlay of a reader's own writes has in it: so what one call may cost the server follows from how often
it asks."""

MAX_CONNECTIONS = 4

Result = TypeVar("Result")


class _ImpatientConnection(Connection[DictRow]):
    """Waits `answers_within` for each answer, also for one that a frozen server never gives."""

    answers_within: float = ANSWER_WITHIN

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        return super().wait(gen, interval, self.answers_within if timeout is None else timeout)


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
        with (
            self._lent() as connection,
            connection.transaction(force_rollback=not commit),
            connection.cursor() as cursor,
        ):
            yield cursor

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        """Return the rows of one statement.

        Raises Unavailable.
        """
        with self._lent() as connection:
            return connection.execute(query.encode(), storable(parameters)).fetchall()

    def probe(self) -> None:
        """Run a statement that needs no table, to see whether the server answers.

        Raises Unavailable.
        """
        self.fetch_all("select 1", {})

    @contextmanager
    def _lent(self) -> Iterator[_ImpatientConnection]:
        with failures_as_unavailable():
            self.open()
            with self.connection() as connection:
                yield connection


class QueryPool(Pool):
    """Waits shortly for a connection and for an answer, and not at all while the breaker is open."""

    def __init__(self, database_url: str, breaker: "Breaker", patience: float, **arguments: Any) -> None:
        super().__init__(database_url, **arguments)
        self._breaker = breaker
        self._patience = patience
        self._has_connected = False

    @contextmanager
    def _lent(self) -> Iterator[_ImpatientConnection]:
        within = self._patience * (QUERY_CONNECTS_WITHIN if self._has_connected else FIRST_QUERY_CONNECTS_WITHIN)
        with failures_as_unavailable(), self._breaker.guarding(is_outage):
            self.open()
            with self.connection(timeout=min(within, CONNECT_WITHIN)) as connection:
                self._has_connected = True
                yield connection


Login = Callable[[], Mapping[str, str]]
"""User and password, where the URL has none. Asked for each new connection: a password is rotated while we run."""


def open_pool(database_url: str, login: Login = dict) -> Pool:
    """Make a pool, which connects at its first use."""
    return Pool(
        database_url,
        connection_class=_ImpatientConnection,
        kwargs=_arguments(login, STATEMENT_CANCELLED_AFTER, NO_LIMIT),
        timeout=CONNECT_WITHIN,
        reconnect_timeout=CONNECT_WITHIN,
        **_LAZY,
    )


def open_query_pool(database_url: str, breaker: "Breaker", login: Login = dict, patience: float = 1.0) -> QueryPool:
    """Make a pool for queries, which connects at its first use.

    In the background, a connection that fails is tried once more, and then not before the next query.
    """

    def configure(connection: _ImpatientConnection) -> None:
        connection.answers_within = patience * QUERY_ANSWERS_WITHIN

    limits = patience * QUERY_CANCELLED_AFTER, patience * QUERY_TRANSACTION_ENDS_WITHIN
    return QueryPool(
        database_url,
        breaker,
        patience,
        connection_class=_ImpatientConnection,
        kwargs=_arguments(login, *limits),
        configure=configure,
        reconnect_timeout=QUERY_CONNECTS_WITHIN,
        **_LAZY,
    )


_LAZY: Mapping[str, Any] = {
    "min_size": 0,
    "max_size": MAX_CONNECTIONS,
    "open": False,
    "check": Pool.check_connection,
}


def _arguments(login: Login, statement: float, transaction: float) -> Callable[[], dict[str, Any]]:
    """Return what each connection is made with; the server keeps the limits, in seconds, from the first statement."""
    limits = f"-c statement_timeout={1000 * statement:.0f} -c transaction_timeout={1000 * transaction:.0f}"

    def arguments() -> dict[str, Any]:
        return {
            **login(),
            "options": f"-c timezone=UTC {limits}",
            "autocommit": True,
            "row_factory": dict_row,
            "prepare_threshold": None,  # a migration changes what a prepared statement was made for
            "connect_timeout": int(CONNECT_WITHIN),
        }

    return arguments
