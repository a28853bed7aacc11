"""What the programme shows of concerts and venues."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.http.points_in_time import PointInTimeQuery
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.events import (
    Area,
    ConcertAreaAdded,
    ConcertAreaCapacityChanged,
    ConcertAreaCapacityChangeStarted,
    ConcertAreaRemoved,
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertDeleted,
    ConcertPublished,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeRemoved,
    TicketType,
)
from chalicelib.shop.concerts.history import find_concert_as_of
from chalicelib.shop.concerts.queries import ConcertSearch, find_concert, search_concerts
from chalicelib.shop.venues.events import Coordinates, VenueDeleted, VenueDetailsChanged
from chalicelib.shop.venues.queries import find_venue, list_venues
from tests.contract.programme.followed import EVENING, NOW, FollowedLog, concert_created, venue_created


def ticket_type(name: str, number: int, **details: Any) -> TicketType:
    defaults = {"price": Money.of("25", "EUR"), "quantity": 100, "max_per_order": 4}
    return TicketType(id=UUID(int=number), name=name, **defaults | details)


def test_a_concert_is_shown_with_its_venue_and_its_ticket_types_in_the_order_they_were_added(
    followed: FollowedLog,
) -> None:
    venue_id, concert_id = followed.open_venue(web_url="https://paradiso.example"), uuid4()
    followed.happened(
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
                "area_id": None,
                "ceiling": None,
            },
            {
                "id": str(UUID(int=3)),
                "name": "Standing",
                "price": {"amount": "9800", "currency": "JPY"},
                "quantity": 100,
                "max_per_order": 4,
                "sales_start": None,
                "sales_end": None,
                "area_id": None,
                "ceiling": None,
            },
        ],
        "areas": [],
        "max_per_customer": None,
        "postponed": False,
        "sales_closed": False,
        "refundable_until": None,
        "version": 6,
    }
    assert find_concert(followed.pool, concert_id) == expected
    assert search_concerts(followed.pool, ConcertSearch(), 20, None) == ([expected], None)


def test_a_concert_is_shown_with_its_areas_and_the_types_that_draw_from_them(followed: FollowedLog) -> None:
    concert_id, floor = uuid4(), UUID(int=1)
    change = {"change_id": UUID(int=2), "area_id": floor}
    followed.happened(
        concert_id,
        concert_created("Björk"),
        ConcertAreaAdded(area=Area(id=floor, name="Floor", capacity=300)),
        ConcertAreaAdded(area=Area(id=UUID(int=3), name="Balcony", capacity=90)),
        ConcertTicketTypeAdded(type=ticket_type("Adult", 9, quantity=0, area_id=floor)),
        ConcertTicketTypeAdded(type=ticket_type("Early bird", 8, quantity=0, area_id=floor, ceiling=40)),
        ConcertAreaRemoved(area_id=UUID(int=3)),
        ConcertAreaCapacityChangeStarted(**change, capacity=310),
        ConcertAreaCapacityChanged(**change, capacity=310),
    )
    concert = find_concert(followed.pool, concert_id)
    assert concert is not None
    assert concert["areas"] == [{"id": str(floor), "name": "Floor", "capacity": 310}]
    shown = [(one["name"], one["quantity"], one["area_id"], one["ceiling"]) for one in concert["ticket_types"]]
    assert shown == [("Adult", None, str(floor), None), ("Early bird", None, str(floor), 40)]
    latest = PointInTimeQuery(version=concert["version"]).point(NOW)
    assert latest is not None
    assert find_concert_as_of(followed.log, concert_id, latest, lambda _: True) == concert


def test_a_ticket_type_that_is_told_again_keeps_its_place(followed: FollowedLog) -> None:
    concert_id = uuid4()
    told = [ticket_type("First", 1), ticket_type("Second", 2), ticket_type("First, renamed", 1)]
    followed.happened(concert_id, concert_created(), *(ConcertTicketTypeAdded(type=each) for each in told))
    concert = find_concert(followed.pool, concert_id)
    assert concert is not None
    assert [each["name"] for each in concert["ticket_types"]] == ["First, renamed", "Second"]


def test_a_venue_is_shown_as_it_is_now(followed: FollowedLog) -> None:
    venue_id = followed.open_venue(web_url="https://old.example")
    changed = venue_created(
        "Paradiso Noord", organiser_id=None, city="Noord", coordinates=Coordinates(latitude=52.3622, longitude=4.8838)
    ).model_dump(exclude={"organiser_id", "request_hash"})
    followed.happened(venue_id, VenueDetailsChanged(**changed))
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
        "coordinates": {"latitude": 52.3622, "longitude": 4.8838},
        "shared": False,
        "organiser_id": str(UUID(int=7)),
        "version": 1,
    }
    assert find_venue(followed.pool, venue_id) == expected
    assert list_venues(followed.pool, 20, None) == ([expected], None)


def test_drafts_and_cancelled_concerts_can_be_looked_up_and_deleted_ones_cannot(followed: FollowedLog) -> None:
    draft, cancelling, cancelled, deleted = uuid4(), uuid4(), uuid4(), uuid4()
    followed.happened(draft, concert_created())
    followed.happened(cancelling, concert_created(), ConcertPublished(), ConcertCancelled())
    followed.happened(
        cancelled, concert_created(), ConcertPublished(), ConcertCancelled(), ConcertCancellationCompleted()
    )
    followed.happened(deleted, concert_created(), ConcertDeleted())
    found = [find_concert(followed.pool, concert_id) for concert_id in (draft, cancelling, cancelled, deleted)]
    assert [concert and concert["status"] for concert in found] == ["draft", "cancelling", "cancelled", None]
    assert find_concert(followed.pool, uuid4()) is None


def test_a_deleted_venue_is_gone_but_its_concerts_still_show_it(followed: FollowedLog) -> None:
    venue_id = followed.open_venue("Melkweg")
    concert_id = followed.publish("Last night", venue_id=venue_id)
    followed.happened(venue_id, VenueDeleted())
    assert find_venue(followed.pool, venue_id) is None
    assert list_venues(followed.pool, 20, None) == ([], None)
    concert = find_concert(followed.pool, concert_id)
    assert concert is not None
    assert concert["venue"] is not None
    assert concert["venue"]["name"] == "Melkweg"
    assert followed.found(location="melkweg") == ["Last night"]


def test_a_concert_may_arrive_before_its_venue(followed: FollowedLog) -> None:
    venue_id = uuid4()
    concert_id = followed.publish("Early bird", venue_id=venue_id)
    concert = find_concert(followed.pool, concert_id)
    assert concert is not None
    assert concert["venue"] is None
    assert followed.found(date_from=date(2026, 6, 1), date_to=date(2026, 6, 1)) == ["Early bird"]
    followed.happened(venue_id, venue_created("Paradiso"))
    assert followed.found(location="paradiso") == ["Early bird"]


def imported(stream_id: UUID, version: int, event_type: str, data: str) -> StoredEvent:
    return StoredEvent(stream_id, version, "2020-05-25T16:10:56.123Z", f"Cloudbash.Domain.{event_type}Event", data)


def test_streams_of_the_original_are_shown_also_those_that_begin_late_or_have_no_date(followed: FollowedLog) -> None:
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
        followed.log.append([event])
    assert followed.deliver(events) == succeeded()
    assert followed.parking.list_parked() == []
    [concert], _ = search_concerts(followed.pool, ConcertSearch(q="muse", location="afas"), 20, None)
    assert (concert["organiser_id"], concert["starts_at"], concert["version"]) == (None, None, 6)
    assert concert["ticket_types"][0]["price"] == {"amount": "49.50", "currency": "EUR"}


def test_characters_that_postgres_cannot_store_are_left_out_instead_of_parking_the_stream(
    followed: FollowedLog,
) -> None:
    venue_id, concert_id = followed.open_venue("Para\0diso"), uuid4()
    followed.happened(
        concert_id,
        concert_created("Ni\0ght", venue_id=venue_id),
        ConcertTicketTypeAdded(type=ticket_type("Flo\0or", 1)),
        ConcertPublished(),
    )
    [concert], _ = search_concerts(followed.pool, ConcertSearch(q="ni\0ght"), 20, None)
    assert concert["venue"] is not None
    assert (concert["name"], concert["venue"]["name"], concert["ticket_types"][0]["name"]) == (
        "Night",
        "Paradiso",
        "Floor",
    )
