"""Compares the formulas with the simulation."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ops.plan.limits import PARTITION_READS, PARTITION_WRITES, Limit
from ops.plan.outlook import Plan
from ops.plan.pages import headline_of_simulation
from ops.plan.simulation.sale import Outcome, Quotas, quantile, simulate
from ops.report import Report, Section

NEW_TABLE_PARTITIONS = 4
LAST = 50
"""The last 2 % of all holds are those of the last tickets."""


def compare(plan: Plan, seed: int) -> Report:
    """Compare both with the quotas that the plan asks for, and the containers that it needs before the opening."""
    with _clock() as on_time:
        outcome = simulate(plan.load, quotas(plan), seed, on_time)
    rows = list(_rows(plan, outcome))
    shown = [
        {
            "figure": name,
            "formula": f"{formula:,.2f}",
            "simulation": f"{simulated:,.2f}",
            "ratio": f"{formula / simulated:.2f}" if simulated else "",
        }
        for name, formula, simulated in rows
    ]
    record = {
        "seed": seed,
        "quotas": vars(quotas(plan)),
        "figures": {name: {"formula": formula, "simulation": simulated} for name, formula, simulated in rows},
        "simulated": _counts(outcome),
    }
    counts = [{"simulated": name, "number": f"{number:,}"} for name, number in _counts(outcome).items()]
    sections = Section("Formula and simulation", shown), Section("What was simulated", counts)
    return Report([], [record], headline=headline_of_simulation(plan), sections=sections)


def quotas(plan: Plan) -> Quotas:
    """Return the quotas that the plan asks for, or the present ones where they suffice."""
    granted = {limit.name: _granted(limit) for limit in plan.limits}
    writes, reads = granted["event log, writes of a new table"], granted["event log, reads of a new table"]
    partitions = max(NEW_TABLE_PARTITIONS, ceil(writes / PARTITION_WRITES), ceil(reads / PARTITION_READS))
    concurrency = int(granted["Lambda, executions at once"])
    return Quotas(granted["API Gateway"], concurrency, partitions, warm=ceil(plan.load.concurrency()))


def _granted(limit: Limit) -> float:
    return limit.given if limit.suffices or not limit.raised_by else limit.to_ask_for


def _rows(plan: Plan, outcome: Outcome) -> Iterator[tuple[str, float, float]]:
    yield "seconds until the last ticket is held", plan.last_ticket(raised=True), outcome.last_hold_at
    plenty, last = outcome.holds[: -len(outcome.holds) // LAST], outcome.holds[-len(outcome.holds) // LAST :]
    for name, share in (("half of all", 0.5), ("99 of 100", 0.99)):
        yield f"milliseconds of a hold, {name}", 1000 * plan.hold_seconds(share), 1000 * quantile(plenty, share)
    slow = 1000 * quantile(last, 0.9)
    yield "milliseconds of a hold of the last tickets, 9 of 10", 1000 * plan.last_hold_seconds(), slow
    yield (
        "milliseconds of a payment, half of all",
        1000 * plan.step_seconds("payment"),
        1000 * quantile(outcome.payments, 0.5),
    )
    yield "lost races of a hold", plan.load.contention.losses, outcome.lost_per_hold
    yield "containers busy at once", plan.load.concurrency(), outcome.peak_concurrency
    yield "requests throttled, of 1,000", 0.0, 1000 * outcome.throttled_share


def _counts(outcome: Outcome) -> dict[str, int]:
    return {
        "buyers who came": outcome.came,
        "holds": len(outcome.holds),
        "payments": len(outcome.payments),
        "refusals": outcome.refused,
        "requests": outcome.requests,
        "busy: 40 lost races": outcome.busy,
        "unavailable: throttled three times": outcome.unavailable,
        "gave up": outcome.gave_up,
        **{f"throttled: {what}": number for what, number in sorted(outcome.throttles.items())},
    }


@contextmanager
def _clock() -> Iterator[Callable[[float], None]]:
    """Show the simulated time on the error stream; nobody knows beforehand when the simulation ends."""
    columns = SpinnerColumn(), TextColumn("Simulating: {task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("the opening")
        yield lambda seconds: bar.update(task, description=f"{seconds:.1f} s after the opening")
