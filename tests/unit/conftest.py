"""What several contexts' unit tests need."""

import pytest

from tests.support.machinery import Machinery, machinery


@pytest.fixture
def running() -> Machinery:
    """A shop in memory with all that delivers its events and finishes its processes."""
    return machinery()
