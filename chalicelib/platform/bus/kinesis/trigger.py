"""Declares functions that Kinesis triggers. `app.py` imports this in every container, so it imports no library."""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any

from chalicelib.platform.bus.port import BusRecord

if TYPE_CHECKING:
    from chalice.app import Chalice, KinesisEvent

Follow = Callable[[Iterable[BusRecord]], dict[str, Any]]
"""Handles one batch, and returns Lambda's reply: which of it has to come again."""


def on_bus_records(
    app: "Chalice", name: str, stream: str, batch_size: int, window_seconds: int = 0
) -> Callable[[Follow], Any]:
    """Declare the function `name`, which follows the bus; its handler is given the records of a batch."""

    def declare(follow: Follow) -> Any:
        @wraps(follow)
        def handle(event: "KinesisEvent") -> dict[str, Any]:
            return follow(records_of(event))

        register = app.on_kinesis_record(
            stream=stream, batch_size=batch_size, name=name, maximum_batching_window_in_seconds=window_seconds
        )
        return register(handle)

    return declare


def records_of(event: "KinesisEvent") -> Iterator[BusRecord]:
    """Give the records that triggered the function, in the order of their shard."""
    for record in event:
        shard_id, _, _ = record.to_dict()["eventID"].partition(":")
        yield BusRecord(record.sequence_number, record.data, shard_id)
