"""Defines the commands on what waits for an operator: parked streams and unreadable records."""

import argparse
import base64
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform.archive.layout import ARCHIVE
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.forwarder import Forwarder
from chalicelib.platform.bus.parking import ParkedStream, UnreadableRecord
from chalicelib.platform.errors import InvalidInput, NotFound
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def parked(options: argparse.Namespace) -> Report:
    """List the streams with an event that a projection cannot apply, and the unreadable records."""
    parking = composition.current().parking
    streams = parking.list_parked(options.projection)
    unreadable = parking.list_unreadable(options.projection)
    _ensure_known(options.projection, bool(streams or unreadable))
    rows = [*map(_stream_row, streams), *map(_record_row, unreadable)]
    return Report(rows, [*map(_stream_record, streams), *map(_unreadable_record, unreadable)])


def unreadable(options: argparse.Namespace) -> Report:
    """List the records from the log or the bus that are no event, with their bytes."""
    found = composition.current().parking.list_unreadable(options.projection)
    _ensure_known(options.projection, bool(found))
    rows = [
        {
            "consumer": record.consumer,
            "shard": record.shard_id or "-",
            "sequence number": record.sequence_number,
            "since": record.parked_at,
            "bytes": str(len(record.data)),
            "error": record.error,
        }
        for record in found
    ]
    return Report(rows, [*map(_unreadable_record, found)])


def redrive(options: argparse.Namespace) -> Report:
    """Try parked streams or unreadable records again, after a fix."""
    shop = composition.current()
    rows: list[dict[str, str]] = []
    if not options.unreadable:
        shop.parking.spread()
        rows += [_redrive_stream(shop, stream) for stream in _asked_for(shop, options)]
    if options.unreadable or options.all:
        rows += [_redrive_record(shop, record) for record in shop.parking.list_unreadable(options.projection)]
    _ensure_known(options.projection, bool(rows))
    return Report(rows, ok=all(row["now"] in {"current", "read"} for row in rows))


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    for command in (parked, unreadable, redrive):
        parser = commands.add_parser(command.__name__, help=command.__doc__)
        parser.add_argument("--projection", help="take those of this projection (or the forwarder) only")
        parser.set_defaults(command=command)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--stream", type=UUID, help="redrive this stream, wherever it is parked")
    which.add_argument("--unreadable", action="store_true", help="redrive every unreadable record")
    which.add_argument("--all", action="store_true", help="redrive every stream and every record")


def _ensure_known(name: str | None, has_found: bool) -> None:
    """Refuse a name under which there is nothing and never will be; a projection of old code may have left something.

    Raises:
        InvalidInput: nothing was found, and no consumer has this name.
    """
    names = (*composition.current().consumers, Forwarder.name, ARCHIVE)
    if name is not None and not has_found and name not in names:
        raise InvalidInput(f"There is no projection {name}, only {', '.join(names)}.")


def _asked_for(shop: Composition, options: argparse.Namespace) -> list[ParkedStream]:
    streams = shop.parking.list_parked(options.projection)
    if options.all:
        return streams
    found = [stream for stream in streams if stream.stream_id == options.stream]
    if not found:
        raise NotFound(f"Stream {options.stream} is not parked.")
    return found


def _redrive_stream(shop: Composition, stream: ParkedStream) -> dict[str, str]:
    again = _consumer(stream.projection, shop).redrive(stream.stream_id)
    return {
        "consumer": stream.projection,
        "stream or record": str(stream.stream_id),
        "was": f"parked at version {stream.version}",
        "now": "current" if again is None else f"parked at version {again.version}",
        "reason": "" if again is None else again.error,
    }


def _redrive_record(shop: Composition, record: UnreadableRecord) -> dict[str, str]:
    was_read = _redriver_of(record.consumer, shop)(record)
    return {
        "consumer": record.consumer,
        "stream or record": record.sequence_number,
        "was": "unreadable",
        "now": "read" if was_read else "unreadable",
        "reason": "" if was_read else record.error,
    }


def _redriver_of(consumer: str, shop: Composition) -> Callable[[UnreadableRecord], bool]:
    if consumer == Forwarder.name:
        return shop.forwarder.redrive_record
    if consumer == ARCHIVE:
        return shop.archivist.redrive_record
    return _consumer(consumer, shop).redrive_record


def _consumer(name: str, shop: Composition) -> Consumer:
    consumers = shop.consumers
    if name not in consumers:
        raise InvalidInput(f"There is no projection {name}, only {', '.join(consumers)}.")
    return consumers[name]


def _stream_row(stream: ParkedStream) -> dict[str, str]:
    return {
        "projection": stream.projection,
        "stream": str(stream.stream_id),
        "version": str(stream.version),
        "since": stream.parked_at,
        "waiting": str(stream.last_seen - stream.version + 1),
        "reason": stream.error,
    }


def _record_row(record: UnreadableRecord) -> dict[str, str]:
    return {
        "projection": record.consumer,
        "stream": f"record …{record.sequence_number[-12:]}",
        "version": "-",
        "since": record.parked_at,
        "waiting": "-",
        "reason": record.error,
    }


def _stream_record(stream: ParkedStream) -> dict[str, object]:
    return {
        "projection": stream.projection,
        "stream": str(stream.stream_id),
        "version": stream.version,
        "since": stream.parked_at,
        "waiting": stream.last_seen - stream.version + 1,
        "reason": stream.error,
    }


def _unreadable_record(record: UnreadableRecord) -> dict[str, object]:
    return {
        "consumer": record.consumer,
        "shard": record.shard_id,
        "sequence_number": record.sequence_number,
        "since": record.parked_at,
        "error": record.error,
        "data_base64": base64.b64encode(record.data).decode(),
    }
