"""Defines the command that plans an on-sale."""

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING

from ops.numbers import MOST, not_negative, number, positive, whole
from ops.plan.buses import buses_of
from ops.plan.demand import OnSale
from ops.plan.load import Load
from ops.plan.measured import measured
from ops.plan.outlook import Plan
from ops.plan.pages import MEANINGS, buses_section, headline, record, sections
from ops.plan.prices import prices_of
from ops.plan.timings import Timings
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def plan(options: argparse.Namespace) -> Report:
    """Calculate whether an on-sale can be sold, how long it takes, what it costs and which quotas it needs."""
    sale = OnSale(**{field.name: getattr(options, field.name) for field in fields(OnSale)})
    timings = Timings(**{field.name: getattr(options, field.name) for field in fields(Timings)})
    planned = Plan(Load(sale, timings, measured()), prices_of(options.region), options.quiet_purchases)
    if options.buses:
        buses = buses_of(planned.load, planned.prices)
        return Report([], [vars(bus) for bus in buses], sections=(buses_section(buses),))
    if options.simulate:
        from ops.plan.comparison import compare  # noqa: PLC0415 - simpy is needed for this alone

        return compare(planned, options.seed)
    return Report([], [record(planned)], headline=headline(planned, options.price), sections=sections(planned))


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("plan", help=plan.__doc__)
    for name, kind in {"tickets": whole, "buyers": whole, "minutes": positive}.items():
        default = {"tickets": 80_000, "buyers": 1_000_000, "minutes": 10.0}[name]
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"{MEANINGS[name]} ({default:,.0f})")
    kinds = {"tickets_per_order": _at_least_one, "rush": _at_least_one, "abandoned": _share}
    for made in (OnSale, Timings):
        for field in fields(made)[3 if made is OnSale else 0 :]:
            kind = kinds.get(field.name, not_negative)
            option = f"--{field.name.replace('_', '-')}"
            parser.add_argument(
                option, type=kind, default=field.default, help=f"{MEANINGS[field.name]} ({field.default:g})"
            )
    parser.add_argument("--price", type=positive, default=50.0, help="dollars that a ticket costs (50)")
    parser.add_argument(
        "--quiet-purchases", type=whole, default=1_000, help="purchases in a month without an on-sale (1,000)"
    )
    parser.add_argument("--region", default="eu-west-1", help="take the prices of this region (eu-west-1)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--buses", action="store_true", help="compare AWS's event buses for this on-sale")
    what.add_argument("--simulate", action="store_true", help="compare the plan with a simulation of the first seconds")
    parser.add_argument("--seed", type=int, default=0, help="seed the simulation with this number (0)")
    parser.set_defaults(command=plan)


_at_least_one = number(lambda number: 1 <= number <= MOST, "1 or more")
_share = number(lambda number: 0 <= number < 1, "at least 0 and less than 1")
