"""The programme: concerts and venues in Postgres, kept current by the bus, found by search."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import DictRow

from chalicelib.composition import migrations
from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import InvalidInput, NotFound, Unavailable
from chalicelib.platform.eventsourcing.codec import Origin, RecordedEvent, encode, recorded
from chalicelib.platform.eventsourcing.event import Event, event_classes
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.readmodels.postgres.migrate import MigrationEdited
from chalicelib.platform.readmodels.postgres.migrate import migrate as migrate_from
from chalicelib.platform.readmodels.postgres.overlay import reflecting
from chalicelib.platform.readmodels.postgres.pool import Pool, open_pool
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.platform.readmodels.postgres.tables import Change, Project
from chalicelib.shop.carts.events import CartCreated
from chalicelib.shop.concerts.concert import CONCERT, Concert
from chalicelib.shop.concerts.events import (
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCreated,
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertPublished,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeRemoved,
    TicketType,
)
from chalicelib.shop.concerts.history import find_concert_as_of
from chalicelib.shop.concerts.projections import project_concert
from chalicelib.shop.concerts.queries import ConcertSearch, find_concert, search_concerts
from chalicelib.shop.concerts.tables import PROGRAMME
from chalicelib.shop.venues.events import VenueCreated, VenueDeleted, VenueDetailsChanged
from chalicelib.shop.venues.projections import project_venue
from chalicelib.shop.venues.queries import find_venue, list_venues
from local.migrate import migrate
from local.postgres import Postgres, unprivileged_user
from local.throwaway import ThrowawayDirectory
from tests.support.any_events import events_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENING = datetime(2026, 6, 1, 18, tzinfo=UTC)
ORIGIN = Origin("tester", "correlation", "causation")
PROJECTORS = {"Venue": project_venue, "Concert": project_concert}
TABLES = ("positions", *PROGRAMME.tables)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
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


@pytest.fixture(scope="module")
def module_pool(server: Postgres) -> Iterator[Pool]:
    pool = open_pool(server.url)
    yield pool
    pool.close()


@pytest.fixture
def pool(module_pool: Pool) -> Pool:
    empty(module_pool)
    return module_pool


@pytest.fixture
def shop(pool: Pool) -> "Shop":
    return Shop(pool)


@pytest.fixture
def empty_database(server: Postgres) -> str:
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return server.url.removesuffix("/postgres") + f"/{name}"


class Shop:
    """A log, and the programme that follows it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.log = MemoryEventStore()
        self.parking = MemoryParking()
        self.projection = projection_of(pool)
        self.consumer = Consumer(self.projection, self.log, self.parking, lambda: NOW)
        self.now = NOW

    def append(self, stream_id: UUID, *events: Event) -> list[StoredEvent]:
        stored = self.log.read(stream_id)
        for event in events:
            head = Head.of(stored[-1]) if stored else Head()
            stored.append(encode(event, stream_id, head, ORIGIN, uuid4(), self.now))
            self.log.append(stored[-1:])
        return stored[-len(events) :]

    def deliver(self, events: Sequence[StoredEvent]) -> dict[str, Any]:
        return self.consumer.consume(BusRecord(str(place), to_bus(event)) for place, event in enumerate(events))

    def happened(self, stream_id: UUID, *events: Event) -> None:
        assert self.deliver(self.append(stream_id, *events)) == succeeded()
        assert self.parking.list_parked() == []

    def open_venue(self, name: str = "Paradiso", **details: Any) -> UUID:
        venue_id = uuid4()
        self.happened(venue_id, venue_created(name, **details))
        return venue_id

    def publish(self, name: str = "Night", starts_at: datetime | None = EVENING, **details: Any) -> UUID:
        concert_id = uuid4()
        events: list[Event] = [concert_created(name, **details)]
        if starts_at is not None:
            events.append(ConcertScheduled(start_date=starts_at, end_date=starts_at + timedelta(hours=2)))
        self.happened(concert_id, *events, ConcertPublished())
        return concert_id

    def found(self, **filters: Any) -> list[str]:
        items, _ = search_concerts(self.pool, ConcertSearch(**filters), 100, None)
        return [item["name"] for item in items]

    def tables(self) -> dict[str, list[Any]]:
        query = "select to_jsonb(t) as x from programme_1.{} t order by 1"
        return {table: rows(self.pool, query.format(table)) for table in TABLES}


def projection_of(
    pool: Pool, projectors: Mapping[str, Project] = PROJECTORS, name: str = "programme"
) -> PostgresProjection:
    return PostgresProjection(name, pool, projectors, PROGRAMME)


def ending_with(statement: str, pool: Pool, projectors: Mapping[str, Project] = PROJECTORS) -> PostgresProjection:
    """Of which every transaction runs this in the end."""
    connect = pool.transaction

    class Disturbed(Pool):
        def __init__(self) -> None:
            """Borrows everything of the pool."""

        def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
            return pool.fetch_all(query, parameters)

        @contextmanager
        def transaction(self, *, commit: bool = True) -> Iterator[psycopg.Cursor[DictRow]]:
            with connect(commit=commit) as cursor:
                yield cursor
                cursor.execute(statement.encode())

    return projection_of(Disturbed(), projectors)


def rows(pool: Pool, query: str) -> list[Any]:
    return [row["x"] for row in pool.fetch_all(query, {})]


def empty(pool: Pool) -> None:
    with pool.transaction() as cursor:
        cursor.execute(f"truncate {', '.join(f'programme_1.{table}' for table in TABLES)}".encode())


def venue_created(name: str = "Paradiso", **details: Any) -> VenueCreated:
    defaults = {
        "organiser_id": UUID(int=7),
        "description": "A former church.",
        "capacity": 1500,
        "address": "Weteringschans 6",
        "city": "Amsterdam",
        "country": "Netherlands",
        "time_zone": "Europe/Amsterdam",
    }
    return VenueCreated(name=name, **defaults | details)


