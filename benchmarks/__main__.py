"""Measures what the shop costs and how fast it is, against goals and baselines (`make bench`)."""

import argparse
import os
import sys
from collections.abc import Sequence

from rich.progress import Progress

from benchmarks import contention, fold, memory, overhead, rebuild, steps
from benchmarks.clients import running_clients
from benchmarks.machine import describe_machine
from benchmarks.own_stack import own_stack
from benchmarks.report import Record, Section, progress, publish, result_of
from chalicelib.composition import Composition
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from chalicelib.settings import Settings
from local.stack import Stack


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--rebuild", action="store_true", help="also rebuild the programme from 100,000 events")
    options = parser.parse_args(arguments)
    about = describe_machine()
    with progress() as bar:
        in_memory, fold_ratio, of_requests = _of_memory(bar), _of_fold(bar), _of_requests(bar)
        with own_stack() as stack:
            os.environ.update(stack.environment)
            sections = [_of_steps(bar, stack), *in_memory, _of_contention(bar, stack), fold_ratio, of_requests]
            sections += [_of_rebuild(bar)] if options.rebuild else []
    publish(about, sections, as_json=options.json)
    return 0


def _of_steps(bar: Progress, stack: Stack) -> Section:
    from app import app  # noqa: PLC0415 - reads the environment as it is imported
    from local.server import running_server  # noqa: PLC0415

    task = bar.add_task("Cost of each step", total=5)
    with running_server(app) as base_url:
        costs = steps.measure(base_url, stack.issuer, on_done=lambda: bar.advance(task))
    return Section("cost_of_each_step", "DynamoDB; other: all tables except the log", list(map(_step_row, costs)))


def _step_row(cost: steps.StepCost) -> Record:
    return {
        "step": cost.step,
        "requests": cost.log.requests,
        "reads": cost.log.reads,
        "items": cost.log.items,
        "read_units": cost.log.read_units,
        "write_units": cost.log.write_units,
        "other_requests": cost.other.requests,
        "result": result_of(cost.is_met),
        "goal": cost.goal.text if cost.goal else "",
    }


def _of_memory(bar: Progress) -> list[Section]:
    task = bar.add_task("Holds in memory", total=memory.ROUNDS)
    holds = memory.measure(on_round=lambda: bar.advance(task))
    row = {
        "holds_per_cpu_second": round(holds.per_cpu_second),
        "holds_per_second": round(holds.per_second),
        "result": result_of(holds.per_cpu_second > memory.GOAL),
        "goal": f"above {memory.GOAL:,}",
    }
    sections = [Section("holds_in_memory", "the domain on the memory store, one core", [row])]
    if holds.hottest:
        sections.append(Section("hottest_functions", "of a hold in memory, by their own time", holds.hottest))
    return sections


def _of_contention(bar: Progress, stack: Stack) -> Section:
    task = bar.add_task("Holds on one hot concert", total=len(contention.POOLS) * contention.ROUNDS)
    tables = stack.environment["EVENTS_TABLE"], stack.environment["MARKS_TABLE"]
    store = DynamoDBEventStore(stack.aws.dynamodb, *tables)
    with running_clients(contention.CLIENTS, stack.emulator.url, *tables) as clients:
        measured = [
            contention.measure(store, clients, pools, on_round=lambda: bar.advance(task)) for pools in contention.POOLS
        ]
    note = f"{contention.CLIENTS} client processes; raw: transactions of two such items, without rivals"
    return Section("holds_on_one_hot_concert", note, list(map(_contention_row, measured)))


def _contention_row(measured: contention.Contention) -> Record:
    return {
        "pools": measured.pools,
        "holds_per_second": round(measured.holds_per_second),
        "raw_per_second": round(measured.raw_per_second),
        "ratio": round(measured.ratio, 2),
        "conflicts_per_hold": round(measured.conflicts_per_hold, 2),
        "reads_per_hold": round(measured.reads_per_hold, 2),
        "busy": measured.busy,
        "result": result_of(measured.ratio >= contention.GOAL),
        "goal": f"ratio at least {contention.GOAL}",
    }


def _of_fold(bar: Progress) -> Section:
    task = bar.add_task("Folding", total=2)
    rows = [
        {
            "aggregate": measured.aggregate,
            "events_per_second": round(measured.per_second),
            "bare_per_second": round(measured.bare_per_second),
            "ratio": round(measured.ratio, 2),
        }
        for measured in fold.measure(on_done=lambda: bar.advance(task))
    ]
    return Section("fold", "stored JSON to state; bare: pydantic's model_validate_json of the same data", rows)


def _of_requests(bar: Progress) -> Section:
    task = bar.add_task("Overhead of a request", total=overhead.ROUNDS)
    return overhead.measure(on_round=lambda: bar.advance(task))


def _of_rebuild(bar: Progress) -> Section:
    events, model = rebuild.SIZES[0], Composition(Settings.from_environment()).read_model("programme")
    task = bar.add_task("Rebuilding the programme", total=2 * events)
    return rebuild.section([rebuild.measure(model, events, lambda done: bar.advance(task, done))])


if __name__ == "__main__":
    sys.exit(main())
