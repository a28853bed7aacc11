"""Every read model on real servers, empty. A plugin of `tests/conftest.py`: do not import it."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from redis import Redis

from chalicelib import contexts
from chalicelib.functions import PROCESSES as PROCESSES_NAME
from chalicelib.platform.manifest import Store
from chalicelib.platform.processes.dynamodb import DynamoDBInstances
from chalicelib.platform.processes.runner import ProcessRunner
from chalicelib.platform.processes.work import MemoryWorkQueue
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.port import ReadModel
from chalicelib.platform.readmodels.postgres.pool import Pool, open_pool
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.platform.readmodels.postgres.tables import Schema
from chalicelib.platform.readmodels.redis.client import open_redis
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from local.emulator import Emulator
from local.migrate import migrate
from local.resources import Aws, create_resources
from local.stack import RESOURCE_FILE, Stack
from local.valkey import Valkey
from tests.support.machinery import PROCESSES

MODELS = [*contexts.read_models(), PROCESSES_NAME]


@pytest.fixture(scope="session")
def own_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A Redis apart from the stack of the journeys, which tests may stop and empty."""
    running = Valkey(tmp_path_factory.mktemp("models"))
    running.start()
    yield running
    running.process.stop()


@pytest.fixture(scope="session")
def redis(own_valkey: Valkey) -> Redis:
    return open_redis(own_valkey.url)


@pytest.fixture
def work() -> MemoryWorkQueue:
    """What the processes have had done."""
    return MemoryWorkQueue()


class Maker:
    """Makes empty read models with one generation, each in a place of its own."""

    def __init__(self, request: pytest.FixtureRequest, work: MemoryWorkQueue) -> None:
        self.pools: list[Pool] = []
        self._request = request
        self._work = work

    def make(self, name: str) -> ReadModel:
        if name == PROCESSES_NAME:
            aws, table = self._table("ProcessTable")
            return ProcessRunner(DynamoDBInstances(aws.dynamodb, table), self._work, PROCESSES)
        context, declared = contexts.read_models()[name]
        match declared.store:
            case Store.POSTGRES:
                shape: Schema = context.load(declared.shape)
                return PostgresProjection(name, self._database(), contexts.projectors_of(name), shape)
            case Store.DOCUMENTS:
                return self._documents(name)
            case Store.REDIS:
                valkey: Valkey = self._request.getfixturevalue("own_valkey")
                valkey.forget_everything()
                return RedisProjection(open_redis(valkey.url), context.load(declared.shape))

    def _database(self) -> Pool:
        stack: Stack = self._request.getfixturevalue("stack")
        name = f"models_{uuid4().hex}"
        with psycopg.connect(stack.postgres.url, autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        url = stack.postgres.url.rpartition("/")[0] + f"/{name}"
        migrate(url)
        self.pools.append(open_pool(url))
        return self.pools[-1]

    def _documents(self, name: str) -> DocumentProjection:
        aws, table = self._table("ReadTable")
        made = DocumentProjection(name, aws.dynamodb, table, contexts.projectors_of(name))
        made.readers_lag = 0.0
        return made

    def _table(self, resource: str) -> tuple[Aws, str]:
        emulator: Emulator = self._request.getfixturevalue("contract_emulator")
        aws = Aws(emulator.url)
        return aws, create_resources(aws, RESOURCE_FILE, {"Stage": uuid4().hex[:12]}).names[resource]


@pytest.fixture
def make_model(request: pytest.FixtureRequest, work: MemoryWorkQueue) -> Iterator[Callable[[str], ReadModel]]:
    """Makes an empty read model with one generation."""
    maker = Maker(request, work)
    yield maker.make
    for pool in maker.pools:
        pool.close()


@pytest.fixture(scope="module")
def make_lasting_model(request: pytest.FixtureRequest) -> Iterator[Callable[[str], ReadModel]]:
    """Makes an empty read model with one generation for all tests of a module."""
    maker = Maker(request, MemoryWorkQueue())
    yield maker.make
    for pool in maker.pools:
        pool.close()


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, make_model: Callable[[str], ReadModel]) -> ReadModel:
    """The read model under contract."""
    return make_model(request.param)
