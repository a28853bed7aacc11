"""The shop as it would be on AWS, once for all that is asked of it."""

from collections.abc import Iterator

import pytest

from tests.support.deployment import Deployment


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    with Deployment() as running:
        yield running