def concert_created(name: str = "Night", **details: Any) -> ConcertCreated:
    defaults = {"organiser_id": UUID(int=7), "venue_id": UUID(int=1)}
    return ConcertCreated(name=name, **defaults | details)


def ticket_type(name: str, number: int, **details: Any) -> TicketType:
    defaults = {"price": Money.of("25", "EUR"), "quantity": 100, "max_per_order": 4}
    return TicketType(id=UUID(int=number), name=name, **defaults | details)


def record(stream_id: UUID, version: int, event: Event) -> RecordedEvent:
    return RecordedEvent(stream_id, version, NOW, event)


# Migrations

APPLIED = {
    "0001_positions.sql": "ec499e640a61829a32686bf2d9743a17932cba6db76a1f1867c310c981f9f9f7",
    "0002_programme.sql": "67c315373ad70e39fc8f721b4755f16a5243b716d2faa9962b85324cfe6af1ae",
    "0003_limits.sql": "e28f6592d384dea181d104f9b68ddceb24c04ad1f0c096f67785c3408c450ef5",
    "0004_generations.sql": "39e4ff13369a6f93ad4bc878ba3df128077d0253aed2c4121096e13712efa51f",
}
"""As live databases have recorded them."""


def test_what_databases_have_applied_never_changes(empty_database: str) -> None:
    migrate(empty_database)
    with psycopg.connect(empty_database) as connection:
        recorded_ones = connection.execute("select name, sha256 from schema_migrations order by name").fetchall()
    assert dict(recorded_ones[: len(APPLIED)]) == APPLIED


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


# What is shown


def test_a_concert_is_shown_with_its_venue_and_its_ticket_types_in_the_order_they_were_added(shop: Shop) -> None:
    venue_id, concert_id = shop.open_venue(web_url="https://paradiso.example"), uuid4()
    shop.happened(
        concert_id,
        concert_created("Björk", venue_id=venue_id, description="Live.", genre="Pop", image_url="https://i.example/b"),
        ConcertScheduled(start_date=EVENING, end_date=EVENING + timedelta(hours=3)),
        ConcertTicketTypeAdded(type=ticket_type("Seated", 9, sales_start=NOW, sales_end=EVENING)),
        ConcertTicketTypeAdded(type=ticket_type("Balcony", 5)),
        ConcertTicketTypeAdded(type=ticket_type("Standing", 3, price=Money.of("9800", "JPY"))),
        ConcertTicketTypeRemoved(ticket_type_id=UUID(int=5)),
        ConcertPublished(),
    )
    expected = {
        "id": str(concert_id),
        "name": "Björk",
        "description": "Live.",
        "genre": "Pop",
        "image_url": "https://i.example/b",
        "status": "published",
        "organiser_id": str(UUID(int=7)),
        "starts_at": "2026-06-01T18:00:00.000Z",
        "ends_at": "2026-06-01T21:00:00.000Z",
        "venue": {
            "id": str(venue_id),
            "name": "Paradiso",
            "address": "Weteringschans 6",
            "city": "Amsterdam",
            "country": "Netherlands",
            "time_zone": "Europe/Amsterdam",
            "web_url": "https://paradiso.example",
        },
        "ticket_types": [
            {
                "id": str(UUID(int=9)),
                "name": "Seated",
                "price": {"amount": "25.00", "currency": "EUR"},
                "quantity": 100,
                "max_per_order": 4,
                "sales_start": "2026-03-01T12:00:00.000Z",
                "sales_end": "2026-06-01T18:00:00.000Z",
            },
            {
                "id": str(UUID(int=3)),
                "name": "Standing",
                "price": {"amount": "9800", "currency": "JPY"},
                "quantity": 100,
                "max_per_order": 4,
                "sales_start": None,
                "sales_end": None,
            },
        ],
        "max_per_customer": None,
        "version": 6,
    }
    assert find_concert(shop.pool, concert_id) == expected
    assert search_concerts(shop.pool, ConcertSearch(), 20, None) == ([expected], None)


def test_a_ticket_type_that_is_told_again_keeps_its_place(shop: Shop) -> None:
    concert_id = uuid4()
    told = [ticket_type("First", 1), ticket_type("Second", 2), ticket_type("First, renamed", 1)]
    shop.happened(concert_id, concert_created(), *(ConcertTicketTypeAdded(type=each) for each in told))
    concert = find_concert(shop.pool, concert_id)
    assert concert is not None
    assert [each["name"] for each in concert["ticket_types"]] == ["First, renamed", "Second"]


def test_a_venue_is_shown_as_it_is_now(shop: Shop) -> None:
    venue_id = shop.open_venue(web_url="https://old.example")
    changed = venue_created("Paradiso Noord", organiser_id=None, city="Noord").model_dump(
        exclude={"organiser_id", "request_hash"}
    )
    shop.happened(venue_id, VenueDetailsChanged(**changed))
    expected = {
        "id": str(venue_id),
        "name": "Paradiso Noord",
        "description": "A former church.",
        "capacity": 1500,
        "address": "Weteringschans 6",
        "city": "Noord",
        "country": "Netherlands",
        "time_zone": "Europe/Amsterdam",
        "web_url": None,
        "organiser_id": str(UUID(int=7)),
        "version": 1,
    }
    assert find_venue(shop.pool, venue_id) == expected
    assert list_venues(shop.pool, 20, None) == ([expected], None)


