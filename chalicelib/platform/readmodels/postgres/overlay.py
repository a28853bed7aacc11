"""Lets clients read their own writes from Postgres: rows that a read model still lacks are shown to one reader."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg import Cursor
from psycopg.rows import DictRow

from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.readmodels.missing import missing_events
from chalicelib.platform.readmodels.postgres.pool import Reader
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.platform.readmodels.postgres.tables import storable


@contextmanager
def reflecting(model: PostgresProjection, min_versions: MinVersions, log: EventStore) -> Iterator[Reader]:
    """Give a reader of the tables, at least as new as `min_versions` asks for.

    What they lack of the named streams is read from the log and applied in a transaction that is rolled back at the
    end, so that the reader's queries find, filter and sort it like everything else.
    Raises ReadModelBehind or Unavailable.
    """
    if not min_versions.named:
        yield model.pool
        return
    positions = model.live_generation().positions(min_versions.named.keys())
    tails = missing_events(log, model.aggregate_types, positions, min_versions)
    if not tails:
        yield model.pool
        return
    with model.pool.transaction(commit=False) as cursor:
        # The live generation is locked first. If a switch came in between, the rows would go into one schema and the
        # views would show another.
        model.hold_live(cursor).add_uncommitted(cursor, tails)
        yield _ReaderInTransaction(cursor)


class _ReaderInTransaction:
    """Reads within a transaction, and so sees what that has written."""

    def __init__(self, cursor: Cursor[DictRow]) -> None:
        self._cursor = cursor

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        return self._cursor.execute(query.encode(), storable(parameters)).fetchall()
