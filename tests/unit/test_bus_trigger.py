"""A function that follows the bus is declared by the bus's adapter, and gets its records."""

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from chalice.app import Chalice, KinesisEventConfig

from chalicelib.platform.bus.batch import failed_from
from chalicelib.platform.bus.kinesis.trigger import on_bus_records
from chalicelib.platform.bus.port import BusRecord


def test_a_follower_gets_the_records_of_a_batch_and_answers_for_them() -> None:
    app, seen = Chalice("test"), list[BusRecord]()

    @on_bus_records(app, "follow", "the-bus", batch_size=7, window_seconds=3)
    def follow(records: Iterable[BusRecord]) -> dict[str, Any]:
        seen.extend(records)
        return failed_from("12")

    [declared] = app.event_sources
    assert isinstance(declared, KinesisEventConfig)
    assert (declared.name, declared.stream) == ("follow", "the-bus")
    assert (declared.batch_size, declared.maximum_batching_window_in_seconds) == (7, 3)

    entries = [entry("11", b"{}"), entry("12", "ö".encode())]
    assert follow({"Records": entries}, None) == failed_from("12")
    assert seen == [
        BusRecord("11", b"{}", "shardId-000000000001"),
        BusRecord("12", "ö".encode(), "shardId-000000000001"),
    ]


def entry(sequence_number: str, data: bytes) -> dict[str, Any]:
    kinesis = {
        "data": b64encode(data).decode(),
        "sequenceNumber": sequence_number,
        "partitionKey": "key",
        "kinesisSchemaVersion": "1.0",
        "approximateArrivalTimestamp": 1.5,
    }
    return {"eventID": f"shardId-000000000001:{sequence_number}", "kinesis": kinesis}
