"""Every read model on real servers, empty: name this module in `pytest_plugins`, and do not import it."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest

from chalicelib.platform.processes.dynamodb import DynamoDBInstances
from chalicelib.platform.processes.runner import ProcessRunner
from chalicelib.platform.processes.work import MemoryWorkQueue
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.port import ReadModel
from chalicelib.platform.readmodels.postgres.pool import open_pool
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.platform.readmodels.redis.client import open_redis
from chalicelib.shop.carts.projections import fold_cart
from chalicelib.shop.concerts.projections import project_concert
from chalicelib.shop.concerts.tables import PROGRAMME
from chalicelib.shop.inventory.projections import availability_projection
from chalicelib.shop.orders.projections import fold_order
from chalicelib.shop.venues.projections import project_venue
from local.emulator import Emulator
from local.migrate import migrate
from local.resources import Aws, create_resources
from local.stack import RESOURCE_FILE, Stack
from local.valkey import Valkey
from tests.support.machinery import PROCESSES

pytest_plugins = ["tests.support.stores"]

MODELS = ["programme", "carts", "availability", "processes"]
DOCUMENTS = {"Cart": fold_cart, "Order": fold_order}
PROJECTORS = {"Venue": project_venue, "Concert": project_concert}


@pytest.fixture(scope="session")
def own_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    running = Valkey(tmp_path_factory.mktemp("models"))
    running.start()
    yield running
    running.process.stop()


@pytest.fixture
def work() -> MemoryWorkQueue:
    """What the processes have had done."""
    return MemoryWorkQueue()


@pytest.fixture
def make_model(request: pytest.FixtureRequest, work: MemoryWorkQueue) -> Iterator[Callable[[str], ReadModel]]:
    """Makes an empty read model with one generation."""
    pools = []

    def programme() -> ReadModel:
        stack: Stack = request.getfixturevalue("stack")
        name = f"models_{uuid4().hex}"
        with psycopg.connect(stack.postgres.url, autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        url = stack.postgres.url.rpartition("/")[0] + f"/{name}"
        migrate(url)
        pools.append(open_pool(url))
        return PostgresProjection("programme", pools[-1], PROJECTORS, PROGRAMME)

    def availability() -> ReadModel:
        valkey: Valkey = request.getfixturevalue("own_valkey")
        valkey.forget_everything()
        return availability_projection(open_redis(valkey.url))

    def table_of(resource: str) -> tuple[Aws, str]:
        emulator: Emulator = request.getfixturevalue("contract_emulator")
        aws = Aws(emulator.url)
        return aws, create_resources(aws, RESOURCE_FILE, {"Stage": uuid4().hex[:12]}).names[resource]

    def carts() -> ReadModel:
        aws, table = table_of("ReadTable")
        made = DocumentProjection("carts", aws.dynamodb, table, DOCUMENTS)
        made.readers_lag = 0.0
        return made

    def processes() -> ReadModel:
        aws, table = table_of("ProcessTable")
        return ProcessRunner(DynamoDBInstances(aws.dynamodb, table), work, PROCESSES)

    makers = {"programme": programme, "carts": carts, "availability": availability, "processes": processes}
    yield lambda name: makers[name]()
    for pool in pools:
        pool.close()


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, make_model: Callable[[str], ReadModel]) -> ReadModel:
    """The read model under contract."""
    return make_model(request.param)
