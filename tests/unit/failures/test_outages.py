"""Which failures mean that a server did not answer: those open the breaker before the queries."""

import psycopg
import pytest
from psycopg_pool import PoolTimeout
from redis import exceptions

from chalicelib.platform.errors import NotFound
from chalicelib.platform.readmodels.postgres import failures as postgres
from chalicelib.platform.readmodels.redis import failures as redis


@pytest.mark.parametrize(
    "error",
    [
        PoolTimeout("couldn't get a connection after 0.25 sec"),
        psycopg.OperationalError("server closed the connection unexpectedly"),
        psycopg.errors.TooManyConnections("sorry, too many clients already"),
        psycopg.errors.QueryCanceled("canceling statement due to statement timeout"),
        psycopg.errors.AdminShutdown("terminating connection"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_postgres_that_is_full_slow_or_gone_is_an_outage(error: Exception) -> None:
    assert postgres.is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.DeadlockDetected("deadlock detected"),
        psycopg.errors.LockNotAvailable("could not obtain lock"),
        psycopg.errors.UndefinedTable("relation does not exist"),
        psycopg.errors.InsufficientPrivilege("permission denied"),
        psycopg.DataError("cannot contain NUL"),
        NotFound("There is no such concert."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_postgres_answers_is_no_outage_even_if_it_is_no(error: Exception) -> None:
    assert not postgres.is_outage(error)


@pytest.mark.parametrize(
    "error", [exceptions.ConnectionError("refused"), exceptions.TimeoutError("Timeout reading from socket")]
)
def test_a_redis_that_is_slow_or_gone_is_an_outage(error: Exception) -> None:
    assert redis.is_outage(error)


@pytest.mark.parametrize(
    "error",
    [exceptions.ResponseError("ERR syntax error"), exceptions.NoScriptError("no script"), NotFound("nothing")],
    ids=lambda error: type(error).__name__,
)
def test_what_redis_answers_is_no_outage(error: Exception) -> None:
    assert not redis.is_outage(error)
