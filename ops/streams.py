"""Defines the command on a stream of the log."""

import argparse
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from chalicelib import composition
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.history import created_at
from chalicelib.platform.http.amounts import OffsetInstant
from chalicelib.shop.streams.queries import history as history_of
from chalicelib.shop.streams.queries import short_name
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def history(options: argparse.Namespace) -> Report:
    """List a stream's events in order, with who caused each and what it changed."""
    shop = composition.current()
    stream = shop.event_store.read(options.stream)
    if not stream:
        raise NotFound(f"There is no stream {options.stream}.")
    until = [event for event in stream if options.as_of is None or created_at(event) <= options.as_of]
    if not until:
        raise NotFound(f"Stream {options.stream} has no event before {options.as_of.isoformat()}.")
    events = history_of(until, shop.aggregates)
    rows = [
        {
            "version": str(event["aggregate_version"]),
            "event": "\n".join(_headline(event)),
            "changes": "\n".join(map(_change, event["changes"])),
        }
        for event in events
    ]
    return Report(rows, events)


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("history", help=history.__doc__)
    parser.add_argument(
        "stream", type=UUID, help="name the stream by the id of a venue, concert, pool, cart, order or account"
    )
    parser.add_argument(
        "--as-of", type=_instant, metavar="INSTANT", help="omit the events after this, as in 2030-06-15T20:00:00Z"
    )
    parser.set_defaults(command=history)


def _instant(text: str) -> datetime:
    try:
        instant: datetime = TypeAdapter(OffsetInstant).validate_python(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
    return instant


def _headline(event: dict[str, Any]) -> list[str]:
    """Return what happened and when, by whom, and for which request, where the log has that."""
    origin = {"by": event["actor_id"], "for": event["causation_id"]}
    return [
        short_name(event["event_type"]),
        event["created"],
        *(f"{word} {who}" for word, who in origin.items() if who),
    ]


def _change(change: dict[str, Any]) -> str:
    return f"{change['path']}: {_text(change['before'])} → {_text(change['after'])}"


def _text(value: Any) -> str:
    return json.dumps(_without_ciphertext(value), ensure_ascii=False)


def _without_ciphertext(value: Any) -> Any:
    """Replace every envelope by a short text: nobody can read it, and its key names the person."""
    if isinstance(value, dict):
        if "$enc" in value:
            return f"sealed with key {value.get('key')}"
        return {name: _without_ciphertext(member) for name, member in value.items()}
    return [_without_ciphertext(member) for member in value] if isinstance(value, list) else value
