"""Explains one stream: what the log has, and how far each projection has come."""

import argparse
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.errors import NotFound, Unavailable
from chalicelib.platform.eventsourcing.chain import faults_in
from chalicelib.platform.eventsourcing.codec import aggregate_type_of
from chalicelib.platform.eventsourcing.stored import StoredEvent
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def explain(options: argparse.Namespace) -> Report:
    """Show how far each projection has come with a stream, which events are missing, and why."""
    shop = composition.current()
    events = shop.event_store.read(options.stream)
    if not events:
        raise NotFound(f"There is no stream {options.stream}.")
    log = _in_the_log(events)
    kind = aggregate_type_of(events[0])
    followers = [
        _in(consumer, shop, options.stream, events)
        for consumer in shop.consumers.values()
        if kind in consumer.projection.aggregate_types
    ]
    return Report([_row(place) for place in (log, *followers)], [log, *followers])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("explain", help=explain.__doc__)
    parser.add_argument(
        "stream", type=UUID, help="name the stream by the id of a venue, concert, pool, cart, order or account"
    )
    parser.set_defaults(command=explain)


def _in_the_log(events: list[StoredEvent]) -> dict[str, Any]:
    faults = faults_in(events)
    return {
        "where": "the log",
        "version": events[-1].aggregate_version,
        "state": "damaged" if faults else "sound",
        "first": events[0].aggregate_version,
        "events": len(events),
        "last_created": events[-1].created,
        "missing": [],
        "why": "; ".join(f"version {fault.version} {fault.reason}" for fault in faults),
    }


def _in(consumer: Consumer, shop: Composition, stream_id: UUID, events: list[StoredEvent]) -> dict[str, Any]:
    name = consumer.projection.name
    try:
        position = consumer.position(stream_id)
        parked = shop.parking.find(name, stream_id)
    except Unavailable as error:
        return {"where": name, "version": None, "state": "unavailable", "missing": [], "why": error.detail}
    missing = [event.aggregate_version for event in events if event.aggregate_version > position]
    state = "parked" if parked else "behind" if missing else "current"
    why = f"version {parked.version} since {parked.parked_at}: {parked.error}" if parked else ""
    return {"where": name, "version": position, "state": state, "missing": missing, "why": why}


def _row(place: dict[str, Any]) -> dict[str, str]:
    return {
        "where": place["where"],
        "version": "-" if place["version"] is None else str(place["version"]),
        "state": place["state"],
        "missing": _ranges(place["missing"]),
        "why": place["why"],
    }


def _ranges(versions: list[int]) -> str:
    """Format the missing versions, which are always the last ones."""
    if not versions:
        return ""
    return str(versions[0]) if len(versions) == 1 else f"{versions[0]}–{versions[-1]}"
