"""Runs schedules in several processes."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Work = TypeVar("Work")
Result = TypeVar("Result")


def in_processes(run: Callable[[Work], Result], work: Sequence[Work], jobs: int) -> Iterator[Result]:
    """Yield the results in the order of the work."""
    with ProcessPoolExecutor(jobs, initializer=_stay_on_one_core) as processes:
        yield from processes.map(run, work)


def _stay_on_one_core() -> None:
    """Stay on one core: threads of which one runs at a time only lose by changing cores."""
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})
