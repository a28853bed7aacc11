"""The real servers, once per session, and the shop on them."""

import os
from collections.abc import Iterator

import pytest

from local.migrate import migrate
from local.stack import Stack
from tests.journeys.shop import Shop, Token, open_shop
from tests.journeys.stage import open_stage, tokens_from


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--api-url", metavar="URL", help="let the journeys judge the shop there, not one of our own")
    parser.addoption(
        "--tokens",
        metavar="SOURCE",
        help="for --api-url: a JSON file, role to list of tokens, or a command with {role} and {person} in it; "
        "else the issuer of the local stack signs",
    )


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """DynamoDB, Kinesis, SQS, Postgres and Redis, empty, on free ports."""
    with Stack(tmp_path_factory.mktemp("stack"), migrate=migrate) as running:
        os.environ.update(running.environment)
        yield running


@pytest.fixture(scope="session")
def our_shop(stack: Stack) -> Iterator[Shop]:
    with open_shop(stack) as opened:
        yield opened


@pytest.fixture(scope="session")
def _stage_token(request: pytest.FixtureRequest) -> Token:
    return tokens_from(request.config.getoption("--tokens"))


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Shop:
    """The API over HTTP with the pipeline behind it; tests share it and make what they need."""
    if base_url := request.config.getoption("--api-url"):
        return open_stage(base_url, request.getfixturevalue("_stage_token"))
    ours: Shop = request.getfixturevalue("our_shop")
    return ours
