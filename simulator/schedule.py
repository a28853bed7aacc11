"""Runs one schedule from its seed to its findings."""

import hashlib
import logging
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from simulator.background import come_to_rest, start_background
from simulator.coverage import reached
from simulator.customers import add_customers
from simulator.findings import findings
from simulator.opening import put_on_sale
from simulator.refunds import choose_policy
from simulator.scheduler import Line
from simulator.world import World

_CIPHERTEXT = re.compile(r'"\$enc":"[^"]*"')


@dataclass(frozen=True, slots=True)
class ScheduleResult:
    """Holds a schedule's result. `digest` is over the log without ciphertext, which differs in every run."""

    seed: int
    findings: tuple[str, ...]
    reached: frozenset[str]
    digest: str
    steps: int


def run_schedule(
    seed: int, trace: Line | None = None, look: Callable[[World], object] = lambda _: None
) -> ScheduleResult:
    """Run the schedule of this seed, which is the same in every process; `look` sees what it leaves behind."""
    with seeded(seed), silence():
        world = World(seed, trace)
        put_on_sale(world)
        choose_policy(world)
        world.faults.start()
        add_customers(world)
        start_background(world)
        world.scheduler.run()
        if not world.scheduler.failures:
            come_to_rest(world)
        if not world.scheduler.failures:
            for finding in findings(world):
                world.scheduler.fail(finding)
    look(world)
    return ScheduleResult(seed, tuple(world.scheduler.failures), reached(world), _digest(world), world.scheduler.steps)


def _digest(world: World) -> str:
    digest = hashlib.sha256()
    for event in world.log.events():
        text = f"{event.aggregate_id} {event.aggregate_version} {event.created} {_CIPHERTEXT.sub('', event.data)}"
        digest.update(text.encode())
    return digest.hexdigest()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the shop's own random choices: which pool is tried first, and how long a lost race pauses."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


@contextmanager
def silence() -> Iterator[None]:
    """Turn off the log: every fault is logged where it strikes, and here faults are intended."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
