"""Defines the commands that make a read model anew: from the log, or from the bus."""

import argparse
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from chalicelib import composition, contexts
from chalicelib.functions import PROCESSES
from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.readmodels.generations import switch
from chalicelib.platform.readmodels.rebuild import PASSES, SEGMENTS, Progress, Rebuilder
from ops.progress import progress
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction

NAMES = (*contexts.read_models(), PROCESSES)
_EXAMPLE = "2030-06-15T20:00:00+02:00"


def rebuild(options: argparse.Namespace) -> Report:
    """Build a read model from the log, compare it with the log and make it live; continue if interrupted."""
    shop = composition.current()
    model, consumer = shop.read_model(options.projection), shop.consumer(options.projection)
    if options.switch_back:
        generations = switch(model)
        return Report(
            [{"projection": model.name, "live": str(generations.live), "candidate": str(generations.candidate)}]
        )
    began = monotonic()
    with progress(f"Rebuilding {model.name}", PASSES * shop.event_store.size()) as advance:
        read = 0

        def tell(made: Progress) -> None:
            nonlocal read
            read += made.events if made.stage == "load" else 0
            advance(made.stage, made.events)

        rebuilt = Rebuilder(model, shop.event_store, shop.parking, consumer).run(options.segments, tell)
    record = {
        "projection": model.name,
        "live": rebuilt.generation,
        "streams": rebuilt.new.streams,
        "streams that differed before": rebuilt.live.different_count,
        "seconds": round(monotonic() - began, 1),
        "events read": read,
        "digest": rebuilt.new.digest,
    }
    return Report([{name: str(value) for name, value in record.items()}], [record])


def replay(options: argparse.Namespace) -> Report:
    """Give a projection the records of the bus again, all of them or those since an instant."""
    shop = composition.current()
    consumer = shop.consumer(options.projection)
    total = 0
    with progress(f"Replaying {options.projection}", 0) as advance:
        for records in shop.event_bus.replay(options.since):
            if consumer.consume(records) != succeeded():
                raise Unavailable("A server is away. Run the command again later.")
            total += len(records)
            advance("bus", len(records))
    return Report([{"projection": options.projection, "records": str(total)}])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("rebuild", help=rebuild.__doc__)
    parser.add_argument("projection", choices=NAMES, help="name the projection")
    parser.add_argument("--switch-back", action="store_true", help="make the previous generation live again")
    parser.add_argument("--segments", type=int, default=SEGMENTS, help="read so many parts of the log at once")
    parser.set_defaults(command=rebuild)
    parser = commands.add_parser("replay", help=replay.__doc__)
    parser.add_argument("projection", choices=NAMES, help="name the projection")
    parser.add_argument("--since", type=_instant, help=f"replay from this instant on, as {_EXAMPLE}")
    parser.set_defaults(command=replay)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no instant; write it as {_EXAMPLE}") from None
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no offset; write it as {_EXAMPLE}")
    return instant
