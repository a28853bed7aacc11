"""Lets a crowd buy the same tickets, then checks the log with the oracle: `python -m benchmarks.on_sale`."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from benchmarks.answers import by_code, by_step
from benchmarks.api_process import ApiProcess, running_api
from benchmarks.buyer import Habits
from benchmarks.crowd import Crowd, Sale, run_sale
from benchmarks.log import of_concert, scan
from benchmarks.machine import describe_machine
from benchmarks.own_stack import own_stack
from benchmarks.programme import person, put_on_sale
from benchmarks.report import Record, Section, progress, publish
from benchmarks.usage import Cost, Costs, difference
from chalicelib.settings import STACK_FILE, Settings
from local.__main__ import child
from local.checkout import STATE
from local.issuer import Issuer
from simulator.oracle import OracleReport, Stock, judge, stock_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True)
class Shop:
    """Names the shop. `api` exists for a stack of our own, `log` if the environment names an events table."""

    base_url: str
    issuer: Issuer
    api: ApiProcess | None
    log: "tuple[DynamoDBClient, str] | None"

    def costs(self) -> Costs:
        return self.api.costs() if self.api else {}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    habits = Habits(think_seconds=options.think, impatience=options.impatience)
    crowd = Crowd(options.buyers, options.concurrent, habits, options.seed)
    with _shop(options) as shop, person(shop.base_url, shop.issuer.token("organiser")) as organiser:
        concert = put_on_sale(organiser, options.tickets)
        before = shop.costs()
        with progress() as bar:
            task = bar.add_task("Selling", total=crowd.buyers)
            sale = run_sale(
                crowd, shop.base_url, shop.issuer, concert.ticket_type_id, on_done=lambda: bar.advance(task)
            )
        costs = difference(shop.costs(), before)
        report, stock = _judge(shop, concert.concert_id)
    about: Record = describe_machine() | _summary(crowd, options.tickets, sale)
    if options.url:
        about["store"] = f"behind {options.url}"
    sections = [*_sections(sale), *_cost_sections(costs, stock), *_oracle_sections(report, stock)]
    publish(about, sections, as_json=options.json)
    return 0 if _is_flawless(sale, report, stock) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.on_sale", description=__doc__)
    parser.add_argument("--buyers", type=int, default=500, help="let so many buyers come")
    parser.add_argument("--concurrent", type=int, default=32, help="let so many buy at once")
    parser.add_argument("--tickets", type=int, default=300, help="sell so many tickets")
    parser.add_argument(
        "--think", type=float, default=Habits.think_seconds, help="set the mean seconds between two clicks"
    )
    parser.add_argument(
        "--impatience", type=float, default=Habits.impatience, help="set the share of requests that buyers give up"
    )
    parser.add_argument("--seed", type=int, default=0, help="make the buyers of this seed")
    parser.add_argument("--url", help="use the shop at this address instead of a new one")
    parser.add_argument(
        "--keys",
        type=Path,
        default=STATE,
        help="sign tokens with the keys in this directory, which the shop at --url accepts",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    return parser.parse_args(arguments)


@contextmanager
def _shop(options: argparse.Namespace) -> Iterator[Shop]:
    if options.url:
        os.environ.setdefault(STACK_FILE, str(STATE / "stack.json"))
        table = Settings.from_environment().events_table
        log = (boto3.client("dynamodb"), table) if table else None
        yield Shop(options.url, Issuer.in_directory(options.keys), None, log)
        return
    with ExitStack() as exits:
        stack = exits.enter_context(own_stack())
        api = exits.enter_context(running_api(stack.environment))
        pump = child("the event pump", ["local.pump"], stack.environment)
        exits.callback(pump.stop)
        pump.start()
        yield Shop(api.base_url, stack.issuer, api, (stack.aws.dynamodb, stack.environment["EVENTS_TABLE"]))


def _judge(shop: Shop, concert_id: str) -> tuple[OracleReport, Stock] | tuple[None, None]:
    if shop.log is None:
        return None, None
    log = of_concert(scan(*shop.log), concert_id)
    return (judge(log), stock_of(log, datetime.now(UTC))) if log else (None, None)


def _is_flawless(sale: Sale, report: OracleReport | None, stock: Stock | None) -> bool:
    """Tell whether nothing went wrong: the last buyer asked until nothing was left, so all tickets are held or sold."""
    everything_taken = stock is None or stock.held + stock.sold == stock.capacity
    return everything_taken and (report is None or report.clean) and not any(a.is_failure for a in sale.answers)


def _summary(crowd: Crowd, tickets: int, sale: Sale) -> Record:
    accepted = sum(answer.accepted for answer in sale.answers)
    return {
        "crowd": f"{crowd.buyers} buyers, {crowd.concurrent} at a time, for {tickets} tickets, seed {crowd.seed}",
        "seconds": round(sale.seconds, 1),
        "offered_per_second": round(len(sale.answers) / sale.seconds, 1),
        "accepted_per_second": round(accepted / sale.seconds, 1),
    }


def _sections(sale: Sale) -> list[Section]:
    outcomes = [{"buyers": count, "outcome": str(outcome)} for outcome, count in sale.outcomes.most_common()]
    codes = [{"answers": count, "status and code": code} for code, count in by_code(sale.answers).items()]
    return [
        Section("steps", "milliseconds, as the buyer waits", by_step(sale.answers)),
        Section("answers", "none: the client gave up, and asked again with the same key", codes),
        Section("buyers", "and the last ones, who came until nothing was left", outcomes),
    ]


def _cost_sections(costs: Costs, stock: Stock | None) -> list[Section]:
    """Divide the cost of everything that happened by the number of tickets sold."""
    if not costs or stock is None or not stock.sold:
        return []
    rows = [_cost_row(table, cost, stock.sold) for table, cost in sorted(costs.items()) if cost.requests]
    rows.append(_cost_row("all tables", reduce(Cost.plus, costs.values()), stock.sold))
    note = "DynamoDB, by the API alone, refused and abandoned purchases included"
    return [Section("cost_per_ticket_sold", note, rows)]


def _cost_row(table: str, cost: Cost, sold: int) -> Record:
    return {
        "requests": round(cost.requests / sold, 2),
        "items": round(cost.items / sold, 2),
        "read_units": round(cost.read_units / sold, 2),
        "write_units": round(cost.write_units / sold, 2),
        "conflicts": round(cost.conflicts / sold, 2),
        "table": table,
    }


def _oracle_sections(report: OracleReport | None, stock: Stock | None) -> list[Section]:
    if report is None or stock is None:
        return [
            Section("oracle", "", [{"oracle": "not asked: the environment names no event log that knows this concert"}])
        ]
    row: Record = {"capacity": stock.capacity, "held": stock.held, "sold": stock.sold, **report.counts}
    findings = [{"finding": finding} for finding in report.findings]
    return [
        Section("oracle", "of the oracle, on the log", [row]),
        *([Section("findings", "", findings)] * bool(findings)),
    ]


if __name__ == "__main__":
    sys.exit(main())