def test_drafts_and_cancelled_concerts_can_be_looked_up_and_deleted_ones_cannot(shop: Shop) -> None:
    draft, cancelling, cancelled, deleted = uuid4(), uuid4(), uuid4(), uuid4()
    shop.happened(draft, concert_created())
    shop.happened(cancelling, concert_created(), ConcertPublished(), ConcertCancelled())
    shop.happened(cancelled, concert_created(), ConcertPublished(), ConcertCancelled(), ConcertCancellationCompleted())
    shop.happened(deleted, concert_created(), ConcertDeleted())
    found = [find_concert(shop.pool, concert_id) for concert_id in (draft, cancelling, cancelled, deleted)]
    assert [concert and concert["status"] for concert in found] == ["draft", "cancelling", "cancelled", None]
    assert find_concert(shop.pool, uuid4()) is None


def test_a_deleted_venue_is_gone_but_its_concerts_still_show_it(shop: Shop) -> None:
    venue_id = shop.open_venue("Melkweg")
    concert_id = shop.publish("Last night", venue_id=venue_id)
    shop.happened(venue_id, VenueDeleted())
    assert find_venue(shop.pool, venue_id) is None
    assert list_venues(shop.pool, 20, None) == ([], None)
    concert = find_concert(shop.pool, concert_id)
    assert concert is not None
    assert concert["venue"]["name"] == "Melkweg"
    assert shop.found(location="melkweg") == ["Last night"]


def test_a_concert_may_arrive_before_its_venue(shop: Shop) -> None:
    venue_id = uuid4()
    concert_id = shop.publish("Early bird", venue_id=venue_id)
    concert = find_concert(shop.pool, concert_id)
    assert concert is not None
    assert concert["venue"] is None
    assert shop.found(date_from=date(2026, 6, 1), date_to=date(2026, 6, 1)) == ["Early bird"]
    shop.happened(venue_id, venue_created("Paradiso"))
    assert shop.found(location="paradiso") == ["Early bird"]


def imported(stream_id: UUID, version: int, event_type: str, data: str) -> StoredEvent:
    return StoredEvent(stream_id, version, "2020-05-25T16:10:56.123Z", f"Cloudbash.Domain.{event_type}Event", data)


def test_streams_of_the_original_are_shown_also_those_that_begin_late_or_have_no_date(shop: Shop) -> None:
    venue_id, concert_id = uuid4(), uuid4()
    events = [
        imported(
            venue_id,
            2,
            "Venues.Events.VenueCreated",
            '{"Name":"AFAS Live","Description":null,"Capacity":6000,"Address":"ArenA Boulevard 590","WebUrl":null}',
        ),
        imported(concert_id, 4, "Concerts.Events.ConcertCreated", f'{{"Name":"Muse","VenueId":"{venue_id}"}}'),
        imported(
            concert_id,
            5,
            "Concerts.Events.ConcertTicketTypeAdded",
            f'{{"Type":{{"Id":"{uuid4()}","Name":"Floor","Price":49.5,"Quantity":100}}}}',
        ),
        imported(concert_id, 6, "Concerts.Events.ConcertPublished", "{}"),
    ]
    for event in events:
        shop.log.append([event])
    assert shop.deliver(events) == succeeded()
    assert shop.parking.list_parked() == []
    [concert], _ = search_concerts(shop.pool, ConcertSearch(q="muse", location="afas"), 20, None)
    assert (concert["organiser_id"], concert["starts_at"], concert["version"]) == (None, None, 6)
    assert concert["ticket_types"][0]["price"] == {"amount": "49.50", "currency": "EUR"}


def test_characters_that_postgres_cannot_store_are_left_out_instead_of_parking_the_stream(shop: Shop) -> None:
    venue_id, concert_id = shop.open_venue("Para\0diso"), uuid4()
    shop.happened(
        concert_id,
        concert_created("Ni\0ght", venue_id=venue_id),
        ConcertTicketTypeAdded(type=ticket_type("Flo\0or", 1)),
        ConcertPublished(),
    )
    [concert], _ = search_concerts(shop.pool, ConcertSearch(q="ni\0ght"), 20, None)
    assert (concert["name"], concert["venue"]["name"], concert["ticket_types"][0]["name"]) == (
        "Night",
        "Paradiso",
        "Floor",
    )


# Search


def test_search_finds_published_concerts_only(shop: Shop) -> None:
    shop.publish("On sale")
    shop.happened(uuid4(), concert_created("Draft"))
    gone = (concert_created("Cancelled"), ConcertPublished(), ConcertCancelled())
    shop.happened(uuid4(), *gone)
    shop.happened(uuid4(), *gone, ConcertCancellationCompleted())
    shop.happened(uuid4(), concert_created("Deleted"), ConcertDeleted())
    assert shop.found() == ["On sale"]


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("Björk: Cornucopia", "bjork"),
        ("Björk: Cornucopia", "BJÖRK"),
        ("Bjork: Cornucopia", "björk"),
        ("Bjo\u0308rk, decomposed", "björk"),
        ("Øresund Big Band", "oresund"),
        ("Straßenmusik", "STRASSE"),
        ("Ελληνική βραδιά", "βραδιά"),
        ("京都ライブ", "ﾗｲﾌﾞ"),
        ("Midnight Brass", "night"),
        ("Midnight Brass", "brass midn"),
        ("Midnight Brass", "  midnight \u00a0 brass "),
        ("Metallica: M72", "metalica"),
        ("The Beyoncé Experience", "beyonse"),
        ("An evening with Radiohead", "radiohed"),
    ],
)
def test_search_by_name_finds(shop: Shop, name: str, q: str) -> None:
    shop.publish(name)
    assert shop.found(q=q) == [name]


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("Rocco Granata", "rock"),
        ("Pop Festival", "rock festival"),
        ("Midnight Brass", "midnight strings"),
        ("A hundred percent", "%"),
        ("Midnight Brass", "m_dnight"),
        ("Midnight Brass", "m％ht"),
        ("Midnight Brass", "\\"),
        ("Jane's Addiction", "' or true --"),
    ],
)
def test_search_by_name_does_not_find(shop: Shop, name: str, q: str) -> None:
    shop.publish(name)
    assert shop.found(q=q) == []


