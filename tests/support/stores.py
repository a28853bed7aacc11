"""Event stores to run one contract against, and shops on them. A plugin of `tests/conftest.py`: do not import it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import boto3
import pytest
from botocore.config import Config

from chalicelib.platform.eventsourcing.snapshots import MemorySnapshots, Snapshots
from chalicelib.platform.eventsourcing.stores.dynamodb.items import event_key
from chalicelib.platform.eventsourcing.stores.dynamodb.partiql import Inserts
from chalicelib.platform.eventsourcing.stores.dynamodb.puts import Puts
from chalicelib.platform.eventsourcing.stores.dynamodb.snapshots import DynamoDBSnapshots
from chalicelib.platform.eventsourcing.stores.dynamodb.store import AppendingWith, DynamoDBEventStore
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from local.emulator import Emulator
from local.resources import REGION, Aws, Resources, create_resources
from tests.support.operations import OPERATIONS, Operations
from tests.support.shop import CountedStore, Shop

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

RESOURCE_FILE = Path(__file__).parents[2] / "infra" / "resources.json"
STORES = ["memory", "dynamodb"]
WAYS: dict[str, AppendingWith] = {"put": Puts, "partiql": Inserts}


@pytest.fixture(scope="session")
def contract_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator apart from the stack of the journeys: what is appended here is no shop's business."""
    emulator = Emulator(tmp_path_factory.mktemp("contract"))
    emulator.begin()
    emulator.wait_ready()
    yield emulator
    emulator.process.stop()


@pytest.fixture(scope="session")
def contract_aws(contract_emulator: Emulator) -> Aws:
    return Aws(contract_emulator.url)


@pytest.fixture(scope="session")
def contract_resources(contract_aws: Aws) -> Resources:
    return create_resources(contract_aws, RESOURCE_FILE, {"Stage": "contract"})


@pytest.fixture(scope="session")
def contract_session() -> boto3.session.Session:
    return boto3.session.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)


@pytest.fixture
def s3(contract_aws: Aws, contract_resources: Resources) -> Any:
    """A client for the emulator's S3. The buckets are there."""
    assert contract_resources.names
    return contract_aws.s3


@pytest.fixture
def client(
    contract_session: boto3.session.Session, contract_emulator: Emulator, contract_resources: Resources
) -> "DynamoDBClient":
    """A client of this test's own, so that it may be given faults. The tables are there."""
    assert contract_resources.names
    config = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2}, max_pool_connections=50)
    made: DynamoDBClient = contract_session.client("dynamodb", endpoint_url=contract_emulator.url, config=config)
    return made


@pytest.fixture(scope="session")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is declared of the log: the events and the marks."""
    declared = json.loads(RESOURCE_FILE.read_text())["Resources"]
    file = tmp_path_factory.mktemp("log") / "resources.json"
    file.write_text(json.dumps({"Resources": {name: declared[name] for name in ("EventsTable", "MarksTable")}}))
    return file


@pytest.fixture
def log_tables(contract_aws: Aws, log_file: Path) -> Resources:
    """A log of this test's own: with every PartiQL transaction the emulator copies the tables that it is about."""
    return create_resources(contract_aws, log_file, {"Stage": uuid4().hex})


@pytest.fixture
def events_table(log_tables: Resources) -> str:
    return log_tables.names["EventsTable"]


@pytest.fixture
def marks_table(log_tables: Resources) -> str:
    return log_tables.names["MarksTable"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How the store in DynamoDB appends."""
    found: str = request.param
    return found


@pytest.fixture
def operations(way: str) -> Operations:
    return OPERATIONS[way]


@pytest.fixture
def dynamodb_store(client: "DynamoDBClient", events_table: str, marks_table: str, way: str) -> DynamoDBEventStore:
    return DynamoDBEventStore(client, events_table, marks_table, WAYS[way])


@pytest.fixture(params=STORES)
def snapshots(request: pytest.FixtureRequest) -> Snapshots:
    """The snapshots under contract."""
    if request.param == "memory":
        return MemorySnapshots()
    resources: Resources = request.getfixturevalue("contract_resources")
    return DynamoDBSnapshots(request.getfixturevalue("client"), resources.names["SnapshotsTable"])


@pytest.fixture(params=["memory", *WAYS])
def store(request: pytest.FixtureRequest) -> CountedStore:
    """The store under contract."""
    if request.param == "memory":
        return MemoryEventStore()
    client: DynamoDBClient = request.getfixturevalue("client")
    tables = request.getfixturevalue("events_table"), request.getfixturevalue("marks_table")
    return DynamoDBEventStore(client, *tables, WAYS[request.param])


@pytest.fixture
def put_stray(store: CountedStore, request: pytest.FixtureRequest) -> Callable[[UUID, int], None]:
    """Puts an item that is no event into the log under contract, behind the store's back."""
    if isinstance(store, MemoryEventStore):
        return store.put_stray
    client: DynamoDBClient = request.getfixturevalue("client")
    table: str = request.getfixturevalue("events_table")

    def put(stream_id: UUID, version: int) -> None:
        client.put_item(TableName=table, Item={**event_key(stream_id, version), "Created": {"S": ""}})

    return put


@pytest.fixture
def shop_on_store(store: CountedStore) -> Shop:
    """A shop on the store under contract."""
    return Shop(store, salt=str(uuid4()))


@pytest.fixture
def memory_store() -> MemoryEventStore:
    return MemoryEventStore()


@pytest.fixture
def memory_shop(memory_store: MemoryEventStore) -> Shop:
    """A shop whose log is in memory, and whose ids are the same in every run."""
    return Shop(memory_store)


@pytest.fixture
def salted_shop(memory_store: MemoryEventStore) -> Shop:
    """A shop in memory whose ids no other shop has: its read models lie on a server that others use."""
    return Shop(memory_store, salt=str(uuid4()))
