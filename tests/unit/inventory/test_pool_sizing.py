"""How a stock is dealt over pools."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.shop.inventory.pool_sizing import MAX_POOL_CAPACITY, MAX_POOLS, MAX_QUANTITY, split_stock


@given(st.integers(min_value=1, max_value=MAX_QUANTITY))
def test_every_ticket_is_dealt_to_at_most_ninety_pools_of_at_most_a_thousand(quantity: int) -> None:
    pools = split_stock(quantity)
    assert sum(pools) == quantity
    assert 1 <= len(pools) <= MAX_POOLS
    assert 1 <= min(pools) <= max(pools) <= MAX_POOL_CAPACITY
    assert max(pools) - min(pools) <= 1


@pytest.mark.parametrize(
    ("quantity", "pools"),
    [(1, [1]), (50, [50]), (51, [26, 25]), (500, [50] * 10), (4_501, [51, *[50] * 89]), (90_000, [1000] * 90)],
)
def test_the_edges_of_splitting_stock(quantity: int, pools: list[int]) -> None:
    assert split_stock(quantity) == pools


def test_the_largest_stock_is_ninety_thousand() -> None:
    assert MAX_QUANTITY == 90_000
