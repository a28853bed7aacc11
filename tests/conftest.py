"""The real servers, once per session, and the shop on them."""

import os
from collections.abc import Iterator

import pytest

from local.migrate import migrate
from local.stack import Stack
from tests.journeys.shop import Shop, open_shop


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """DynamoDB, Kinesis, SQS, Postgres and Redis, empty, on free ports."""
    with Stack(tmp_path_factory.mktemp("stack"), migrate=migrate) as running:
        os.environ.update(running.environment)
        yield running


@pytest.fixture(scope="session")
def shop(stack: Stack) -> Iterator[Shop]:
    """The API over HTTP with the pipeline behind it; tests share it and make what they need."""
    with open_shop(stack) as opened:
        yield opened
