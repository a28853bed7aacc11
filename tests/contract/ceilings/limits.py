"""By which limits the servers hold what a request asks of them, as the servers themselves say."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import psycopg
from psycopg.pq import TransactionStatus
from redis import Redis
from redis.connection import AbstractConnection

NO_LIMIT = 10**9
"""Stands for a server's 0 and a client's None, which no ceiling permits."""


@contextmanager
def limits_of_postgres() -> Iterator[list[int]]:
    """The milliseconds after which the server ends each statement, or each transaction with all that is in it."""
    limits: list[int] = []
    execute, transaction = psycopg.Cursor.execute, psycopg.Connection.transaction

    def limited(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        if query and self.connection.info.transaction_status is TransactionStatus.IDLE:
            limits.append(_setting(self.connection, b"statement_timeout"))
        return execute(self, query, *arguments, **options)

    def limited_together(self: Any, *arguments: Any, **options: Any) -> Any:
        limits.append(_setting(self, b"transaction_timeout"))
        return transaction(self, *arguments, **options)

    with (
        patch.object(psycopg.Cursor, "execute", limited),
        patch.object(psycopg.Connection, "transaction", limited_together),
    ):
        yield limits


@contextmanager
def limits_of_redis() -> Iterator[list[int]]:
    """The milliseconds that the client waits for each answer."""
    limits: list[int] = []
    send: Any = AbstractConnection.send_packed_command

    def limited(self: Any, *arguments: Any, **options: Any) -> Any:
        limits.append(NO_LIMIT if self.socket_timeout is None else round(1000 * self.socket_timeout))
        return send(self, *arguments, **options)

    with patch.object(AbstractConnection, "send_packed_command", limited):
        yield limits


def commands_of(redis: Redis) -> int:
    """How many commands the server has run, those of scripts included, but for this question."""
    statistics: dict[str, Any] = redis.info("commandstats")
    return sum(int(of["calls"]) for name, of in statistics.items() if name != "cmdstat_info")


def _setting(connection: Any, name: bytes) -> int:
    """A setting of the server in milliseconds, asked past the driver, whose statements are counted."""
    result = connection.pgconn.exec_(b"select setting from pg_settings where name = '%b'" % name)
    return int(result.get_value(0, 0)) or NO_LIMIT
