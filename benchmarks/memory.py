"""Measures holds on the memory store, on one core: what the domain alone can do."""

import cProfile
import pstats
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from benchmarks.holds import HOLD_FOR, ORIGIN, caller, new_cart, pool_openings
from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.carts.commands import add_item
from chalicelib.shop.inventory.commands import open_pools
from chalicelib.shop.inventory.pool_sizing import split_stock

TICKETS = 5_000
ROUNDS = 3
PROFILED = 1_000
HOTTEST = 8
GOAL = 5_000


@dataclass(frozen=True)
class MemoryHolds:
    """Holds medians of the rounds. `per_cpu_second` divides by processor time, `per_second` by elapsed time."""

    holds: int
    per_second: float
    per_cpu_second: float
    hottest: list[dict[str, Any]]


def measure(on_round: Callable[[], None] = lambda: None) -> MemoryHolds:
    """Take half of the concert's `TICKETS` tickets one by one, each into a cart of its own."""
    walls, cpus = [], []
    for _ in range(ROUNDS):
        repository, ticket_type_id, carts = _concert()
        wall, cpu = time.perf_counter(), time.process_time()
        _take(repository, ticket_type_id, carts)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        on_round()
    per_cpu_second = TICKETS // 2 / _median(cpus)
    hottest = _hottest() if per_cpu_second < GOAL else []
    return MemoryHolds(TICKETS // 2 * ROUNDS, TICKETS // 2 / _median(walls), per_cpu_second, hottest)


def _concert() -> tuple[Repository, UUID, list[UUID]]:
    repository, ticket_type_id = Repository(MemoryEventStore(), utc_now), uuid4()
    capacities = split_stock(TICKETS)
    openings = pool_openings(ticket_type_id, len(capacities), capacities[0])
    repository.execute(partial(open_pools, openings=openings), ORIGIN)
    return repository, ticket_type_id, [new_cart(repository) for _ in range(TICKETS // 2)]


def _take(repository: Repository, ticket_type_id: UUID, carts: list[UUID]) -> None:
    for cart_id in carts:
        add_item(repository, caller(), cart_id, ticket_type_id, 1, HOLD_FOR)


def _hottest() -> list[dict[str, Any]]:
    """List the functions with the most time of their own. The profiler's cost makes small ones look larger."""
    repository, ticket_type_id, carts = _concert()
    profile = cProfile.Profile()
    profile.runcall(_take, repository, ticket_type_id, carts[:PROFILED])
    stats = pstats.Stats(profile).get_stats_profile()
    functions = sorted(stats.func_profiles.items(), key=lambda entry: -entry[1].tottime)[:HOTTEST]
    return [
        {
            "function": f"{'/'.join(function.file_name.split('/')[-2:])}:{function.line_number} {name}",
            "calls_per_hold": round(int(str(function.ncalls).split("/")[0]) / PROFILED, 1),
            "share": round(function.tottime / stats.total_tt, 3),
        }
        for name, function in functions
    ]


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
