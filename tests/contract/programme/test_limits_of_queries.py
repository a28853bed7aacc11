"""The server itself ends what a query would cost it beyond its limits."""

from collections.abc import Iterator
from itertools import count

import pytest

from chalicelib.platform.breaker import LONGEST_REST, Breaker
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.readmodels.postgres.pool import QueryPool, open_query_pool
from local.postgres import Postgres

SLEEPS = 100


@pytest.fixture
def query_pool(own_postgres: Postgres) -> Iterator[QueryPool]:
    """Its statements may take half a second each, and two seconds together in one transaction; no breaker rests."""
    ticks = count(step=int(LONGEST_REST))
    pool = open_query_pool(own_postgres.url, Breaker("The database", lambda: float(next(ticks))), patience=2)
    yield pool
    pool.close()


def sleep_often_in_one_transaction(pool: QueryPool) -> None:
    with pool.transaction(commit=False) as cursor:
        for _ in range(SLEEPS):
            cursor.execute("select pg_sleep(0.05)")


def test_a_transaction_of_many_short_statements_is_ended_and_the_pool_goes_on(query_pool: QueryPool) -> None:
    with pytest.raises(Unavailable):
        sleep_often_in_one_transaction(query_pool)
    query_pool.probe()


def test_one_long_statement_is_cancelled(query_pool: QueryPool) -> None:
    with pytest.raises(Unavailable):
        query_pool.fetch_all("select pg_sleep(60)", {})
    query_pool.probe()


def test_every_connection_has_its_limits_from_the_first_statement_on(query_pool: QueryPool) -> None:
    limits = {"statement_timeout": "500", "transaction_timeout": "2000", "TimeZone": "UTC"}
    query = "select name, setting from pg_settings where name = any(%(names)s)"
    rows = query_pool.fetch_all(query, {"names": list(limits)})
    assert {row["name"]: row["setting"] for row in rows} == limits
