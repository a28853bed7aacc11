"""Run many schedules, or replay one step by step."""

import argparse
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.report import Record, Section, progress, publish
from simulator.coverage import MILESTONES
from simulator.processes import in_processes
from simulator.schedule import ScheduleResult, run_schedule

CHUNK = 25
SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the status is 0 if no schedule broke a promise."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="run so many schedules (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="begin with this seed (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="use so many processes (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--replay", type=int, metavar="SEED", help="run only this schedule, and print every step")
    options = parser.parse_args(arguments)
    if options.replay is not None:
        return _replay(options.replay)
    began = time.perf_counter()
    played = _run_all(range(options.first, options.first + options.seeds), options.jobs)
    failed = [one for one in played if one.findings]
    about = _about(played, len(failed), options.first, options.jobs, time.perf_counter() - began)
    publish(about, _sections(played, failed), as_json=options.json)
    return 1 if failed else 0


def _replay(seed: int) -> int:
    """Replay one schedule. The findings come last, also in the trace."""
    played = run_schedule(seed, print)
    print(f"\nseed {seed}, {played.steps} steps, log {played.digest}")
    print("\n".join(played.findings) or "No promise was broken.")
    return 1 if played.findings else 0


def _run_all(seeds: range, jobs: int) -> list[ScheduleResult]:
    played: list[ScheduleResult] = []
    with progress() as bar:
        task = bar.add_task("Schedules", total=len(seeds))
        chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
        for some in in_processes(_run_some, chunks, jobs):
            played += some
            bar.advance(task, len(some))
    return played


def _run_some(seeds: range) -> list[ScheduleResult]:
    return [run_schedule(seed) for seed in seeds]


def _about(played: list[ScheduleResult], failed: int, first: int, jobs: int, seconds: float) -> Record:
    return {
        "schedules": len(played),
        "first_seed": first,
        "processes": jobs,
        "per_minute": round(len(played) / seconds * 60),
        "steps_per_schedule": round(sum(one.steps for one in played) / max(1, len(played))),
        "failed": failed,
    }


def _sections(played: list[ScheduleResult], failed: list[ScheduleResult]) -> list[Section]:
    counts = Counter(milestone for one in played for milestone in one.reached)
    rows: list[Record] = [
        {"milestone": name, "schedules": counts[name], "share": f"{counts[name] / max(1, len(played)):.1%}"}
        for name in MILESTONES
    ]
    sections = [Section("reached", "by how many schedules", rows)]
    if failed:
        findings: list[Record] = [{"seed": one.seed, "finding": one.findings[0]} for one in failed[:SHOWN]]
        note = "replay one: python -m simulator --replay SEED"
        sections.append(Section("failed", note, findings))
    return sections


if __name__ == "__main__":
    raise SystemExit(main())
