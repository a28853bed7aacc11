"""A log and the programme in Postgres that follows it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from hypothesis import settings
from hypothesis import strategies as st
from psycopg.rows import DictRow

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.eventsourcing.codec import Origin, RecordedEvent, encode
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.readmodels.postgres.pool import Pool
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.platform.readmodels.postgres.tables import Project
from chalicelib.shop.concerts.events import (
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCreated,
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertMoved,
    ConcertPostponed,
    ConcertPublished,
    ConcertSalesClosed,
    ConcertSalesOpened,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeChanged,
    ConcertTicketTypeRemoved,
    ConcertVenueDescribed,
    ShownVenue,
    TicketType,
)
from chalicelib.shop.concerts.projections import project_concert
from chalicelib.shop.concerts.queries import ConcertSearch, search_concerts
from chalicelib.shop.concerts.tables import PROGRAMME
from chalicelib.shop.venues.events import VenueCreated, VenueDeleted, VenueDetailsChanged
from chalicelib.shop.venues.projections import project_venue

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENING = datetime(2026, 6, 1, 18, tzinfo=UTC)
ORIGIN = Origin("tester", "correlation", "causation")
PROJECTORS = {"Venue": project_venue, "Concert": project_concert}
TABLES = ("positions", *PROGRAMME.tables)


class FollowedLog:
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


def record(stream_id: UUID, version: int, event: Event) -> RecordedEvent:
    return RecordedEvent(stream_id, version, NOW, event)


VENUES = [UUID(int=number) for number in (1, 2)]
CONCERTS = [UUID(int=number) for number in (11, 12)]
names = st.sampled_from(["Björk", "Muse", "100%", "", "Ni\0ght"])
instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
venue_details = st.fixed_dictionaries(
    {"name": names, "description": names, "capacity": st.integers(1, 9), "address": names, "shared": st.booleans()}
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
shown_venues = st.none() | st.fixed_dictionaries(
    {"name": names, "address": names, "city": names, "country": names, "web_url": st.none() | names}
).map(lambda details: ShownVenue(time_zone="Europe/Paris", **details))
life_of_a_concert: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        ConcertMoved,
        start_date=instants,
        end_date=instants,
        venue_id=st.sampled_from(VENUES),
        venue=shown_venues,
        refundable_until=st.none() | instants,
        at=st.just(NOW),
    ),
    st.builds(ConcertPostponed, refundable_until=st.none() | instants, at=st.just(NOW)),
    shown_venues.filter(bool).map(lambda venue: ConcertVenueDescribed(venue=venue)),
    shown_venues.map(lambda venue: ConcertPublished(venue=venue)),
    ticket_types.map(
        lambda changed: ConcertTicketTypeChanged(
            ticket_type_id=changed.id,
            name=changed.name,
            price=changed.price,
            max_per_order=changed.max_per_order,
            sales_end=changed.sales_start,
        )
    ),
    st.sampled_from([ConcertSalesClosed(), ConcertSalesOpened()]),
)
concert_events: st.SearchStrategy[Event] = st.one_of(
    life_of_a_concert,
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


def fresh_log(pool: Pool, history: History) -> tuple[FollowedLog, list[StoredEvent]]:
    empty(pool)
    followed = FollowedLog(pool)
    return followed, [stored for stream_id, events in history.items() for stored in followed.append(stream_id, *events)]
