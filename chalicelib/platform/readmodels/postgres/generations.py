"""Stores the generations of a read model in Postgres: a row that names them, a schema each, views of the live one."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from psycopg import Cursor, sql
from psycopg.rows import DictRow

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.readmodels.port import Generations, GenerationsMoved
from chalicelib.platform.readmodels.postgres.pool import Pool
from chalicelib.platform.readmodels.postgres.tables import Schema

_SCHEMAS = "select nspname from pg_namespace where nspname ~ %(pattern)s and nspname <> all(%(retained)s)"
_SWITCH_TRIES = 50
_SWITCH_WAITS = "200ms"
"""Less than the second after which Postgres looks for a deadlock (`deadlock_timeout`), which could end a query.

Queries lock the views in another order than the switch does, so the two can block each other. The switch must give up
first: it can be tried again, and a query cannot."""

_READ = "select live, beside, is_whole, newest from generations where projection = %(projection)s"
_HELD = "select live from generations where projection = %(projection)s for share"
_CHANGE = """
insert into generations as known (projection, live, beside, is_whole, newest)
values (%(projection)s, %(live)s, %(beside)s, %(is_whole)s, %(newest)s)
on conflict (projection) do update
   set live = excluded.live, beside = excluded.beside, is_whole = excluded.is_whole, newest = excluded.newest
 where (known.live, known.beside, known.is_whole, known.newest)
       is not distinct from (%(old_live)s, %(old_beside)s::integer, %(old_is_whole)s, %(old_newest)s)
"""


class GenerationSchemas:
    """Reads and changes the generations of the read model `name`, whose tables `schema` describes."""

    def __init__(self, name: str, pool: Pool, schema: Schema) -> None:
        self._name = name
        self._pool = pool
        self._tables = schema

    def read(self) -> Generations:
        """Read the row that names the generations.

        Raises Unavailable.
        """
        rows = self._pool.fetch_all(_READ, {"projection": self._name})
        if not rows:
            return Generations()
        row = rows[0]
        return Generations(row["live"], row["beside"], row["is_whole"], row["newest"])

    def hold_live(self, cursor: Cursor[DictRow]) -> int:
        """Return the live generation, which stays it until the transaction ends."""
        cursor.execute(_HELD, {"projection": self._name})
        rows = cursor.fetchall()
        return int(rows[0]["live"]) if rows else Generations().live

    def change(self, before: Generations, after: Generations) -> None:
        """Replace the row and the views. Queries wait a moment and never fail: the switch gives up first, and retries.

        Raises GenerationsMoved or Unavailable.
        """
        for _ in range(_SWITCH_TRIES - 1):
            with suppress(Unavailable):
                self._try_to_change(before, after)
                return
        self._try_to_change(before, after)

    def _try_to_change(self, before: Generations, after: Generations) -> None:
        with self._pool.transaction() as cursor:
            cursor.execute("select set_config('lock_timeout', %(wait)s, true)", {"wait": _SWITCH_WAITS})
            known = {f"old_{name}": value for name, value in _columns(before).items()}
            cursor.execute(_CHANGE, {"projection": self._name, **_columns(after), **known})
            if cursor.rowcount != 1:
                raise GenerationsMoved(f"The generations of {self._name} are not {before} any more.")
            if after.live != before.live:
                for table in self._tables.tables:
                    view, of = sql.Identifier(table), sql.Identifier(self._tables.of(after.live), table)
                    cursor.execute(sql.SQL("create or replace view {} as select * from {}").format(view, of))

    def prepare(self, generation: int) -> None:
        """Create the schema and its tables, with the same columns as those of the live generation."""
        schema, live = self._tables.of(generation), self._tables.of(self.read().live)
        with self._pool.transaction() as cursor:
            cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
            for table in ("positions", *self._tables.tables):
                names = sql.Identifier(schema, table), sql.Identifier(live, table)
                cursor.execute(sql.SQL("create table if not exists {} (like {} including all)").format(*names))

    def retain(self, generations: Collection[int]) -> None:
        """Drop the schemas of all other generations."""
        retained = [self._tables.of(number) for number in generations]
        with self._pool.transaction() as cursor:
            cursor.execute(_SCHEMAS, {"pattern": f"^{self._tables.name}_[0-9]+$", "retained": retained})
            for row in cursor.fetchall():
                cursor.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(row["nspname"])))


def _columns(generations: Generations) -> dict[str, Any]:
    return {
        "live": generations.live,
        "beside": generations.candidate,
        "is_whole": generations.is_complete,
        "newest": generations.newest,
    }
