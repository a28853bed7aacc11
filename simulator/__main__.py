"""Play many schedules, or replay one step by step."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from benchmarks.report import Record, Section, progress, publish
from simulator.coverage import MILESTONES
from simulator.play import Played, play

CHUNK = 25
SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if no schedule broke a promise."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many schedules to play (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--replay", type=int, metavar="SEED", help="play this schedule alone and print every step")
    options = parser.parse_args(arguments)
    if options.replay is not None:
        return _replay(options.replay)
    began = time.perf_counter()
    played = _play_all(range(options.first, options.first + options.seeds), options.jobs)
    failed = [one for one in played if one.findings]
    about = _about(played, len(failed), options.first, options.jobs, time.perf_counter() - began)
    publish(about, _sections(played, failed), as_json=options.json)
    return 1 if failed else 0


def _replay(seed: int) -> int:
    """The findings come last, also in the trace."""
    played = play(seed, print)
    print(f"\nseed {seed}, {played.steps} steps, log {played.digest}")
    print("\n".join(played.findings) or "No promise was broken.")
    return 1 if played.findings else 0


def _play_all(seeds: range, jobs: int) -> list[Played]:
    played: list[Played] = []
    with progress() as bar:
        task = bar.add_task("Schedules", total=len(seeds))
        for some in _played(seeds, jobs):
            played += some
            bar.advance(task, len(some))
    return played


def _played(seeds: range, jobs: int) -> Iterator[list[Played]]:
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(jobs, initializer=_stay_on_one_core) as processes:
        yield from processes.map(_play_some, chunks)


def _play_some(seeds: range) -> list[Played]:
    return [play(seed) for seed in seeds]


def _stay_on_one_core() -> None:
    """Threads of which one runs at a time only lose by changing cores."""
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})


def _about(played: list[Played], failed: int, first: int, jobs: int, seconds: float) -> Record:
    return {
        "schedules": len(played),
        "first_seed": first,
        "processes": jobs,
        "per_minute": round(len(played) / seconds * 60),
        "steps_per_schedule": round(sum(one.steps for one in played) / max(1, len(played))),
        "failed": failed,
    }


def _sections(played: list[Played], failed: list[Played]) -> list[Section]:
    counts = Counter(milestone for one in played for milestone in one.reached)
    rows: list[Record] = [
        {"milestone": name, "schedules": counts[name], "share": f"{counts[name] / max(1, len(played)):.1%}"}
        for name in MILESTONES
    ]
    sections = [Section("reached", "by how many schedules", rows)]
    if failed:
        findings: list[Record] = [{"seed": one.seed, "finding": one.findings[0]} for one in failed[:SHOWN]]
        note = "replay them: python -m simulator --replay SEED"
        sections.append(Section("failed", note, findings))
    return sections


if __name__ == "__main__":
    raise SystemExit(main())
