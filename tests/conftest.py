"""The real servers, once per session, and the shop on them."""

import os
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import settings

from chalicelib.platform.aws import clients
from local.migrate import migrate
from local.shutdown import interrupt_when_told_to_end
from local.stack import Stack
from local.throwaway import ThrowawayDirectory
from tests.journeys.shop import Shop, Token, open_shop
from tests.journeys.stage import open_stage, tokens_from
from tests.support import recording

pytest_plugins = [
    "tests.support.counting",
    "tests.support.read_models",
    "tests.support.runtime",
    "tests.support.stores",
]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Pytest would keep the folders of three sessions, keys of stacks among them; ours go with us, whoever ends us."""
    interrupt_when_told_to_end()
    clients.VALIDATES_REQUESTS = True
    settings.register_profile("untimed", deadline=None)  # no test asserts a time, on any machine
    settings.load_profile("untimed")
    if config.getoption("--record-examples"):
        recording.begin()
        config.add_cleanup(recording.write)
    if config.option.basetemp is None:  # a process of xdist has its place in ours
        temporary = ThrowawayDirectory(None)
        config.add_cleanup(temporary.remove)
        config.option.basetemp = temporary.path / "pytest"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where nobody answers, every journey would say so, each after its own while."""
    if base_url := session.config.getoption("--api-url"):
        try:
            httpx.get(f"{base_url}/health")
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            pytest.exit(f"Nobody answers at {base_url}: {error}", returncode=1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--api-url", metavar="URL", help="let the journeys judge the shop there, not one of our own")
    parser.addoption("--record-examples", action="store_true", help="record what the API's document shows as examples")
    parser.addoption(
        "--tokens",
        metavar="SOURCE",
        help="for --api-url: a JSON file, role to list of tokens, or a command with {role} and {person} in it; "
        "else the issuer of the local stack signs",
    )


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """DynamoDB, Kinesis, SQS, Postgres and Redis, empty, on free ports."""
    with ThrowawayDirectory(None) as keys, Stack(keys, migrate=migrate) as running:
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
