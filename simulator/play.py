"""One schedule from its seed to its findings."""

import hashlib
import logging
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from simulator.backstage import come_to_rest, set_going
from simulator.coverage import reached
from simulator.customers import let_in
from simulator.findings import findings
from simulator.opening import put_on_sale
from simulator.stage import Line
from simulator.world import World

_CIPHERTEXT = re.compile(r'"\$enc":"[^"]*"')


@dataclass(frozen=True, slots=True)
class Played:
    """`digest` is over the whole log, but for ciphertext, which is another in every run."""

    seed: int
    findings: tuple[str, ...]
    reached: frozenset[str]
    digest: str
    steps: int


def play(seed: int, trace: Line | None = None) -> Played:
    """The same seed plays the same schedule, in every process."""
    with _seeded(seed), _silence():
        world = World(seed, trace)
        put_on_sale(world)
        world.faults.start()
        let_in(world)
        set_going(world)
        world.stage.play()
        if not world.stage.failures:
            come_to_rest(world)
        if not world.stage.failures:
            for finding in findings(world):
                world.stage.fail(finding)
    return Played(seed, tuple(world.stage.failures), reached(world), _digest(world), world.stage.steps)


def _digest(world: World) -> str:
    digest = hashlib.sha256()
    for event in world.log.events():
        text = f"{event.aggregate_id} {event.aggregate_version} {event.created} {_CIPHERTEXT.sub('', event.data)}"
        digest.update(text.encode())
    return digest.hexdigest()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The shop's own chance: which pool is tried first, and how long a lost race pauses."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


@contextmanager
def _silence() -> Iterator[None]:
    """Every fault is logged where it strikes; here faults are what is wanted."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
