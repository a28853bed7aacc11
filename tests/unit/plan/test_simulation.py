"""The simulated on-sale: one seed, one sale; nothing oversold; races are lost as the real repository loses them."""

from dataclasses import astuple, replace
from random import Random

import pytest
import simpy

from ops.__main__ import main
from ops.plan.comparison import quotas
from ops.plan.demand import OnSale
from ops.plan.load import WRITES_OF_POOL, Load
from ops.plan.measured import measured
from ops.plan.outlook import Plan
from ops.plan.prices import prices_of
from ops.plan.simulation.aws import Bucket, Container, Dynamodb, Lambda
from ops.plan.simulation.sale import quantile, simulate
from ops.plan.simulation.stock import SoldOut, Stock
from ops.plan.timings import Timings
from tests.unit.inventory.test_many_containers import CONTAINERS, HOLDS_EACH, POOLS, lost_races_in_turns

SMALL = Plan(Load(OnSale(600, 6_000, 5), Timings(), measured()), prices_of("eu-west-1"), 1_000)


def stock(env: simpy.Environment, capacities: list[int], seed: int = 0) -> Stock:
    random = Random(seed)
    table = Dynamodb(env, random, Timings(), partitions=1_000)
    return Stock(env, random, table, capacities, dict.fromkeys(WRITES_OF_POOL, 2), dict.fromkeys(WRITES_OF_POOL, 4))


def test_the_same_seed_is_the_same_sale_and_another_one_is_another() -> None:
    first, again, other = (simulate(SMALL.load, quotas(SMALL), seed) for seed in (1, 1, 2))
    assert astuple(first) == astuple(again)
    assert first.holds != other.holds


def test_every_ticket_is_held_once_and_whoever_does_not_leave_pays() -> None:
    sold = simulate(SMALL.load, quotas(SMALL))
    assert len(sold.holds) == 300
    assert 240 < len(sold.payments) < 300
    assert sold.refused > 0
    assert sold.gave_up == 0


def test_fewer_executions_at_once_are_never_exceeded_and_make_it_slower() -> None:
    free, narrow = quotas(SMALL), replace(quotas(SMALL), concurrency=5)
    slow = simulate(SMALL.load, narrow)
    assert slow.peak_concurrency == 5
    assert slow.throttles["lambda"] > 0
    assert slow.last_hold_at > simulate(SMALL.load, free).last_hold_at


def test_a_partition_takes_1000_units_in_a_second_and_refuses_the_next() -> None:
    env = simpy.Environment()
    bucket = Bucket(env, 1_000, 1_000)
    assert all(bucket.take(2) for _ in range(500))
    assert not bucket.take(2)
    env.run(until=0.002)
    assert bucket.take(2)


def test_a_function_gains_1000_containers_at_once_and_100_a_second_after_that() -> None:
    env = simpy.Environment()
    function = Lambda(env, Bucket(env, 1e9, 1e9), concurrency=5_000, warm=0)
    assert sum(function.admit() is not None for _ in range(2_000)) == 1_000
    env.run(until=1.001)
    assert sum(function.admit() is not None for _ in range(2_000)) == 100


def test_containers_in_turns_lose_as_many_races_as_those_of_the_real_repository() -> None:
    """Nobody is in anybody's way: what is lost is lost to what was remembered."""
    env = simpy.Environment()
    pools, random = stock(env, [50] * POOLS), Random(1)
    containers = [Container() for _ in range(CONTAINERS)]
    for _ in range(HOLDS_EACH):
        random.shuffle(containers)
        for container in containers:
            env.run(env.process(pools.hold(container, 1, 0)))
    assert pools.lost["hold"] == pytest.approx(lost_races_in_turns(), rel=0.05)


def test_the_last_tickets_are_taken_over_several_pools_and_then_all_are_refused_by_the_mark() -> None:
    env = simpy.Environment()
    pools, container = stock(env, [1, 1, 1]), Container()
    assert env.run(env.process(pools.hold(container, 3, 0))) == {0: 1, 1: 1, 2: 1}
    assert pools.free == 0
    for someone in (container, Container()):
        with pytest.raises(SoldOut):
            env.run(env.process(pools.hold(someone, 1, 0)))
    assert pools.is_sold_out


def test_a_quantile_is_a_value_that_was_there() -> None:
    assert quantile([3, 1, 2], 0.5) == 2
    assert quantile([3, 1, 2], 0.99) == 3
    assert quantile([], 0.5) == 0


def test_the_command_shows_formula_and_simulation_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--simulate", "--tickets", "200", "--buyers", "1000", "--seed", "7"]) == 0
    shown = capsys.readouterr().out
    assert "seconds until the last ticket is held" in shown
    assert "ratio" in shown
