"""Brings Postgres to the schema that the read models need."""

from chalicelib.composition import migrations
from chalicelib.platform.readmodels.postgres.migrate import migrate as apply


def migrate(database_url: str) -> list[str]:
    """Apply the migrations that the database has not seen; return their names."""
    return apply(database_url, migrations())
