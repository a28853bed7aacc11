"""What every place for parked streams promises."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.dynamodb_parking import DynamoDBParking
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import ParkedStream, Parking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.errors import Unavailable
from local.emulator import Emulator
from local.resources import Aws
from tests.contract.parking.line import NOW, Line, a_projection, a_record, a_stream

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def test_what_was_parked_is_found_as_it_was(parking: Parking) -> None:
    stream = a_stream(a_projection())
    parking.park(stream)
    assert parking.find(stream.projection, stream.stream_id) == stream


def test_a_stream_is_parked_for_one_projection_only(parking: Parking) -> None:
    stream = a_stream(a_projection())
    parking.park(stream)
    assert parking.find(a_projection(), stream.stream_id) is None
    assert parking.find(stream.projection, uuid4()) is None


def test_parking_again_notes_what_waits_behind(parking: Parking) -> None:
    stream = a_stream(a_projection())
    assert parking.park(stream)
    assert parking.park(replace(stream, last_seen=9), known=stream)
    assert parking.find(stream.projection, stream.stream_id) == replace(stream, last_seen=9)
    assert parking.list_parked(stream.projection) == [replace(stream, last_seen=9)]


@pytest.mark.parametrize("changed", [{"last_seen": 6}, {"version": 4}, {"parked_at": "2030-01-01T12:00:01.000Z"}])
def test_who_knows_an_older_state_of_a_parked_stream_changes_nothing(parking: Parking, changed: dict[str, Any]) -> None:
    stream = a_stream(a_projection())
    newer = replace(stream, **changed)
    parking.park(newer)
    assert not parking.park(replace(stream, last_seen=9), known=stream)
    assert not parking.park(replace(stream, last_seen=9))
    assert not parking.release(stream)
    assert parking.find(stream.projection, stream.stream_id) == newer


def test_nothing_is_noted_of_a_stream_that_was_released(parking: Parking) -> None:
    stream = a_stream(a_projection())
    parking.park(stream)
    assert parking.release(stream)
    assert not parking.park(replace(stream, last_seen=9), known=stream)
    assert parking.find(stream.projection, stream.stream_id) is None


def test_the_same_write_again_is_taken_for_the_first_one(parking: Parking) -> None:
    stream = a_stream(a_projection())
    more = replace(stream, last_seen=9)
    assert parking.park(stream)
    assert parking.park(stream)
    assert parking.park(more, known=stream)
    assert parking.park(more, known=stream)


def test_a_released_stream_is_gone_and_releasing_again_changes_nothing(parking: Parking) -> None:
    stream, other = (a_stream(projection) for projection in [a_projection()] * 2)
    parking.park(stream)
    parking.park(other)
    assert parking.release(stream)
    assert parking.release(stream)
    assert parking.find(stream.projection, stream.stream_id) is None
    assert parking.list_parked(stream.projection) == [other]


def test_the_list_is_that_of_one_projection_or_of_all(parking: Parking) -> None:
    mine, others = a_projection(), a_projection()
    streams = [a_stream(mine), a_stream(mine), a_stream(others)]
    for stream in streams:
        parking.park(stream)
    assert _by_id(parking.list_parked(mine)) == _by_id(streams[:2])
    assert _by_id(parking.list_parked(others)) == _by_id(streams[2:])
    assert {stream.stream_id for stream in streams} <= {stream.stream_id for stream in parking.list_parked()}
    assert parking.list_parked(a_projection()) == []


def test_the_list_is_complete_over_pages_of_a_megabyte(parking: Parking) -> None:
    projection = a_projection()
    streams = [a_stream(projection, error="x" * 300_000) for _ in range(8)]
    for stream in streams:
        parking.park(stream)
    assert _by_id(parking.list_parked(projection)) == _by_id(streams)
    assert {stream.stream_id for stream in streams} <= {stream.stream_id for stream in parking.list_parked()}


def test_what_waits_for_an_operator_can_be_counted(parking: Parking) -> None:
    before = parking.count()
    line = Line(parking)
    line.deliver(0, 1, 2, 3)
    line.consumer().consume([BusRecord("spoilt", b"no event"), BusRecord("spoilt too", b"x" * 800_000)])
    assert parking.count() == (before[0] + 1, before[1] + 2)
    assert line.consumer().redrive(line.stream_id) is not None
    assert parking.count() == (before[0] + 1, before[1] + 2)


def test_a_parking_that_is_away_is_a_transient_failure(tmp_path: Path) -> None:
    nobody = Emulator(tmp_path)  # never started
    parking = DynamoDBParking(Aws(nobody.url).dynamodb, "parked")
    stream = a_stream(a_projection())
    for ask in (
        lambda: parking.find(stream.projection, stream.stream_id),
        lambda: parking.park(stream),
        lambda: parking.release(stream),
        lambda: parking.store_unreadable(a_record("anybody")),
        lambda: parking.discard_unreadable(a_record("anybody")),
        parking.list_unreadable,
        parking.list_parked,
        lambda: parking.list_parked(stream.projection),
    ):
        with pytest.raises(Unavailable):
            ask()


def test_what_the_table_calls_wrong_is_no_transient_failure(client: "DynamoDBClient", parked_table: str) -> None:
    with pytest.raises(ClientError):
        DynamoDBParking(client, parked_table).park(a_stream(a_projection(), error="x" * 500_000))


def _by_id(streams: list[ParkedStream]) -> list[ParkedStream]:
    return sorted(streams, key=lambda stream: stream.stream_id)


def test_the_longest_way_of_a_batch_from_the_log_to_the_read_model_is_counted_once(
    parking: Parking, counted: Callable[[], dict[str, float]]
) -> None:
    line = Line(parking)
    line.cure()
    first = replace(line.events[0], created="2030-01-01T11:59:58.500Z")
    second = replace(line.events[1], created="2030-01-01T11:59:59.500Z")
    batch = [BusRecord("1", to_bus(event)) for event in (first, second)]
    line.consumer().consume(batch)
    an_hour_later = Consumer(line.projection, line.store, parking, lambda: NOW + timedelta(hours=1))
    an_hour_later.consume(batch)
    assert line.position == 1
    assert counted() == {"ProjectionLag": 1500}
