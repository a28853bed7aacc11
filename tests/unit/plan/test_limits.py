"""What AWS's rules make of a demand, with figures worked out by hand."""

from math import exp

import pytest

from chalicelib.shop.inventory.pool_sizing import MAX_QUANTITY, split_stock
from ops.plan.demand import OnSale
from ops.plan.limits import Limit, limits_of
from ops.plan.load import READERS_OF_THEIR_OWN, Load, consumers
from ops.plan.measured import Measured, Spent, Step
from ops.plan.timings import Contention, Timings, longest_pause

NOTHING = Spent(0, 0, 0, 0)
COUNTED = Measured(
    {
        "concert page": Step(NOTHING, NOTHING, {}, 2, 0, 0, 0),
        "availability": Step(NOTHING, NOTHING, {}, 1, 0, 0, 0),
        "cart": Step(Spent(1, 0, 0, 1), Spent(4, 3, 3, 2), {"Cart": 1}, 1, 1, 900, 1),
        "hold": Step(Spent(3, 2, 2, 6), Spent(4, 3, 3, 2), {"Cart": 4, "TicketPool": 2}, 1, 2, 2_200, 3),
        "checkout": Step(Spent(4, 3, 3, 8), Spent(4, 3, 3, 2), {"Order": 6, "TicketPool": 2}, 1, 3, 3_300, 4),
        "payment": Step(Spent(4, 3, 3, 7), Spent(4, 3, 3, 2), {"Order": 5, "TicketPool": 2}, 1, 3, 3_000, 4),
        "order page": Step(Spent(1, 1, 1, 0), NOTHING, {}, 2, 0, 0, 0),
        "refusal": Step(Spent(2, 2, 2, 0), NOTHING, {}, 1, 0, 0, 0),
    }
)
TIMES = Timings(read_ms=5, write_ms=15, store_ms=5, provider_ms=500, work_ms=10, around_ms=20)


def load(tickets: int = 2_000, buyers: int = 60_000, minutes: float = 10, **others: float) -> Load:
    """100 buyers a second from the first to the last."""
    return Load(OnSale(tickets, buyers, minutes, rush=1, **others), TIMES, COUNTED)


def limit(name: str, of: Load) -> Limit:
    return next(limit for limit in limits_of(of) if limit.name.startswith(name))


def test_pools_are_those_that_the_shop_deals() -> None:
    assert load(tickets=2_000).pools == len(split_stock(2_000)) == 40
    assert load(tickets=MAX_QUANTITY + 50).pools == 90 + 1


def test_a_hold_takes_its_work_its_reads_and_its_transaction() -> None:
    assert TIMES.in_lambda("hold", COUNTED) == pytest.approx((10 + 2 * 5 + 15) / 1000)
    assert TIMES.in_lambda("availability", COUNTED) == pytest.approx((10 + 5) / 1000)
    assert TIMES.in_lambda("payment", COUNTED) == pytest.approx((10 + 3 * 5 + 15 + 500) / 1000)


def test_100_buyers_a_second_who_look_twice_ask_six_times_each_and_four_times_more_to_pay() -> None:
    """There are tickets for all, and nobody is refused."""
    assert load(tickets=1_000_000).requests() == pytest.approx(100 * (2 + 2 + 1 + 1) + 100 * (1 + 1 + 2))


def test_the_sold_out_result_is_one_item_of_which_a_partition_gives_3000_units_a_second() -> None:
    result = limit("one sold-out result", load(retries=2))
    assert result.needed == pytest.approx(100 * 3)
    assert result.given == 3_000
    assert result.suffices
    assert not limit("one sold-out result", load(buyers=60_000 * 11)).suffices


def test_shards_take_1000_records_or_a_megabyte_a_second() -> None:
    """100 carts and holds, 33 checkouts and payments a second: 500 events, of half a megabyte."""
    paying = 1_000 / 30
    assert load().records() == pytest.approx(100 * 3 + paying * 6)
    assert load().record_bytes() == pytest.approx(100 * 3_100 + paying * 6_300)
    assert load().shards() == 1
    assert load(buyers=600_000).shards() == 4


def test_all_consumers_but_the_archives_share_the_two_megabytes_that_a_shard_gives() -> None:
    assert (consumers(), READERS_OF_THEIR_OWN) == (7, 1)
    assert limit("event bus, reading", load()).needed == pytest.approx(6 * load().record_bytes())


def test_a_try_is_lost_when_somebody_commits_between_its_read_and_its_commit() -> None:
    """50 writes a second, and 10 ms from the middle of the read (5 ms) to that of the commit (15 ms)."""
    busy = Contention(writes=50, containers=1e9, timings=TIMES)
    assert busy.lost == pytest.approx(1 - exp(-0.5))
    assert busy.most == pytest.approx(1 / 0.020)
    assert busy.losses == pytest.approx(1 + (exp(0.5) - 1))


def test_without_others_nothing_is_lost() -> None:
    alone = Contention(writes=0, containers=0, timings=TIMES)
    assert (alone.losses, alone.seconds, alone.seconds_at(0.99)) == (0, 0, 0)


def test_at_the_99th_percentile_a_hold_has_lost_as_often_as_99_of_100_do() -> None:
    """Of 100, 39 lose the second try, 15.5 the third, 6.1 the fourth, 2.4 the fifth, 0.9 the sixth: five are lost, the
    first on what was remembered."""
    busy = Contention(writes=50, containers=1e9, timings=TIMES)
    pauses = sum(longest_pause(number) / 2 for number in range(5))
    assert busy.seconds_at(0.99) == pytest.approx(0.015 + 4 * 0.020 + pauses)


def test_what_is_asked_for_has_room_and_two_digits() -> None:
    assert Limit("x", "requests/s", 58_264, 10_000, "Service Quotas", "").to_ask_for == 76_000
    assert Limit("x", "requests/s", 58_264, 10_000, "Service Quotas", "").advice == "Service Quotas to 76,000"


def test_a_limit_that_nobody_raises_says_what_to_do_instead() -> None:
    assert Limit("x", "units/s", 4_000, 3_000, "", "come later").advice == "come later"
    assert Limit("x", "units/s", 3_000, 3_000, "", "come later").advice == ""
