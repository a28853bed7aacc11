"""Migrations are applied once, whole, and never changed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from chalicelib.composition import migrations
from chalicelib.platform.readmodels.postgres.migrate import MigrationEdited
from chalicelib.platform.readmodels.postgres.migrate import migrate as migrate_from
from chalicelib.platform.readmodels.postgres.pool import open_pool
from chalicelib.shop.concerts.queries import ConcertSearch, search_concerts
from local.migrate import migrate

APPLIED = {
    "0001_positions.sql": "ec499e640a61829a32686bf2d9743a17932cba6db76a1f1867c310c981f9f9f7",
    "0002_programme.sql": "67c315373ad70e39fc8f721b4755f16a5243b716d2faa9962b85324cfe6af1ae",
    "0003_limits.sql": "e28f6592d384dea181d104f9b68ddceb24c04ad1f0c096f67785c3408c450ef5",
    "0004_generations.sql": "39e4ff13369a6f93ad4bc878ba3df128077d0253aed2c4121096e13712efa51f",
    "0005_search.sql": "08e53cf180831b04a5e7ce24e773097266c0772875c75ce379003c7473b50e06",
    "0005_sales.sql": "3f69607b4da550c179428c4179b1bf8666683a36de6893863b7aa4a5cea1dc8f",
    "0006_living_concerts.sql": "07af3c97ccf5ffc23cfbcb846b5d9951268f0a6361c28ee098481a01d257b389",
    "0007_dates.sql": "f4548635eff7024c4f9821d53e468b62a4346326b4afd6fc5193817d477b3928",
    "0008_areas.sql": "e47ae326a1bb8738ae91ba0fe7e9311555ef8f3432be7418e2b2b4aa6ed2eab9",
    "0009_sales_of_areas.sql": "cd7b20aef667d477823cafeef1dd18dec024a74a7e9c45ec1521a8314e7eba46",
}
"""As live databases have recorded them."""


def test_what_databases_have_applied_never_changes(empty_database: str) -> None:
    migrate(empty_database)
    with psycopg.connect(empty_database) as connection:
        recorded_ones = connection.execute("select name, sha256 from schema_migrations order by name").fetchall()
    assert dict(recorded_ones).items() >= APPLIED.items()


def test_migrations_of_several_directories_are_applied_in_one_order(empty_database: str, tmp_path: Path) -> None:
    platform, context = tmp_path / "platform", tmp_path / "a context"
    for directory, name in [(platform, "1.sql"), (context, "2.sql"), (platform, "3.sql")]:
        directory.mkdir(exist_ok=True)
        (directory / name).write_text("select 1")
    assert migrate_from(empty_database, [context, platform]) == ["1.sql", "2.sql", "3.sql"]
    (context / "3.sql").write_text("select 1")
    with pytest.raises(ValueError, match=r"3\.sql"):
        migrate_from(empty_database, [context, platform])


def test_migrating_twice_changes_nothing_the_second_time(empty_database: str) -> None:
    names = sorted(path.name for directory in migrations() for path in directory.iterdir())
    assert migrate(empty_database) == names != []
    assert migrate(empty_database) == []


def test_only_one_of_two_runners_at_once_applies_a_migration(empty_database: str) -> None:
    with ThreadPoolExecutor() as threads:
        applied = list(threads.map(migrate, [empty_database] * 4))
    assert sorted(map(len, applied)) == [0, 0, 0, sum(len(list(directory.iterdir())) for directory in migrations())]


def test_a_migration_that_was_edited_after_it_was_applied_is_refused(empty_database: str, tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_text("create table one ()")
    assert migrate_from(empty_database, [tmp_path]) == ["1.sql"]
    (tmp_path / "1.sql").write_text("create table one (id int)")
    (tmp_path / "2.sql").write_text("create table two ()")
    with pytest.raises(MigrationEdited, match=r"1\.sql"):
        migrate_from(empty_database, [tmp_path])
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("select to_regclass('two')").fetchone() == (None,)


def test_a_migration_that_fails_leaves_nothing_and_can_be_mended(empty_database: str, tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_text("create table one ()")
    (tmp_path / "2.sql").write_text("create table two (); create table one ()")
    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate_from(empty_database, [tmp_path])
    (tmp_path / "2.sql").write_text("create table two ()")
    assert migrate_from(empty_database, [tmp_path]) == ["2.sql"]


def test_a_migration_and_the_record_of_it_are_one_transaction(empty_database: str, tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_text("create table one (); drop table schema_migrations")
    with pytest.raises(psycopg.errors.UndefinedTable):
        migrate_from(empty_database, [tmp_path])
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("select to_regclass('one')").fetchone() == (None,)


_SHOW = "create or replace view {table} as select * from programme_7.{table}"
_SIGUR_ROS = """
insert into programme_{}.concerts (id, version, status, name, venue_id)
values (gen_random_uuid(), 2, 'published', 'Sigur Rós', gen_random_uuid())
"""


def test_names_are_found_by_their_words_as_soon_as_search_was_migrated_in_every_generation(
    empty_database: str, tmp_path: Path
) -> None:
    for directory in migrations():
        for path in directory.glob("000[1-4]_*.sql"):
            (tmp_path / path.name).write_text(path.read_text())
    migrate_from(empty_database, [tmp_path])
    with psycopg.connect(empty_database) as connection:
        connection.execute("create schema programme_7")
        for table in ("venues", "concerts", "ticket_types"):
            connection.execute(f"create table programme_7.{table} (like programme_1.{table} including all)".encode())
            connection.execute(_SHOW.format(table=table).encode())
        connection.execute("update generations set live = 7, beside = 1, is_whole = true, newest = 7")
        for generation in (1, 7):
            connection.execute(_SIGUR_ROS.format(generation).encode())
    migrate(empty_database)
    with open_pool(empty_database) as pool:
        found, _ = search_concerts(pool, ConcertSearch(q="sigur ros"), 20, None)
        assert [concert["name"] for concert in found] == ["Sigur Rós"]
        assert pool.fetch_all("select name_terms, name_length from programme_1.concerts", {}) == [
            {"name_terms": "'=ros' '=sigur'", "name_length": 2}
        ]
