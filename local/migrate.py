"""Brings Postgres to the schema that the read models want."""

from chalicelib.platform.readmodels.postgres import migrate as migrations


def migrate(database_url: str) -> None:
    migrations.migrate(database_url)
