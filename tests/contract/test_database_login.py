"""Who we are to Postgres is a secret that is rotated while containers live."""

import json
from collections.abc import Iterator
from uuid import uuid4

import boto3
import psycopg
import pytest
from psycopg import sql

from chalicelib.composition import Composition
from chalicelib.platform.errors import Unavailable
from chalicelib.settings import Settings
from local.postgres import Postgres, unprivileged_user
from local.stack import Stack
from local.throwaway import ThrowawayDirectory


@pytest.fixture(scope="module")
def password_postgres() -> Iterator[Postgres]:
    """One that asks for passwords, unlike that of the local stack."""
    user = unprivileged_user()
    with ThrowawayDirectory(user) as directory:
        postgres = Postgres(directory, user)
        try:
            postgres.begin()
            postgres.wait_ready()
            with psycopg.connect(postgres.url, autocommit=True) as connection:
                connection.execute("create role shop login superuser password 'first'")
            rules = directory / "postgres" / "pg_hba.conf"
            rules.write_text("host all shop 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
            with psycopg.connect(postgres.url, autocommit=True) as connection:
                connection.execute("select pg_reload_conf()")
            yield postgres
        finally:
            postgres.ask_to_end()
            postgres.wait_ended()


class Rotating:
    """A secret as RDS keeps it, and the role that it is for."""

    def __init__(self, server: Postgres, endpoint_url: str) -> None:
        self.server = server
        self.client = boto3.client("secretsmanager", endpoint_url=endpoint_url)
        kept = json.dumps({"username": "shop", "password": "first"})
        self.id = str(self.client.create_secret(Name=f"database-{uuid4()}", SecretString=kept)["ARN"])
        self.change_password("first")
        self.address = server.url.replace("postgres@", "", 1)

    def change_password(self, password: str) -> None:
        statement = sql.SQL("alter role shop password {}").format(sql.Literal(password))
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(statement)

    def keep(self, password: str) -> None:
        kept = json.dumps({"username": "shop", "password": password})
        self.client.put_secret_value(SecretId=self.id, SecretString=kept)

    def end_connections(self) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'shop'")

    def shop(self) -> Composition:
        return Composition(Settings(database_url=self.address, database_secret_id=self.id))


@pytest.fixture
def rotating(password_postgres: Postgres, stack: Stack) -> Rotating:
    return Rotating(password_postgres, stack.emulator.url)


def test_the_address_and_the_secret_together_open_the_database(rotating: Rotating) -> None:
    shop = rotating.shop()
    assert shop.postgres.fetch_all("select current_user as me", {}) == [{"me": "shop"}]
    shop.postgres.close()


def test_without_the_secret_nobody_is_let_in(rotating: Rotating) -> None:
    address = rotating.address.replace("//", "//shop@", 1)
    shop = Composition(Settings(database_url=address))
    with pytest.raises(Unavailable):
        shop.postgres.probe()
    shop.postgres.close()


def test_a_container_outlives_the_rotation_of_the_password(rotating: Rotating) -> None:
    shop = rotating.shop()
    shop.postgres.probe()
    rotating.change_password("second")
    rotating.keep("second")
    shop.postgres.probe()
    rotating.end_connections()
    assert shop.postgres.fetch_all("select current_user as me", {}) == [{"me": "shop"}]
    shop.postgres.close()


def test_between_the_two_halves_of_a_rotation_the_database_is_away_and_then_back(rotating: Rotating) -> None:
    shop = rotating.shop()
    rotating.change_password("second")
    with pytest.raises(Unavailable):
        shop.postgres.probe()
    rotating.keep("second")
    shop.postgres.probe()
    shop.postgres.close()


def test_a_secret_that_is_not_there_is_a_transient_failure(rotating: Rotating) -> None:
    shop = Composition(Settings(database_url=rotating.address, database_secret_id="no-such-secret"))
    with pytest.raises(Unavailable):
        shop.postgres.probe()
    shop.postgres.close()


def test_migrations_log_in_with_the_secret(rotating: Rotating) -> None:
    with psycopg.connect(rotating.server.url, autocommit=True) as connection:
        connection.execute("create database empty")
    address = rotating.address.replace("/postgres", "/empty", 1)
    shop = Composition(Settings(database_url=address, database_secret_id=rotating.id))
    assert "0001_positions.sql" in shop.migrate()
    assert shop.migrate() == []


def test_the_sandbox_signs_with_the_secret_that_the_stage_made(rotating: Rotating, stack: Stack) -> None:
    secret = rotating.client.create_secret(Name=f"sandbox-{uuid4()}", SecretString="long and random")["ARN"]
    settings = Settings(sandbox_table=stack.environment["SANDBOX_TABLE"], sandbox_secret_id=secret)
    assert set(Composition(settings).gateways) == {"sandbox"}
    with pytest.raises(Unavailable):
        _ = Composition(Settings(sandbox_table="any", sandbox_secret_id="no-such-secret")).gateways
