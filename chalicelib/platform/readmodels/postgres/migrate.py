"""Brings a Postgres database to the schema that the read models need."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psycopg

from chalicelib.platform.errors import CloudbashError

MIGRATIONS = Path(__file__).with_name("migrations")
"""The migrations that every read model in Postgres needs; contexts add their own."""

_LOCK = 7_226_308_154_912_001
_LEDGER = """
create table if not exists schema_migrations (
    name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default now()
)
"""


class MigrationEdited(CloudbashError):
    """A migration was changed after it had been applied. Nothing was done: write a new one instead."""

    code = "migration_edited"


def migrate(database_url: str, directories: Iterable[Path], login: Mapping[str, Any] | None = None) -> list[str]:
    """Apply the `.sql` files that the database has not seen, in the order of their names; return those names.

    The order is one for all directories. `login` has user and password where the URL has none. Each migration is one
    transaction, and only one runner works at a time.
    Raises MigrationEdited.
    """
    scripts = _scripts_in(directories)
    with psycopg.connect(database_url, autocommit=True, **(login or {})) as connection:
        connection.execute("select pg_advisory_lock(%s)", [_LOCK])
        connection.execute(_LEDGER)
        missing = _missing(connection, scripts)
        for name in missing:
            _apply(connection, name, scripts[name])
    return missing


def _scripts_in(directories: Iterable[Path]) -> dict[str, str]:
    """Read the scripts by name.

    Raises ValueError for a name that is in two directories, because databases record names only.
    """
    paths = sorted((path for directory in directories for path in directory.glob("*.sql")), key=lambda path: path.name)
    scripts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    if len(scripts) < len(paths):
        raise ValueError(f"Two migrations have one name: {[path.name for path in paths]}.")
    return scripts


def _missing(connection: psycopg.Connection, scripts: dict[str, str]) -> list[str]:
    applied: dict[str, str] = dict(connection.execute("select name, sha256 from schema_migrations").fetchall())
    edited = [name for name in scripts if applied.get(name, _digest(scripts[name])) != _digest(scripts[name])]
    if edited:
        raise MigrationEdited(f"Migrations were changed after they were applied: {', '.join(edited)}.", names=edited)
    return [name for name in scripts if name not in applied]


def _apply(connection: psycopg.Connection, name: str, script: str) -> None:
    with connection.transaction():
        connection.execute(script.encode())
        connection.execute("insert into schema_migrations (name, sha256) values (%s, %s)", [name, _digest(script)])


def _digest(script: str) -> str:
    return hashlib.sha256(script.encode()).hexdigest()
