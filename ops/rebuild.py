"""Commands that make a read model anew: from the log, or from the bus."""

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


def rebuild(options: argparse.Namespace) -> Report:
    """build a read model from the log beside the live one, compare them, and switch; go on if interrupted"""
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
    """give a projection the records of the bus again, from an instant on or all that the bus still has"""
    shop = composition.current()
    consumer = shop.consumer(options.projection)
    total = 0
    with progress(f"Replaying {options.projection}", 0) as advance:
        for records in shop.event_bus.replay(options.since):
            if consumer.consume(records) != succeeded():
                raise Unavailable("A server is away; replay again.")
            total += len(records)
            advance("bus", len(records))
    return Report([{"projection": options.projection, "records": str(total)}])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("rebuild", help=rebuild.__doc__)
    parser.add_argument("projection", choices=NAMES)
    parser.add_argument("--switch-back", action="store_true", help="make the generation live again that was before")
    parser.add_argument("--segments", type=int, default=SEGMENTS, help="how many parts of the log are read at once")
    parser.set_defaults(command=rebuild)
    parser = commands.add_parser("replay", help=replay.__doc__)
    parser.add_argument("projection", choices=NAMES)
    parser.add_argument("--since", type=_instant, help="an instant with offset; without it, all that the bus has")
    parser.set_defaults(command=replay)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant needs an offset, as in 2030-06-15T20:00:00+02:00")
    return instant
