"""Looking back: the state at an instant is that of all events up to it, whatever the aggregate."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.errors import LogDamaged, NotFound
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.codec import encode
from chalicelib.platform.eventsourcing.event import Event, event_classes
from chalicelib.platform.eventsourcing.history import PointInTime, created_at
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.shop.access.account import ACCOUNT
from chalicelib.shop.carts.cart import CART
from chalicelib.shop.concerts.concert import CONCERT
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.venues.events import VenueDeleted
from chalicelib.shop.venues.venue import VENUE
from tests.support.any_events import events_of
from tests.support.stored import SOME_TIME, SOMEBODY, imported, item

MILLISECOND = timedelta(milliseconds=1)
AGGREGATES = [VENUE, CONCERT, TICKET_POOL, CART, ORDER, ACCOUNT]

spans = st.integers(0, 3).map(lambda number: number * MILLISECOND)
"""Between one event and the next: often none at all."""


def stream_of(happened: Sequence[tuple[timedelta, Event]]) -> list[StoredEvent]:
    stream_id, now, head, stored = uuid4(), SOME_TIME, Head(), list[StoredEvent]()
    for span, event in happened:
        now += span
        stored.append(encode(event, stream_id, head, SOMEBODY, uuid4(), now))
        head = Head.of(stored[-1])
    return stored


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: aggregate.name)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_an_instant_before_an_event_shows_the_state_before_it(aggregate: Aggregate[Any], data: st.DataObject) -> None:
    classes = [cls for cls in event_classes() if cls.aggregate_type == aggregate.name]
    any_event = st.one_of([events_of(cls) for cls in classes])
    happened = data.draw(st.lists(st.tuples(spans, any_event), min_size=1, max_size=8))
    stream = stream_of(happened)
    for number, event in enumerate(stream):
        before = [earlier for earlier in stream if created_at(earlier) < created_at(event)]
        with_it = [other for other in stream if created_at(other) <= created_at(event)]
        just_before = created_at(event) - MILLISECOND
        if before:
            then = PointInTime(as_of=just_before).of(stream)
            assert aggregate.fold(past.event for past in then.events) == folded(aggregate, happened, len(before))
            assert (then.at, then.version) == (just_before, len(before) - 1)
        else:
            with pytest.raises(NotFound) as refusal:
                PointInTime(as_of=just_before).of(stream)
            assert refusal.value.facts == {"first_event_at": stream[0].created}
        then = PointInTime(as_of=created_at(event)).of(stream)
        assert aggregate.fold(past.event for past in then.events) == folded(aggregate, happened, len(with_it))
        then = PointInTime(version=number).of(stream)
        assert aggregate.fold(past.event for past in then.events) == folded(aggregate, happened, number + 1)
        assert (then.at, then.version) == (created_at(event), number)


def folded(aggregate: Aggregate[Any], happened: Sequence[tuple[timedelta, Event]], count: int) -> Any:
    return aggregate.fold(event for _, event in happened[:count])


@pytest.mark.parametrize("version", [0, 2, 6])
def test_a_version_that_the_stream_never_had_is_not_found_and_the_refusal_says_which_there_are(version: int) -> None:
    stream_id = uuid4()
    stream = [imported(VenueDeleted.stored_name, stream_id, number) for number in (3, 4, 5)]
    with pytest.raises(NotFound) as refusal:
        PointInTime(version=version).of(stream)
    assert refusal.value.facts == {"version": version, "first_version": 3, "last_version": 5}


def test_an_event_at_no_instant_is_damage_and_no_stream_is_not_found() -> None:
    with pytest.raises(LogDamaged):
        PointInTime(as_of=SOME_TIME).of([imported_at("yesterday")])
    with pytest.raises(NotFound):
        PointInTime(as_of=SOME_TIME).of([])


def test_an_instant_without_an_offset_as_the_original_wrote_it_is_utc() -> None:
    assert created_at(imported_at("2030-01-01T12:00:00")) == SOME_TIME
    assert created_at(item(VenueDeleted())) == SOME_TIME


def imported_at(created: str) -> StoredEvent:
    event = imported(VenueDeleted.stored_name, uuid4())
    return StoredEvent(event.aggregate_id, 0, created, event.event_type, event.data)


def test_several_events_of_one_millisecond_are_seen_together() -> None:
    stream = stream_of([(timedelta(), VenueDeleted()), (timedelta(), VenueDeleted()), (MILLISECOND, VenueDeleted())])
    assert [seen_at(stream, SOME_TIME + number * MILLISECOND) for number in range(3)] == [2, 3, 3]


def seen_at(stream: Sequence[StoredEvent], as_of: datetime) -> int:
    return len(PointInTime(as_of=as_of).of(stream).events)
