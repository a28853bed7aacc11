"""Commands on a stream of the log."""

import argparse
import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib import composition
from chalicelib.streams.queries import history as history_of
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def history(options: argparse.Namespace) -> Report:
    """a stream's events, in order, and what each changed"""
    shop = composition.current()
    events = history_of(shop.event_store.read(options.stream), shop.aggregates)
    rows = [
        {
            "version": str(event["aggregate_version"]),
            "created": event["created"],
            "event": event["event_type"].rsplit(".", 1)[-1].removesuffix("Event"),
            "changes": "\n".join(map(_change, event["changes"])),
        }
        for event in events
    ]
    return Report(rows, events)


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("history", help=history.__doc__)
    parser.add_argument("stream", type=UUID, help="the id of a venue, concert, pool, cart, order or account")
    parser.set_defaults(command=history)


def _change(change: dict[str, Any]) -> str:
    return f"{change['path']}: {_short(change['before'])} → {_short(change['after'])}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


_WIDTH = 60
