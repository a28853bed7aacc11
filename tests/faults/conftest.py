"""What tests that take servers away need."""

from collections.abc import Iterator

import pytest

from chalicelib import composition
from tests.journeys.shop import Shop


@pytest.fixture
def everything_up_again(shop: Shop) -> Iterator[None]:
    """The servers run, no breaker is open and the bus is empty when the test has ended, however it ended."""
    yield
    composition.use(None)
    shop.stack.ensure_running()
    shop.settle()