@pytest.mark.parametrize("q", ["100%", "a_b", "c\\d"])
def test_wildcards_are_ordinary_characters(shop: Shop, q: str) -> None:
    shop.publish("100% a_b c\\d")
    shop.publish("1000 axb cd c\\\\d")
    assert shop.found(q=q) == ["100% a_b c\\d"]


@pytest.mark.parametrize(
    "location", ["reykjavik", "REYKJAVÍK", "kjav", "harpa", "ísland", "harpa island", "Reykjavík "]
)
def test_search_by_location_looks_at_city_name_and_country(shop: Shop, location: str) -> None:
    harpa = shop.open_venue("Harpa", city="Reykjavík", country="Ísland")
    shop.publish("There", venue_id=harpa)
    shop.publish("Elsewhere", venue_id=shop.open_venue())
    shop.publish("Nowhere", venue_id=uuid4())
    assert shop.found(location=location) == ["There"]


@pytest.mark.parametrize(
    ("time_zone", "starts_at", "local_date"),
    [
        ("Asia/Tokyo", "2026-06-01T23:30:00+00:00", date(2026, 6, 2)),
        ("America/Chicago", "2026-06-02T01:00:00+00:00", date(2026, 6, 1)),
        ("Pacific/Kiritimati", "2026-06-01T10:00:00+00:00", date(2026, 6, 2)),
        ("Etc/GMT+12", "2026-06-02T11:59:00+00:00", date(2026, 6, 1)),
        ("Europe/Amsterdam", "2026-05-31T22:00:00+00:00", date(2026, 6, 1)),
        ("Mars/Olympus", "2026-06-01T23:59:59+00:00", date(2026, 6, 1)),
        ("XYZ-100", "2026-06-01T23:59:59+00:00", date(2026, 6, 1)),
        ("", "2026-06-01T00:00:00+00:00", date(2026, 6, 1)),
    ],
)
def test_dates_are_those_at_the_venue_and_both_included(
    shop: Shop, time_zone: str, starts_at: str, local_date: date
) -> None:
    shop.publish("Night", datetime.fromisoformat(starts_at), venue_id=shop.open_venue(time_zone=time_zone))
    day = timedelta(days=1)
    assert shop.found(date_from=local_date, date_to=local_date) == ["Night"]
    assert shop.found(date_from=local_date) == shop.found(date_to=local_date) == ["Night"]
    assert shop.found(date_from=local_date + day) == shop.found(date_to=local_date - day) == []


def test_the_ends_of_time_are_dates_like_others(shop: Shop) -> None:
    shop.publish("Beginning", datetime(1, 1, 1, tzinfo=UTC))
    shop.publish("End", datetime(9999, 12, 31, tzinfo=UTC) - timedelta(days=1))
    assert shop.found(date_from=date.min, date_to=date.max) == ["Beginning", "End"]


def test_a_concert_without_a_date_is_found_last_and_by_no_date(shop: Shop) -> None:
    shop.publish("Some day", None)
    shop.publish("Later", EVENING + timedelta(days=900))
    assert shop.found() == ["Later", "Some day"]
    assert shop.found(date_from=date(2000, 1, 1)) == ["Later"]


def test_search_by_genre_wants_the_whole_genre(shop: Shop) -> None:
    shop.publish("One", genre="Chanson Française")
    shop.publish("Two", EVENING + timedelta(hours=1), genre="chanson")
    shop.publish("Three")
    assert shop.found(genre="CHANSON FRANCAISE ") == ["One"]
    assert shop.found(genre="Chanson") == ["Two"]


