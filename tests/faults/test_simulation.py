"""The simulator of the whole shop: it finds nothing in the shop, and finds what is broken on purpose."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from typing import Any
from uuid import uuid4

import pytest

from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.processes.runner import ProcessRunner
from chalicelib.shop.carts.cart import Cart
from chalicelib.shop.concerts import tasks
from chalicelib.shop.inventory.ticket_pool import TicketPool
from chalicelib.shop.orders.order import Order
from chalicelib.shop.orders.payments.port import Reversals
from chalicelib.shop.orders.payments.sandbox import SandboxGateway
from simulator import background
from simulator.coverage import MILESTONES
from simulator.schedule import ScheduleResult, run_schedule
from simulator.servers import ReferenceProjection

pytestmark = pytest.mark.endurance

FRESH_SEEDS = 150
SEEDS_TO_FIND_A_BUG = 600
ROOT = Path(__file__).parents[2]

Break = Callable[[pytest.MonkeyPatch], None]


def report(result: ScheduleResult) -> str:
    return f"python -m simulator --replay {result.seed}: {'; '.join(result.findings)}"


def first_failure(seeds: range) -> ScheduleResult | None:
    return next((result for seed in seeds if (result := run_schedule(seed)).findings), None)


def test_fresh_schedules_break_no_promise() -> None:
    first = SystemRandom().randrange(10**9)
    failed = first_failure(range(first, first + FRESH_SEEDS))
    assert failed is None, report(failed)


def test_schedules_reach_all_that_they_are_to_prove() -> None:
    missing = set(MILESTONES)
    for seed in range(SEEDS_TO_FIND_A_BUG):
        missing -= run_schedule(seed).reached
        if not missing:
            break
    assert missing == set()


@pytest.mark.parametrize("seed", [1, 7, 1234])
def test_the_same_seed_plays_the_same_schedule_and_says_the_same(seed: int) -> None:
    assert run_schedule(seed) == run_schedule(seed)


def test_the_same_seed_plays_the_same_schedule_in_another_process() -> None:
    code = "from simulator.schedule import run_schedule; print([run_schedule(seed).digest for seed in range(5)])"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True)  # noqa: S603 - our own interpreter
    assert other.stdout.decode().strip() == str([run_schedule(seed).digest for seed in range(5)])


def test_other_seeds_play_other_schedules() -> None:
    assert len({run_schedule(seed).digest for seed in range(10)}) == 10


def test_a_traced_schedule_is_the_same_and_tells_every_step() -> None:
    lines: list[str] = []
    assert run_schedule(3, lines.append) == run_schedule(3)
    assert any("log.append" in line for line in lines)
    assert any("CartItemAdded" in line for line in lines)


def pools_ignore_holds(patch: pytest.MonkeyPatch) -> None:
    def free(pool: TicketPool) -> int:
        return pool.capacity - pool.sold

    patch.setattr(TicketPool, "free", property(free))


def refunds_are_not_looked_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SandboxGateway, "find_reversals", lambda *_: Reversals())


def every_refund_is_asked_for_under_a_new_id(patch: pytest.MonkeyPatch) -> None:
    refund = SandboxGateway.refund
    patch.setattr(SandboxGateway, "refund", lambda gateway, _, *asked: refund(gateway, uuid4(), *asked))


def lost_deliveries_are_not_repaired(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(background, "repair", lambda _: None)


def positions_are_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ReferenceProjection, "position", lambda *_: -1)


def refusals_rest_on_stale_states(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "unproven", frozenset())


def releases_leave_the_sold_out_mark(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "raise_epoch", lambda *_: None)


def repeated_requests_are_not_recognised(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Cart, "has_done", lambda *_: False)


def nobody_watches_deadlines(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProcessRunner, "retry_overdue", lambda *_: 0)


def late_payments_are_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Order, "return_payment", lambda *_: [])


def expiring_orders_do_not_ask_the_provider(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Order, "open_payments", ())


def holds_last_a_minute_less_than_promised(patch: pytest.MonkeyPatch) -> None:
    hold: Callable[..., Any] = TicketPool.hold

    def shorter(
        pool: TicketPool, hold_id: Any, cart_id: Any, quantity: int, now: Any, expires_at: Any, *of: Any
    ) -> Any:
        return hold(pool, hold_id, cart_id, quantity, now, expires_at - 14 * (expires_at - now) / 15, *of)

    patch.setattr(TicketPool, "hold", shorter)


def a_refused_capacity_is_not_given_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TicketPool, "give_back_change", lambda *_: [])


def a_pool_is_lowered_below_what_it_has_sold(patch: pytest.MonkeyPatch) -> None:
    change: Callable[..., Any] = TicketPool.change_capacity

    def lower(pool: TicketPool, *how: Any) -> Any:
        return change(replace(pool, sold=0, held=0, holds={}), *how)

    patch.setattr(TicketPool, "change_capacity", lower)


def nobody_finishes_a_change_of_the_capacity(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tasks, "finish_capacity_change", lambda *_: None)


@pytest.mark.parametrize(
    "break_it",
    [
        pools_ignore_holds,
        refunds_are_not_looked_up,
        every_refund_is_asked_for_under_a_new_id,
        lost_deliveries_are_not_repaired,
        positions_are_not_kept,
        refusals_rest_on_stale_states,
        releases_leave_the_sold_out_mark,
        repeated_requests_are_not_recognised,
        nobody_watches_deadlines,
        late_payments_are_kept,
        expiring_orders_do_not_ask_the_provider,
        holds_last_a_minute_less_than_promised,
        a_refused_capacity_is_not_given_back,
        a_pool_is_lowered_below_what_it_has_sold,
        nobody_finishes_a_change_of_the_capacity,
    ],
)
def test_some_schedule_finds_what_is_broken(break_it: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it(monkeypatch)
    failed = first_failure(range(SEEDS_TO_FIND_A_BUG))
    assert failed is not None
