"""Who comes when: by hand, and by the areas under the curve."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.plan.demand import OnSale

EVEN = OnSale(tickets=1_000, buyers=6_000, minutes=10, rush=1)


def test_an_even_stream_of_6000_buyers_in_10_minutes_is_10_a_second() -> None:
    assert EVEN.peak == EVEN.arrival_rate(300) == 10
    assert EVEN.arrived(60) == 600
    assert EVEN.when(600) == 60


def test_a_rush_of_three_opens_with_three_times_the_mean_and_all_have_come_in_the_end() -> None:
    rushed = OnSale(tickets=1_000, buyers=6_000, minutes=10, rush=3)
    assert rushed.peak == 30
    assert rushed.arrived(600) == pytest.approx(6_000)
    assert sum(rushed.arrival_rate(second + 0.5) for second in range(600)) == pytest.approx(6_000, rel=1e-4)


def test_500_holds_of_two_take_1000_tickets_and_the_abandoned_tenth_is_sold_again() -> None:
    assert EVEN.stock == 500
    assert EVEN.purchases == pytest.approx(500)
    assert EVEN.holds == pytest.approx(500 / 0.9)
    assert EVEN.refusals == pytest.approx((6_000 - 500 / 0.9) * 3)


def test_too_few_buyers_leave_tickets_and_nobody_is_refused() -> None:
    few = OnSale(tickets=1_000, buyers=100, minutes=10)
    assert not few.sells_out
    assert few.when(few.stock) == inf
    assert few.refusals == 0
    assert few.purchases == 90


@given(
    rush=st.floats(1, 50),
    part=st.floats(0, 1, exclude_max=True),
    buyers=st.integers(1, 10_000_000),
    minutes=st.floats(0.1, 1_000),
)
def test_when_so_many_have_come_so_many_have_come(rush: float, part: float, buyers: int, minutes: float) -> None:
    sale = OnSale(tickets=10, buyers=buyers, minutes=minutes, rush=rush)
    assert sale.arrived(sale.when(part * buyers)) == pytest.approx(part * buyers, rel=1e-6, abs=1e-6)