def test_search_by_venue_and_filters_together_narrow(shop: Shop) -> None:
    here, there = shop.open_venue(), shop.open_venue()
    shop.publish("Jazz night", venue_id=here, genre="Jazz")
    shop.publish("Jazz morning", venue_id=here, genre="Jazz")
    shop.publish("Jazz night there", venue_id=there, genre="Jazz")
    assert sorted(shop.found(venue_id=here)) == ["Jazz morning", "Jazz night"]
    assert shop.found(venue_id=here, q="night", genre="jazz", date_from=date(2026, 6, 1)) == ["Jazz night"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_show_every_concert_once_soonest_first_also_those_that_start_together(shop: Shop, limit: int) -> None:
    starts = [EVENING] * 4 + [EVENING + timedelta(milliseconds=1), None, None]
    for number, starts_at in enumerate(starts):
        shop.publish(f"Concert {number}", starts_at)
    seen: list[dict[str, Any]] = []
    after: list[str] | None = None
    while True:
        page, after = search_concerts(shop.pool, ConcertSearch(), limit, after)
        assert page
        seen += page
        assert len(page) == limit or after is None
        if after is None:
            break
    assert len({concert["id"] for concert in seen}) == len(seen) == len(starts)
    assert [concert["name"] for concert in seen][4] == "Concert 4"
    assert [concert["starts_at"] is None for concert in seen] == [False] * 5 + [True] * 2


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_venues_are_listed_by_name_whatever_their_case_and_page_by_page(shop: Shop, limit: int) -> None:
    for name in ("zaal", "Élysée", "Ancienne Belgique", "Élysée"):
        shop.open_venue(name)
    names: list[str] = []
    ids: set[str] = set()
    after: list[str] | None = None
    while True:
        page, after = list_venues(shop.pool, limit, after)
        assert page
        names += [venue["name"] for venue in page]
        ids |= {venue["id"] for venue in page}
        if after is None:
            break
    assert names == ["Ancienne Belgique", "Élysée", "Élysée", "zaal"]
    assert len(ids) == 4


@pytest.mark.parametrize(
    "after",
    [[], ["x"], ["", "no id"], ["2026-13-01", str(UUID(int=1))], ["0001-01-01T00:00:00+23:00", str(UUID(int=1))]],
)
def test_a_cursor_that_is_none_of_ours_is_refused(shop: Shop, after: list[str]) -> None:
    with pytest.raises(InvalidInput):
        search_concerts(shop.pool, ConcertSearch(), 20, after)


@pytest.mark.parametrize("after", [[], ["x"], ["x", "no id"], ["x", str(UUID(int=1)), "more"]])
def test_a_cursor_over_venues_that_is_none_of_ours_is_refused(shop: Shop, after: list[str]) -> None:
    with pytest.raises(InvalidInput):
        list_venues(shop.pool, 20, after)


def test_a_page_of_concerts_costs_one_statement(shop: Shop) -> None:
    for number in range(3):
        shop.publish(f"Concert {number}")
    statements: list[str] = []
    fetch_all = shop.pool.fetch_all

    class Counting:
        def fetch_all(self, query: str, parameters: dict[str, Any]) -> list[DictRow]:
            statements.append(query)
            return fetch_all(query, parameters)

    items, _ = search_concerts(Counting(), ConcertSearch(), 2, None)  # type: ignore[arg-type]
    assert (len(items), len(statements)) == (2, 1)


# Positions


def test_an_event_that_comes_twice_is_applied_once(shop: Shop) -> None:
    calls: list[int] = []

    def count(event: RecordedEvent) -> list[Change]:
        calls.append(event.version)
        return []

    projection = projection_of(shop.pool, {"Venue": count}, "counting")
    consumer = Consumer(projection, shop.log, shop.parking, lambda: NOW)
    records = [BusRecord("1", to_bus(event)) for event in shop.append(uuid4(), venue_created(), VenueDeleted())]
    for delivered in (records[:1], records[:1], records, records, records[:1]):
        assert consumer.consume(delivered) == succeeded()
    assert calls == [0, 1]


@pytest.mark.parametrize("position", [-1, 1, 5])
def test_events_for_another_position_are_refused_and_change_nothing(shop: Shop, position: int) -> None:
    venue_id = shop.open_venue()
    before = shop.tables()
    with pytest.raises(PositionMoved):
        shop.projection.apply(venue_id, position, [record(venue_id, position + 1, VenueDeleted())])
    assert shop.tables() == before


def test_a_position_that_was_forgotten_meanwhile_is_not_made_anew(shop: Shop) -> None:
    with pytest.raises(PositionMoved):
        shop.projection.apply(uuid4(), 3, [record(uuid4(), 4, VenueDeleted())])
    assert shop.tables()["positions"] == []


def test_projections_of_one_database_keep_their_own_positions(shop: Shop) -> None:
    venue_id = shop.open_venue()
    other = projection_of(shop.pool, name="other")
    assert (shop.projection.position(venue_id), other.position(venue_id)) == (0, -1)


@pytest.mark.parametrize("position", [-1, 0])
def test_of_consumers_that_race_for_the_same_event_one_applies_it_and_the_others_learn_that_it_moved(
    shop: Shop, position: int
) -> None:
    racers, applied = 4, []

    def note(event: RecordedEvent) -> list[Change]:
        applied.append(event.version)
        return project_venue(event)

    projection = ending_with("select pg_sleep(0.005)", shop.pool, {"Venue": note})

    def race(barrier: Barrier, stream_id: UUID) -> str:
        barrier.wait()
        try:
            projection.apply(stream_id, position, [record(stream_id, position + 1, venue_created())])
        except PositionMoved:
            return "moved"
        return "applied"

    with ThreadPoolExecutor(racers) as threads:
        for _ in range(20):
            stream_id, barrier = uuid4(), Barrier(racers)
            if position == 0:
                shop.happened(stream_id, venue_created())
            outcomes = list(threads.map(race, [barrier] * racers, [stream_id] * racers))
            assert sorted(outcomes) == ["applied", "moved", "moved", "moved"]
            assert projection.position(stream_id) == position + 1
    assert len(applied) == 20


def test_a_batch_that_fails_in_the_middle_leaves_nothing(shop: Shop) -> None:
    def fail_at_second(event: RecordedEvent) -> list[Change]:
        if event.version == 1:
            raise ZeroDivisionError
        return project_venue(event)

    projection = projection_of(shop.pool, {"Venue": fail_at_second})
    stream_id = uuid4()
    events = [record(stream_id, 0, venue_created()), record(stream_id, 1, VenueDeleted())]
    with pytest.raises(ZeroDivisionError):
        projection.apply(stream_id, -1, events)
    assert projection.position(stream_id) == -1
    assert shop.tables()["venues"] == []


# Whole histories

VENUES = [UUID(int=number) for number in (1, 2)]
CONCERTS = [UUID(int=number) for number in (11, 12)]
names = st.sampled_from(["Björk", "Muse", "100%", "", "Ni\0ght"])
instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds

venue_details = st.fixed_dictionaries(
    {"name": names, "description": names, "capacity": st.integers(1, 9), "address": names}
    | {"city": names, "country": names, "time_zone": st.sampled_from(["Europe/Paris", "nowhere"]), "web_url": st.none()}
)
venue_events: st.SearchStrategy[Event] = st.one_of(
    venue_details.map(lambda details: VenueDetailsChanged(**details)), st.just(VenueDeleted())
)
concert_details = st.fixed_dictionaries(
    {"name": names, "venue_id": st.sampled_from(VENUES), "description": names, "genre": st.none() | names}
)
ticket_types = st.fixed_dictionaries(
    {
        "id": st.integers(1, 3).map(lambda number: UUID(int=number)),
        "name": names,
        "price": st.integers(0, 99).map(lambda amount: Money.of(str(amount), "EUR")),
        "quantity": st.integers(1, 9),
        "max_per_order": st.integers(1, 9),
        "sales_start": st.none() | instants,
    }
).map(lambda details: TicketType(**details))
concert_events: st.SearchStrategy[Event] = st.one_of(
    concert_details.map(lambda details: ConcertDetailsChanged(**details)),
    st.tuples(instants, instants).map(lambda dates: ConcertScheduled(start_date=dates[0], end_date=dates[1])),
    ticket_types.map(lambda added: ConcertTicketTypeAdded(type=added)),
    ticket_types.map(lambda removed: ConcertTicketTypeRemoved(ticket_type_id=removed.id)),
    st.sampled_from([ConcertPublished(), ConcertCancelled(), ConcertCancellationCompleted(), ConcertDeleted()]),
)
History = dict[UUID, list[Event]]
histories: st.SearchStrategy[History] = st.fixed_dictionaries(
    {venue: st.lists(venue_events, max_size=4).map(lambda e: [venue_created(), *e]) for venue in VENUES}
    | {concert: st.lists(concert_events, max_size=9).map(lambda e: [concert_created(), *e]) for concert in CONCERTS}
)
deterministic = settings(max_examples=25, derandomize=True, deadline=None)


def fresh_shop(pool: Pool, history: History) -> tuple[Shop, list[StoredEvent]]:
    empty(pool)
    shop = Shop(pool)
    return shop, [stored for stream_id, events in history.items() for stored in shop.append(stream_id, *events)]


@deterministic
@given(history=histories, data=st.data())
def test_however_the_bus_delivers_a_history_the_tables_are_as_if_once_and_in_order(
    module_pool: Pool, history: History, data: st.DataObject
) -> None:
    shop, events = fresh_shop(module_pool, history)
    shop.deliver(events)
    expected = shop.tables()

    shop, events = fresh_shop(module_pool, history)
    last = {event.aggregate_id: event for event in events}
    copies = data.draw(st.lists(st.sampled_from(events), max_size=2 * len(events)))
    arriving = data.draw(st.permutations([*last.values(), *copies]))
    batch_size = data.draw(st.integers(1, 10))
    for start in range(0, len(arriving), batch_size):
        assert shop.deliver(arriving[start : start + batch_size]) == succeeded()

    assert shop.parking.list_parked() == []
    assert shop.tables() == expected
    assert len(expected["positions"]) == len(history)


@deterministic
@given(history=histories)
def test_two_consumers_at_once_apply_every_event_once_and_in_order(module_pool: Pool, history: History) -> None:
    shop, events = fresh_shop(module_pool, history)
    applied: dict[UUID, list[int]] = {stream_id: [] for stream_id in history}

    def note(event: RecordedEvent) -> list[Change]:
        applied[event.stream_id].append(event.version)
        return []

    projection = projection_of(module_pool, {"Venue": note, "Concert": note}, "noting")
    shop.consumer = Consumer(projection, shop.log, shop.parking, lambda: NOW)
    barrier = Barrier(2)

    def consume(_: int) -> list[dict[str, Any]]:
        barrier.wait()
        return [shop.deliver([event]) for event in events]

    with ThreadPoolExecutor(2) as threads:
        for outcomes in threads.map(consume, range(2)):
            assert all(outcome == succeeded() for outcome in outcomes)
    assert shop.parking.list_parked() == []
    assert applied == {stream_id: list(range(len(happened))) for stream_id, happened in history.items()}


def summary_of(concert: Concert) -> dict[str, Any] | None:
    details = concert.details
    if details is None or concert.status is None or concert.status == "deleted":
        return None
    return {
        "name": details.name.replace("\0", ""),
        "genre": details.genre and details.genre.replace("\0", ""),
        "status": concert.status.value,
        "starts_at": concert.starts_at and format_instant(concert.starts_at),
        "prices": [(str(key), str(of_type.price.amount)) for key, of_type in concert.ticket_types.items()],
    }


def shown(concert: dict[str, Any] | None) -> dict[str, Any] | None:
    if concert is None:
        return None
    prices = [(of_type["id"], of_type["price"]["amount"]) for of_type in concert["ticket_types"]]
    return {name: concert[name] for name in ("name", "genre", "status", "starts_at")} | {"prices": prices}


@deterministic
@given(history=histories)
def test_what_is_shown_of_a_concert_is_what_its_events_add_up_to(module_pool: Pool, history: History) -> None:
    shop, events = fresh_shop(module_pool, history)
    shop.deliver(events)
    for concert_id in CONCERTS:
        concert = CONCERT.fold(recorded(event).event for event in shop.log.read(concert_id))
        assert shown(find_concert(module_pool, concert_id)) == summary_of(concert)


# Looking back

any_concert_event = st.one_of([events_of(cls) for cls in event_classes() if cls.aggregate_type == CONCERT.name])


def then(shop: Shop, concert_id: UUID, point: PointInTime) -> dict[str, Any] | None:
    try:
        return find_concert_as_of(shop.log, concert_id, point, lambda _: True)
    except NotFound:
        return None


@deterministic
@given(history=histories)
def test_a_concert_folded_from_the_log_is_the_one_that_the_programme_shows(module_pool: Pool, history: History) -> None:
    shop, events = fresh_shop(module_pool, history)
    shop.deliver(events)
    for concert_id in CONCERTS:
        assert then(shop, concert_id, PointInTime(as_of=NOW)) == find_concert(module_pool, concert_id)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(happened=st.lists(any_concert_event, min_size=1, max_size=8))
def test_whatever_happens_to_a_concert_the_fold_and_the_programme_show_the_same(
    module_pool: Pool, happened: list[Event]
) -> None:
    concert_id = CONCERTS[0]
    shop, events = fresh_shop(module_pool, {concert_id: happened})
    shop.deliver(events)
    assert shop.parking.list_parked() == []
    for point in (PointInTime(as_of=NOW), PointInTime(version=len(happened) - 1)):
        assert then(shop, concert_id, point) == find_concert(module_pool, concert_id)


def test_a_concert_is_shown_as_it_was_with_its_venue_as_it_was(shop: Shop) -> None:
    venue_id, concert_id = shop.open_venue("Before"), uuid4()
    shop.happened(concert_id, concert_created("Night", venue_id=venue_id))
    draft = find_concert(shop.pool, concert_id)
    shop.now += timedelta(minutes=1)
    shop.happened(concert_id, ConcertPublished(), ConcertDetailsChanged(name="Day", venue_id=venue_id))
    published = find_concert(shop.pool, concert_id)
    shop.now += timedelta(minutes=1)
    shop.happened(venue_id, VenueDeleted())
    shop.happened(concert_id, ConcertDeleted())
    assert then(shop, concert_id, PointInTime(as_of=NOW - timedelta(milliseconds=1))) is None
    assert then(shop, concert_id, PointInTime(as_of=NOW)) == then(shop, concert_id, PointInTime(version=0)) == draft
    assert then(shop, concert_id, PointInTime(as_of=shop.now - timedelta(milliseconds=1))) == published
    assert then(shop, concert_id, PointInTime(version=2)) == published
    assert then(shop, concert_id, PointInTime(as_of=shop.now)) is None


def test_only_who_may_see_a_concert_hears_what_is_wrong_with_a_moment(shop: Shop) -> None:
    concert_id = uuid4()
    shop.happened(concert_id, concert_created())
    for may_see, facts in ((True, {"version": 5, "first_version": 0, "last_version": 0}), (False, {})):
        with pytest.raises(NotFound) as refusal:
            find_concert_as_of(shop.log, concert_id, PointInTime(version=5), lambda _, may_see=may_see: may_see)  # type: ignore[misc]
        assert refusal.value.facts == facts
    for stranger in (shop.open_venue(), uuid4()):
        with pytest.raises(NotFound):
            find_concert_as_of(shop.log, stranger, PointInTime(version=0), lambda _: True)


# Reading your own writes


def listed(shop: Shop, min_versions: MinVersions, **filters: Any) -> list[str]:
    with reflecting(shop.projection, min_versions, shop.log) as programme:
        items, _ = search_concerts(programme, ConcertSearch(**filters), 100, None)
    return [item["name"] for item in items]


def test_a_concert_that_the_programme_has_not_seen_is_found_filtered_and_sorted_like_others(shop: Shop) -> None:
    venue_id = uuid4()
    shop.publish("Early", EVENING - timedelta(days=1))
    shop.publish("Later", EVENING + timedelta(days=1))
    concert_id = uuid4()
    shop.append(venue_id, venue_created("Harpa", city="Reykjavík"))
    scheduled = ConcertScheduled(start_date=EVENING, end_date=EVENING + timedelta(hours=2))
    shop.append(concert_id, concert_created("Björk", venue_id=venue_id), scheduled, ConcertPublished())
    before = shop.tables()
    named = {concert_id: 2, venue_id: 0}
    assert listed(shop, MinVersions({})) == ["Early", "Later"]
    assert listed(shop, MinVersions(named)) == ["Early", "Björk", "Later"]
    assert listed(shop, MinVersions(named), q="bjork", location="reykjavik", date_from=EVENING.date()) == ["Björk"]
    assert listed(shop, MinVersions({concert_id: 2}), location="reykjavik") == []
    min_versions = MinVersions(named)
    with reflecting(shop.projection, min_versions, shop.log) as programme:
        (first, key), found = search_concerts(programme, ConcertSearch(), 2, None), find_concert(programme, concert_id)
        rest, _ = search_concerts(programme, ConcertSearch(), 2, key)
        assert find_venue(programme, venue_id) == list_venues(programme, 20, None)[0][0]
    assert ([item["name"] for item in first], [item["name"] for item in rest]) == (["Early", "Björk"], ["Later"])
    assert found == first[1]
    assert min_versions.lag == {concert_id: 3, venue_id: 1}
    assert shop.tables() == before


def test_a_concert_that_no_longer_matches_is_taken_out_of_the_list(shop: Shop) -> None:
    concert_id = shop.publish("Night")
    shop.publish("Other")
    shop.append(concert_id, ConcertDetailsChanged(name="Day", venue_id=UUID(int=1)))
    assert listed(shop, MinVersions({concert_id: 3}), q="night") == []
    assert sorted(listed(shop, MinVersions({concert_id: 3}))) == ["Day", "Other"]
    shop.append(concert_id, ConcertCancelled())
    assert listed(shop, MinVersions({concert_id: 3})) == ["Other"]
    assert sorted(listed(shop, MinVersions({concert_id: 2}))) == ["Night", "Other"]


def test_a_programme_that_is_new_enough_is_read_without_the_log_and_without_a_transaction(shop: Shop) -> None:
    concert_id = shop.publish()
    shop.append(concert_id, ConcertCancelled())
    reads = shop.log.usage.reads
    min_versions = MinVersions({concert_id: 2})
    with reflecting(shop.projection, min_versions, shop.log) as programme:
        assert programme is shop.pool
    assert (shop.log.usage.reads, min_versions.lag) == (reads, {concert_id: 0})


def test_streams_that_the_programme_does_not_follow_or_that_do_not_exist_change_nothing(shop: Shop) -> None:
    shop.publish("Night")
    cart_id = uuid4()
    shop.append(cart_id, CartCreated(customer_id=uuid4()))
    min_versions = MinVersions({cart_id: 0, uuid4(): 3})
    assert listed(shop, min_versions) == ["Night"]
    assert min_versions.lag == {}


def test_readers_that_overlay_do_not_disturb_each_other_nor_the_consumer(shop: Shop) -> None:
    concert_ids = [uuid4() for _ in range(4)]
    for concert_id in concert_ids:
        shop.append(concert_id, concert_created(), ConcertPublished())
    first_half = [shop.log.read(concert_id)[0] for concert_id in concert_ids]
    barrier = Barrier(4)

    def read(number: int) -> list[int]:
        order = concert_ids if number % 2 else concert_ids[::-1]
        barrier.wait()
        if number == 0:
            return [shop.deliver([event]) == succeeded() for event in [*first_half] * 5]
        return [len(listed(shop, MinVersions(dict.fromkeys(order, 1)))) for _ in range(10)]

    with ThreadPoolExecutor(4) as threads:
        delivered, *seen = threads.map(read, range(4))
    assert all(delivered)
    assert seen == [[4] * 10] * 3
    assert {row["version"] for row in shop.tables()["positions"]} == {0}


def test_a_reader_whose_tail_was_applied_meanwhile_sees_what_is_newer(shop: Shop) -> None:
    """The consumer passes by between the reader's look at the log and its transaction."""
    concert_id = uuid4()
    stored = shop.append(concert_id, concert_created("Night"), ConcertPublished())

    class Passing(MemoryEventStore):
        def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
            tail = shop.log.read(stream_id, after)
            later = shop.append(concert_id, ConcertDetailsChanged(name="Day", venue_id=UUID(int=1)))
            shop.deliver([*stored, *later])
            return tail

    with reflecting(shop.projection, MinVersions({concert_id: 1}), Passing()) as programme:
        concert = find_concert(programme, concert_id)
    assert concert is not None
    assert (concert["name"], concert["version"]) == ("Day", 2)


# Poison and transient failures


def test_an_event_that_cannot_be_applied_parks_its_stream_and_no_other(shop: Shop) -> None:
    poisoned, healthy = uuid4(), uuid4()
    details = venue_created().model_dump(exclude={"organiser_id", "request_hash"})
    too_large = VenueDetailsChanged(**details | {"capacity": 2**70})
    sick = shop.append(poisoned, venue_created(), too_large, VenueDeleted())
    well = shop.append(healthy, venue_created(), VenueDeleted())
    assert shop.deliver([sick[0], well[0], sick[1], sick[2], well[1]]) == succeeded()
    [parked] = shop.parking.list_parked()
    assert (parked.stream_id, parked.version, parked.last_seen) == (poisoned, 1, 2)
    assert "NumericValueOutOfRange" in parked.error
    assert (shop.projection.position(poisoned), shop.projection.position(healthy)) == (0, 1)


def raising(sqlstate: str) -> str:
    return f"do $$ begin raise exception using errcode = '{sqlstate}'; end $$"


@pytest.mark.parametrize(
    "sqlstate", ["40001", "40P01", "53100", "53300", "57014", "57P01", "58030", "55P03", "25006", "42P01", "42501"]
)
def test_trouble_of_the_server_is_a_transient_failure(shop: Shop, sqlstate: str) -> None:
    projection = ending_with(raising(sqlstate), shop.pool)
    with pytest.raises(Unavailable):
        projection.apply(uuid4(), -1, [record(uuid4(), 0, venue_created())])


@pytest.mark.parametrize("sqlstate", ["22003", "22021", "23502", "23505", "54000"])
def test_trouble_with_the_data_is_poison(shop: Shop, sqlstate: str) -> None:
    projection = ending_with(raising(sqlstate), shop.pool)
    with pytest.raises(psycopg.Error) as failure:
        projection.apply(uuid4(), -1, [record(uuid4(), 0, venue_created())])
    assert failure.value.sqlstate == sqlstate


def test_a_connection_that_the_server_ends_in_the_middle_is_a_transient_failure_and_the_next_one_works(
    shop: Shop,
) -> None:
    projection = ending_with("select pg_terminate_backend(pg_backend_pid())", shop.pool)
    venue_id = uuid4()
    events = [record(venue_id, 0, venue_created())]
    with pytest.raises(Unavailable):
        projection.apply(venue_id, -1, events)
    shop.projection.apply(venue_id, -1, events)
    assert shop.projection.position(venue_id) == 0


def test_a_database_before_its_first_migration_is_a_transient_failure(empty_database: str) -> None:
    pool = open_pool(empty_database)
    try:
        with pytest.raises(Unavailable):
            find_venue(pool, uuid4())
    finally:
        pool.close()


def test_a_server_that_hangs_is_given_up_in_time_and_works_again_when_it_answers(
    server: Postgres,
) -> None:
    pool = open_pool(server.url)
    [pid] = rows(pool, "select pg_backend_pid() as x")
    os.kill(pid, signal.SIGSTOP)
    try:
        began = datetime.now(UTC)
        with pytest.raises(Unavailable):
            pool.probe()
        assert datetime.now(UTC) - began < timedelta(seconds=9)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert rows(pool, "select 'after' as x") == ["after"]
    pool.close()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_while_postgres_is_away_nothing_is_parked_and_all_is_current_after_it_is_back(
    server: Postgres, shop: Shop, how: str
) -> None:
    known = shop.open_venue("Known")
    fresh = uuid4()
    events = [*shop.append(known, VenueDeleted()), *shop.append(fresh, venue_created("Fresh"))]
    server.stop() if how == "stop" else server.kill()
    try:
        began = datetime.now(UTC)
        assert shop.deliver(events) == failed_from("0")
        assert datetime.now(UTC) - began < timedelta(seconds=5)
        with pytest.raises(Unavailable):
            find_venue(shop.pool, known)
        assert shop.parking.list_parked() == []
    finally:
        server.start()
    assert shop.deliver(events) == succeeded()
    assert (shop.projection.position(known), shop.projection.position(fresh)) == (1, 0)
    assert [venue["name"] for venue in list_venues(shop.pool, 20, None)[0]] == ["Fresh"]


def test_a_restart_between_two_requests_goes_unnoticed(server: Postgres, shop: Shop) -> None:
    venue_id = shop.open_venue()
    server.kill()
    server.start()
    assert find_venue(shop.pool, venue_id) is not None
