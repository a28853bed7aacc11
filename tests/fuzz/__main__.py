"""Fuzz the API against its document: on a stack of its own, and on this machine only."""

import argparse
import logging
import os
import random
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.own_stack import own_stack
from ops.progress import progress
from tests.fuzz.callers import CALLERS, cast_of
from tests.fuzz.loopback import only_this_machine
from tests.fuzz.report import publish_found
from tests.fuzz.runs import Plan, run

CATCHES_UP_WITHIN = 1800.0
"""Seconds: thousands of changes are delivered at a time, and each event to webhooks that do not answer."""

AS_DEPLOYED = {"WEBHOOK_RECEIVERS": "public"}
"""The document says what deployed stages do, and so no receiver may be on this machine either."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the status is 0 if every check held and every event was applied."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=20_000, help="make about so many requests (%(default)s)")
    parser.add_argument("--seed", type=int, help="repeat the run that named this seed")
    parser.add_argument("--caller", choices=CALLERS, action="append", help="be this caller only; may be repeated")
    parser.add_argument("--route", help='ask this route only, as in "POST /venues"')
    options = parser.parse_args(arguments)
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    plan = Plan(options.examples, seed, tuple(options.caller or CALLERS), options.route)
    logging.disable(logging.WARNING)
    with ExitStack() as exits:
        stack = exits.enter_context(own_stack())
        os.environ.update(stack.environment | AS_DEPLOYED)
        from tests.journeys.shop import open_shop  # noqa: PLC0415 - the app reads the environment as it is imported

        exits.enter_context(only_this_machine())
        shop = exits.enter_context(open_shop(stack))
        cast = cast_of(shop)
        began = time.perf_counter()
        advance = exits.enter_context(progress("Fuzzing", plan.examples, "requests"))
        tally, excused = run(plan, shop.base_url, cast, advance, lambda: shop.pump.drain(CATCHES_UP_WITHIN))
        seconds = time.perf_counter() - began
        from chalicelib import composition  # noqa: PLC0415 - the same

        waiting = composition.current().parking.list_parked(None)
    parked = [f"{one.projection} {one.stream_id}: {one.error}" for one in waiting]
    return publish_found(plan, tally, excused.counts, parked, seconds)


if __name__ == "__main__":
    sys.exit(main())
