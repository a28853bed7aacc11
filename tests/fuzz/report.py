"""Prints what a fuzz has found, for people."""

import shlex
from collections import Counter
from collections.abc import Mapping

from benchmarks.report import Section, publish
from tests.fuzz.runs import Found, Plan, Tally

MOST_SHOWN = 25


def publish_found(plan: Plan, tally: Tally, excused: Mapping[str, int], parked: list[str], seconds: float) -> int:
    """Print the counts, and each failure with the command that repeats it; return the status of the command."""
    about = {
        "requests": tally.requests,
        "seed": plan.seed,
        "seconds": round(seconds),
        "failures": len(tally.found),
        "streams_parked": len(parked),
    }
    publish(about, _sections(tally, excused), as_json=False)
    for key, found in list(tally.found.items())[:MOST_SHOWN]:
        print(told(found, tally.times[key], plan))
    if len(tally.found) > MOST_SHOWN:
        print(f"\n… and {len(tally.found) - MOST_SHOWN} more")
    for line in (*tally.broken, *parked):
        print(f"\n{line}")
    return 1 if tally.found or tally.broken or parked else 0


def _sections(tally: Tally, excused: Mapping[str, int]) -> list[Section]:
    checks = [
        {"check": name, "held": counted["success"], "failed": counted["failure"], "broken": counted["error"]}
        for name, counted in sorted(tally.checks.items())
    ]
    callers = [{"caller": caller, **_by_class(counted)} for caller, counted in tally.statuses.items()]
    every: Counter[int] = sum(tally.statuses.values(), Counter())
    statuses = [{"status": str(status), "answers": number} for status, number in sorted(every.items())]
    reasons = [{"reason": reason, "answers": number} for reason, number in sorted(excused.items())]
    return [
        Section("checks", "of schemathesis, all of them", checks),
        Section("callers", "and how they were answered", callers),
        Section("statuses", "of all answers; 0 is none", statuses),
        *([Section("right_refusals", "of what fits the document; no schema says these", reasons)] if reasons else []),
    ]


def _by_class(counted: Mapping[int, int]) -> dict[str, int]:
    classes = Counter[int]()
    for status, number in counted.items():
        classes[status // 100] += number
    return {"requests": classes.total(), **{f"{first}xx": classes[first] for first in (2, 3, 4, 5)}}


def told(found: Found, times: int, plan: Plan) -> str:
    """Describe one kind of failure."""
    return "\n".join(
        [
            f"\n{found.check}: {found.route} ({found.caller}, {found.phase}, {times} times)",
            f"  {found.title}: " + found.message.replace("\n", "\n  "),
            f"  answered: {found.answer}",
            f"  request:  {found.request}",
            f"  repeat:   {repeating(found, plan)}",
        ]
    )


def repeating(found: Found, plan: Plan) -> str:
    """Return the command that asks the same of the same route again, or follows the same links."""
    route = {} if found.phase == "stateful" else {"ROUTE": found.route}
    asked = {"SEED": plan.seed, "EXAMPLES": plan.examples, "CALLER": found.caller, **route}
    return shlex.join(["make", "fuzz", *(f"{name}={value}" for name, value in asked.items())])
