"""One Postgres for the tests of the programme."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from chalicelib.platform.readmodels.postgres.pool import Pool, open_pool
from local.migrate import migrate
from local.postgres import Postgres, unprivileged_user
from local.throwaway import ThrowawayDirectory
from tests.contract.programme.followed import FollowedLog, empty


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[Postgres]:
    user = unprivileged_user()
    with ThrowawayDirectory(user) as directory:
        postgres = Postgres(directory, user)
        try:
            postgres.begin()
            postgres.wait_ready()
            migrate(postgres.url)
            yield postgres
        finally:
            postgres.ask_to_end()
            postgres.wait_ended()


@pytest.fixture(scope="session")
def shared_pool(own_postgres: Postgres) -> Iterator[Pool]:
    pool = open_pool(own_postgres.url)
    yield pool
    pool.close()


@pytest.fixture
def pool(shared_pool: Pool) -> Pool:
    empty(shared_pool)
    return shared_pool


@pytest.fixture
def followed(pool: Pool) -> FollowedLog:
    return FollowedLog(pool)


@pytest.fixture
def empty_database(own_postgres: Postgres) -> str:
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return own_postgres.url.removesuffix("/postgres") + f"/{name}"
