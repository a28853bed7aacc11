"""Event stores to run one contract against: name this module in `pytest_plugins`, and do not import it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from chalicelib.eventsourcing.dynamodb import DynamoDBEventStore
from chalicelib.eventsourcing.dynamodb_snapshots import DynamoDBSnapshots
from chalicelib.eventsourcing.memory import MemoryEventStore
from chalicelib.eventsourcing.snapshots import MemorySnapshots, Snapshots
from local.emulator import Emulator
from local.resources import REGION, Aws, Resources, create_resources
from tests.support.shop import CountedStore, Shop

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

RESOURCE_FILE = Path(__file__).parents[2] / "infra" / "resources.json"
STORES = ["memory", "dynamodb"]


@pytest.fixture(scope="session")
def contract_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator apart from the stack of the journeys: what is appended here is no shop's business."""
    emulator = Emulator(tmp_path_factory.mktemp("contract"))
    emulator.begin()
    emulator.wait_ready()
    yield emulator
    emulator.process.stop()


@pytest.fixture(scope="session")
def contract_resources(contract_emulator: Emulator) -> Resources:
    return create_resources(Aws(contract_emulator.url), RESOURCE_FILE, {"Stage": "contract"})


@pytest.fixture(scope="session")
def contract_session() -> boto3.session.Session:
    return boto3.session.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)


@pytest.fixture
def client(
    contract_session: boto3.session.Session, contract_emulator: Emulator, contract_resources: Resources
) -> "DynamoDBClient":
    """A client of this test's own, so that it may be given faults. The tables are there."""
    assert contract_resources.names
    config = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2}, max_pool_connections=50)
    made: DynamoDBClient = contract_session.client("dynamodb", endpoint_url=contract_emulator.url, config=config)
    return made


@pytest.fixture
def events_table(contract_resources: Resources) -> str:
    return contract_resources.names["EventsTable"]


@pytest.fixture
def marks_table(contract_resources: Resources) -> str:
    return contract_resources.names["MarksTable"]


@pytest.fixture
def dynamodb_store(client: "DynamoDBClient", events_table: str, marks_table: str) -> DynamoDBEventStore:
    return DynamoDBEventStore(client, events_table, marks_table)


@pytest.fixture(params=STORES)
def snapshots(request: pytest.FixtureRequest) -> Snapshots:
    """The snapshots under contract."""
    if request.param == "memory":
        return MemorySnapshots()
    resources: Resources = request.getfixturevalue("contract_resources")
    return DynamoDBSnapshots(request.getfixturevalue("client"), resources.names["SnapshotsTable"])


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> CountedStore:
    """The store under contract. Streams are made with new ids, so that tests share one table."""
    if request.param == "memory":
        return MemoryEventStore()
    found: DynamoDBEventStore = request.getfixturevalue("dynamodb_store")
    return found


@pytest.fixture
def shop_on_store(store: CountedStore) -> Shop:
    """A shop on the store under contract."""
    return Shop(store, salt=str(uuid4()))
