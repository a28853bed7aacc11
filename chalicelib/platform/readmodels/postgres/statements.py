"""Holds the statements of a projection in Postgres. `{schema}` is that of its generation."""

from collections.abc import Sequence
from functools import cache

from psycopg import Cursor, sql
from psycopg.rows import DictRow

from chalicelib.platform.readmodels.postgres.tables import Alter, Change, Put, Remove

FIRST_POSITION = """
insert into {schema}.positions (projection, stream_id, version) values (%(projection)s, %(stream_id)s, %(version)s)
on conflict do nothing
"""
NO_POSITION_YET = """
insert into {schema}.positions (projection, stream_id, version) values (%(projection)s, %(stream_id)s, -1)
on conflict do nothing
"""
LOCKED_POSITION = """
select version from {schema}.positions where projection = %(projection)s and stream_id = %(stream_id)s for update
"""
NEXT_POSITION = """
update {schema}.positions set version = %(version)s
 where projection = %(projection)s and stream_id = %(stream_id)s and version = %(position)s
"""
POSITIONS = """
select stream_id, version from {schema}.positions where projection = %(projection)s and stream_id = any(%(ids)s)
"""
ROWS = "select {names} from {schema}.{table} where {stream} = any(%(ids)s)"
DELETE = "delete from {schema}.{table} where {stream} = any(%(ids)s)"
COLUMNS = """
select table_name, column_name from information_schema.columns
 where table_schema = %(schema)s and is_generated = 'NEVER' and column_name <> 'changed_in'
 order by ordinal_position
"""
CLAIM = """
with given as (
    select * from unnest(%(ids)s::uuid[], %(expected)s::bigint[], %(versions)s::bigint[])
        as given (stream_id, expected, version)
), updated as (
    update {schema}.positions as known set version = given.version from given
     where known.projection = %(projection)s and known.stream_id = given.stream_id and known.version = given.expected
    returning known.stream_id
), inserted as (
    insert into {schema}.positions (projection, stream_id, version)
    select %(projection)s, stream_id, version from given where expected < 0 order by stream_id
    on conflict do nothing
    returning stream_id
)
select stream_id from updated union all select stream_id from inserted
"""


def write(cursor: Cursor[DictRow], schema: str, change: Change, *, is_stamped: bool = False) -> None:
    """Write one change to its row; in a stamped table, the row says in which transaction."""
    match change:
        case Put():
            values = {**change.key, **change.initial, **change.columns}
            cursor.execute(
                _upsert(schema, change.table, tuple(change.key), tuple(values), (*change.columns, *_stamp(is_stamped))),
                values,
            )
        case Alter():
            statement = _update(schema, change.table, tuple(change.key), tuple(change.columns), is_stamped)
            cursor.execute(statement, {**change.columns, **change.key})
        case Remove():
            cursor.execute(_delete(schema, change.table, tuple(change.key)), change.key)


def _stamp(is_stamped: bool) -> tuple[str, ...]:
    """Return the column of the stamp: a new row has it by default, and an old one takes it from the new one."""
    return ("changed_in",) if is_stamped else ()


@cache
def _upsert(schema: str, table: str, key: Sequence[str], names: Sequence[str], columns: Sequence[str]) -> sql.Composed:
    return sql.SQL("insert into {} ({}) values ({}) on conflict ({}) do update set {}").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(map(sql.Placeholder, names)),
        sql.SQL(", ").join(map(sql.Identifier, key)),
        sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in columns),
    )


@cache
def _update(schema: str, table: str, key: Sequence[str], columns: Sequence[str], is_stamped: bool) -> sql.Composed:
    changes = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in columns]
    changes += [sql.SQL("{} = default").format(sql.Identifier(name)) for name in _stamp(is_stamped)]
    return sql.SQL("update {} set {} where {}").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(changes),
        sql.SQL(" and ").join(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in key),
    )


@cache
def _delete(schema: str, table: str, key: Sequence[str]) -> sql.Composed:
    conditions = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in key]
    return sql.SQL("delete from {} where {}").format(sql.Identifier(schema, table), sql.SQL(" and ").join(conditions))
