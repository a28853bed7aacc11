"""Every failure of a server ends in its class: on the write side, the read side, in rebuild and repair.

No server is asked: each operation of each adapter is answered with each code that AWS has for it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest
from botocore.exceptions import ClientError
from redis._parsers.base import BaseParser

from chalicelib.platform import metrics
from chalicelib.platform.archive.s3 import S3Files
from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.dynamodb_parking import DynamoDBParking
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking, ParkedStream, UnreadableRecord
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import AccountErased, Misconfigured, Unavailable
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.snapshots import Snapshot
from chalicelib.platform.eventsourcing.store import ConcurrencyError
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.partiql import Inserts
from chalicelib.platform.eventsourcing.stores.dynamodb.puts import Puts
from chalicelib.platform.eventsourcing.stores.dynamodb.snapshots import DynamoDBSnapshots
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.failures import Failure
from chalicelib.platform.integrity.kms import KmsSigner
from chalicelib.platform.integrity.s3 import S3Archive
from chalicelib.platform.privacy.dynamodb import DynamoDBPersonKeys
from chalicelib.platform.privacy.kms import KmsMasterKey
from chalicelib.platform.processes.dynamodb import DynamoDBInstances
from chalicelib.platform.processes.process import Instance
from chalicelib.platform.processes.sqs import SqsWorkQueue
from chalicelib.platform.processes.work import Task
from chalicelib.platform.readmodels.documents.notebook import Notebook
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.folding import FoldedStream
from chalicelib.platform.readmodels.loading import Loader
from chalicelib.platform.readmodels.port import Generations, GenerationsMoved, Rewrite
from chalicelib.platform.readmodels.postgres.pool import Pool
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.platform.readmodels.postgres.tables import Schema
from chalicelib.platform.readmodels.redis.client import open_redis
from chalicelib.platform.readmodels.redis.model import RedisModel
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.platform.readmodels.verification import Difference, Verifier, catch_up
from chalicelib.shop.carts.events import CartCheckedOut, CartCreated
from chalicelib.shop.carts.projections import fold_cart
from chalicelib.shop.orders.payments.sandbox.dynamodb import DynamoDBLedger
from tests.support.aws_codes import KIND_OF, status_of
from tests.support.faults import FaultyServer
from tests.support.metrics import collected
from tests.support.stored import SOME_TIME, store_all

CART = uuid4()
STREAM: list[StoredEvent] = store_all(CART, [CartCreated(customer_id=uuid4()), CartCheckedOut(order_id=uuid4())])
KEYS = b"0" * 32


class Step(NamedTuple):
    """What an adapter does, by which operation, and what it makes of a request that is called wrong."""

    service: str
    operation: str
    work: Callable[[Any], object]
    wrong: type[Exception] = ClientError


class NoMasterKey:
    """Wraps nothing: the tests are about the table."""

    def wrap(self, key: bytes, person_id: str) -> bytes:
        return key + person_id.encode()

    def unwrap(self, wrapped: bytes, person_id: str) -> bytes:
        return wrapped.removesuffix(person_id.encode())


@cache
def server(service: str) -> FaultyServer:
    return FaultyServer(service)


def put_store(client: Any) -> DynamoDBEventStore:
    return DynamoDBEventStore(client, "events", "marks", Puts)


def partiql_store(client: Any) -> DynamoDBEventStore:
    return DynamoDBEventStore(client, "events", "marks", Inserts)


def carts(client: Any) -> DocumentProjection:
    return DocumentProjection("carts", client, "read", {"Cart": fold_cart})


def parked(last_seen: int = 0) -> ParkedStream:
    return ParkedStream("carts", CART, 0, "why", "2020-01-01T00:00:00.000Z", last_seen)


def rewrite() -> Rewrite:
    contents = fold_cart(None, recorded(STREAM[0]))
    return Rewrite(CART, -1, 0, contents)


INSTANCE = Instance(CART, "Cart", 0, {}, SOME_TIME)
UNREADABLE = UnreadableRecord("carts", "shard", "1", b"?", "why", "2020-01-01T00:00:00.000Z")
SNAPSHOT = Snapshot(CART, 1, "2020-01-01T00:00:00.000Z", "hash", "shape", "{}")
DYNAMODB = partial(Step, "dynamodb")

WRITE_SIDE = {
    "append one, put": DYNAMODB("PutItem", lambda c: put_store(c).append(STREAM[:1])),
    "append two, put": DYNAMODB("TransactWriteItems", lambda c: put_store(c).append(STREAM)),
    "raise an epoch, put": DYNAMODB("TransactWriteItems", lambda c: put_store(c).append(STREAM[:1], [CART])),
    "append one, PartiQL": DYNAMODB("ExecuteStatement", lambda c: partiql_store(c).append(STREAM[:1])),
    "append two, PartiQL": DYNAMODB("ExecuteTransaction", lambda c: partiql_store(c).append(STREAM)),
    "read": DYNAMODB("Query", lambda c: put_store(c).read(CART)),
    "read the last": DYNAMODB("Query", lambda c: put_store(c).read_last(CART, 1)),
    "scan": DYNAMODB("Scan", lambda c: list(put_store(c).scan())),
    "pick": DYNAMODB("BatchGetItem", lambda c: put_store(c).pick([(CART, 0)])),
    "size": DYNAMODB("DescribeTable", lambda c: put_store(c).size()),
    "find a mark": DYNAMODB("GetItem", lambda c: put_store(c).find_result(CART)),
    "keep a verdict": DYNAMODB("UpdateItem", lambda c: put_store(c).store_result(CART, 0, "sold out")),
    "find a snapshot": DYNAMODB("GetItem", lambda c: DynamoDBSnapshots(c, "snapshots").find(CART)),
    "save a snapshot": DYNAMODB("PutItem", lambda c: DynamoDBSnapshots(c, "snapshots").save(SNAPSHOT), Unavailable),
    "find a person's key": DYNAMODB("GetItem", lambda c: person_keys(c).find("somebody")),
    "make a person's key": DYNAMODB("PutItem", lambda c: person_keys(c).get_or_create("somebody")),
    "erase a person's key": DYNAMODB("PutItem", lambda c: person_keys(c).erase("somebody")),
    "find in the ledger": DYNAMODB("GetItem", lambda c: DynamoDBLedger(c, "ledger").find(CART)),
    "list the ledger": DYNAMODB(
        "Scan", lambda c: list(DynamoDBLedger(c, "ledger").list_due(SOME_TIME, SOME_TIME + timedelta(days=1)))
    ),
    "wrap": Step("kms", "Encrypt", lambda c: KmsMasterKey(c, "key").wrap(KEYS, "somebody")),
    "unwrap": Step("kms", "Decrypt", lambda c: KmsMasterKey(c, "key").unwrap(KEYS, "somebody")),
}
READ_SIDE = {
    "position": DYNAMODB("GetItem", lambda c: carts(c).position(CART)),
    "apply": DYNAMODB("PutItem", lambda c: carts(c).apply(CART, -1, [recorded(STREAM[0])])),
    "list": DYNAMODB("Query", lambda c: carts(c).list_of("cart#somebody", 10)),
    "generations": DYNAMODB("GetItem", lambda c: carts(c).fed_generations()),
    "find parked": DYNAMODB("GetItem", lambda c: DynamoDBParking(c, "parked").find("carts", CART)),
    "park": DYNAMODB("PutItem", lambda c: DynamoDBParking(c, "parked").park(parked())),
    "park again": DYNAMODB("PutItem", lambda c: DynamoDBParking(c, "parked").park(parked(1), parked())),
    "release": DYNAMODB("DeleteItem", lambda c: DynamoDBParking(c, "parked").release(parked())),  # it is gone
    "keep": DYNAMODB("PutItem", lambda c: DynamoDBParking(c, "parked").store_unreadable(UNREADABLE)),
    "forget": DYNAMODB("DeleteItem", lambda c: DynamoDBParking(c, "parked").discard_unreadable(UNREADABLE)),
    "list parked": DYNAMODB("Scan", lambda c: DynamoDBParking(c, "parked").list_parked("carts")),
    "count parked": DYNAMODB("Scan", lambda c: DynamoDBParking(c, "parked").count()),
    "find a process": DYNAMODB("GetItem", lambda c: DynamoDBInstances(c, "processes").find(CART)),
    "save a process": DYNAMODB("PutItem", lambda c: DynamoDBInstances(c, "processes").save(INSTANCE, -1)),
    "postpone": DYNAMODB("UpdateItem", lambda c: DynamoDBInstances(c, "processes").postpone(INSTANCE, SOME_TIME)),
    "list due": DYNAMODB("Query", lambda c: DynamoDBInstances(c, "processes").list_due(SOME_TIME, 1)),
    "count tasks": Step("sqs", "GetQueueAttributes", lambda c: SqsWorkQueue(c, "http://queue/1/work").count()),
    "enqueue": Step("sqs", "SendMessageBatch", lambda c: SqsWorkQueue(c, "http://queue/1/work").send([a_task()])),
}
REBUILD_AND_REPAIR = {
    "positions": DYNAMODB("BatchGetItem", lambda c: carts(c).positions([CART])),
    "load": DYNAMODB("BatchGetItem", lambda c: loader(c).load([FoldedStream(CART, rewrite().contents, 0, 0)])),
    "rewrite": DYNAMODB("TransactWriteItems", lambda c: carts(c).rewrite([rewrite()])),
    "compare": DYNAMODB("BatchGetItem", lambda c: verifier(c).compare([FoldedStream(CART, rewrite().contents, 0, 0)])),
    "mend": DYNAMODB("TransactWriteItems", lambda c: verifier(c).repair(Difference(CART, 0, []))),
    "switch": DYNAMODB("PutItem", lambda c: carts(c).change(Generations(), Generations(2, 1, True, 2))),
    "drop": DYNAMODB("Scan", lambda c: carts(c).retain([1])),
    "read a note": DYNAMODB("GetItem", lambda c: Notebook(c, "read", "Id", "verification").read()),
    "write a note": DYNAMODB("PutItem", lambda c: Notebook(c, "read", "Id", "verification").write({})),
    "catch up": DYNAMODB("GetItem", lambda c: catch_up(consumer(c, MemoryParking()), log(), CART)),
}
WITHOUT_EVENTS = {
    "sign": Step("kms", "Sign", lambda c: KmsSigner(c, "key").sign(b"head"), Misconfigured),
    "put a head": Step("s3", "PutObject", lambda c: S3Archive(c, "heads").put("0", 0, b"head"), Misconfigured),
    "list heads": Step("s3", "ListObjectsV2", lambda c: S3Archive(c, "heads").newest("0"), Misconfigured),
    "archive": Step("s3", "PutObject", lambda c: S3Files(c, "archive").put("a", Path(__file__)), Misconfigured),
    "list the archive": Step("s3", "ListObjectsV2", lambda c: S3Files(c, "archive").listed(), Misconfigured),
    "delete": Step("s3", "DeleteObjects", lambda c: S3Files(c, "archive").delete(["a"]), Misconfigured),
}
OUTCOMES: dict[str, object] = {
    "append one, put": ConcurrencyError,
    "raise an epoch, put": ConcurrencyError,
    "append one, PartiQL": ConcurrencyError,
    "keep a verdict": False,
    "save a snapshot": None,
    "make a person's key": AccountErased,
    "apply": PositionMoved,
    "park": False,
    "park again": False,
    "release": True,  # another has released it
    "save a process": PositionMoved,
    "postpone": False,
    "switch": GenerationsMoved,
}
"""What a step with a condition makes of one that does not hold, where nothing stands."""

STEPS = WRITE_SIDE | READ_SIDE | REBUILD_AND_REPAIR | WITHOUT_EVENTS


def person_keys(client: Any) -> DynamoDBPersonKeys:
    return DynamoDBPersonKeys(client, "keys", NoMasterKey())


def log() -> MemoryEventStore:
    store = MemoryEventStore()
    store.append(STREAM)
    return store


def loader(client: Any) -> Loader:
    return Loader(carts(client), log(), carts(client))


def verifier(client: Any) -> Verifier:
    return Verifier(carts(client), log(), MemoryParking())


def consumer(client: Any, parking: Any) -> Consumer:
    return Consumer(carts(client), log(), parking, lambda: SOME_TIME + timedelta(seconds=1))


def a_task() -> Task:
    return Task("settle_order", CART, "cause")


def records(events: Sequence[StoredEvent]) -> list[BusRecord]:
    return [BusRecord(f"sequence {place}", to_bus(event)) for place, event in enumerate(events)]


def test_the_steps_ask_for_what_they_say_and_succeed_when_all_is_well() -> None:
    for name, step in STEPS.items():
        if step.service == "dynamodb" and name != "size":
            step.work(server("dynamodb").client)


@pytest.fixture(autouse=True)
def all_servers_work() -> Iterator[None]:
    yield
    for service in ("dynamodb", "kms", "s3", "sqs"):
        server(service).work_again()


def answered_with(step: Step, code: str, status: int) -> object:
    """What the step raises, or returns."""
    server(step.service).fail(step.operation, code, status)
    try:
        return step.work(server(step.service).client)
    except Exception as error:  # noqa: BLE001 - it is the result
        return error


def is_a_transient_failure(result: object) -> bool:
    return isinstance(result, Unavailable) and not isinstance(result, Misconfigured)


@pytest.mark.parametrize("name", STEPS)
def test_each_code_ends_in_its_class(name: str) -> None:
    step = STEPS[name]
    for code, failure in KIND_OF[step.service].items():
        result = answered_with(step, code, status_of(code))
        if failure is Failure.MISCONFIGURED:
            assert type(result) is Misconfigured, code
        elif code == "TransactionConflictException" and OUTCOMES.get(name) is ConcurrencyError:
            assert type(result) is ConcurrencyError
        elif failure is Failure.TRANSIENT:
            assert is_a_transient_failure(result), code
        elif failure is Failure.POISON or name not in (*OUTCOMES, "put a head"):
            assert type(result).__name__ == result_name(step, code), code


def result_name(step: Step, code: str) -> str:
    """The SDK has a class of its own for each code of its models."""
    if step.wrong is not ClientError:
        return step.wrong.__name__
    return str(server(step.service).client.exceptions.from_code(code).__name__)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("name", STEPS)
def test_a_status_that_says_later_is_transient_whatever_the_code(name: str, status: int) -> None:
    for code in ("NeverHeardOf", "None", ""):
        assert is_a_transient_failure(answered_with(STEPS[name], code, status))


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_condition_that_does_not_hold_is_an_outcome(name: str) -> None:
    result = answered_with(STEPS[name], "ConditionalCheckFailedException", 400)
    expected = OUTCOMES[name]
    assert type(result) is expected if isinstance(expected, type) else result == expected


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_a_place_in_the_archive_that_is_taken_is_an_outcome(code: str) -> None:
    assert answered_with(STEPS["put a head"], code, 409) is False


def test_what_a_deployment_must_mend_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "cloudbash-test-function")
    with metrics.one_line():
        answered_with(STEPS["read"], "AccessDeniedException", 400)
        answered_with(STEPS["apply"], "ResourceNotFoundException", 400)
        answered_with(STEPS["apply"], "ThrottlingException", 400)
    assert collected(capsys.readouterr().out) == {"Misconfigured": 2}


# --- what a consumer and a rebuild make of it --------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["GetItem", "PutItem"])
@pytest.mark.parametrize("code", KIND_OF["dynamodb"])
def test_a_consumer_parks_what_is_poison_and_nothing_else(code: str, operation: str) -> None:
    failure, parking = KIND_OF["dynamodb"][code], MemoryParking()
    dynamodb = server("dynamodb")
    dynamodb.fail(operation, code, status_of(code))
    feed = consumer(dynamodb.client, parking)
    if failure in {Failure.TRANSIENT, Failure.MISCONFIGURED}:
        assert feed.consume(records(STREAM)) == failed_from("sequence 0")
        assert parking.list_parked() == []
        dynamodb.work_again()
        assert feed.consume(records(STREAM)) == succeeded()
    elif operation == "PutItem" and failure is Failure.POISON:
        assert feed.consume(records(STREAM)) == succeeded()
        assert [parked.stream_id for parked in parking.list_parked()] == [CART]


@pytest.mark.parametrize("code", KIND_OF["dynamodb"])
def test_a_consumer_waits_for_the_table_of_parked_streams(code: str) -> None:
    dynamodb, well = server("dynamodb"), FaultyServer("dynamodb")
    feed = consumer(well.client, DynamoDBParking(dynamodb.client, "parked"))
    dynamodb.fail("GetItem", code, status_of(code))
    if KIND_OF["dynamodb"][code] in {Failure.TRANSIENT, Failure.MISCONFIGURED}:
        after_a_gap = records(STREAM[1:])  # only then the table is asked
        assert feed.consume(after_a_gap) == failed_from("sequence 0")


@pytest.mark.parametrize(("code", "status"), [("InternalServerError", 500), ("503", 503), ("Throttling", 400)])
def test_a_store_that_fails_for_a_minute_parks_nothing(code: str, status: int) -> None:
    """A batch that failed comes again at once: many times in a minute."""
    parking, dynamodb = MemoryParking(), server("dynamodb")
    feed = consumer(dynamodb.client, parking)
    for number in range(120):
        dynamodb.fail(["GetItem", "PutItem"][number % 2], code, status)
        assert feed.consume(records(STREAM)) == failed_from("sequence 0")
    dynamodb.work_again()
    assert feed.consume(records(STREAM)) == succeeded()
    assert parking.list_parked() == []


@pytest.mark.parametrize("code", KIND_OF["dynamodb"])
def test_a_rebuild_is_ended_by_a_server_and_not_by_one_stream(code: str) -> None:
    failure, dynamodb = KIND_OF["dynamodb"][code], server("dynamodb")
    streams = [FoldedStream(uuid4(), rewrite().contents, 0, 0), FoldedStream(CART, rewrite().contents, 0, 0)]
    for operation in ("TransactWriteItems", "PutItem"):
        dynamodb.fail(operation, code, status_of(code))
        if operation == "PutItem" or failure is Failure.POISON:
            loader(dynamodb.client).load(streams)
        elif failure in {Failure.TRANSIENT, Failure.MISCONFIGURED}:
            with pytest.raises(Unavailable):
                loader(dynamodb.client).load(streams)


# --- Postgres and Redis ----------------------------------------------------------------------------------------------


class FaultyPool(Pool):
    """A pool of Postgres that gives no connection, and says why."""

    error: psycopg.Error

    def open(self, *_: object, **__: object) -> None:
        raise self.error


@pytest.mark.parametrize("sqlstate", ["08006", "28P01", "3D000", "40P01", "42P01", "53300", "57P03", "58030", "XX001"])
def test_a_postgres_that_fails_for_a_minute_parks_nothing(sqlstate: str) -> None:
    pool, parking = FaultyPool(open=False), MemoryParking()
    pool.error = psycopg.errors.lookup(sqlstate)("a test says so")
    projection = PostgresProjection("carts", pool, {"Cart": lambda _: []}, Schema("carts", {}, Path()))
    feed = Consumer(projection, log(), parking, lambda: SOME_TIME)
    for _ in range(60):
        assert feed.consume(records(STREAM)) == failed_from("sequence 0")
    assert parking.list_parked() == []


@pytest.mark.parametrize(
    "answer",
    [
        "BUSY Redis is busy running a script.",
        "LOADING Redis is loading the dataset in memory",
        "MISCONF Redis is configured to save RDB snapshots",
        "NOAUTH Authentication required.",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.",
    ],
)
def test_a_redis_that_fails_for_a_minute_parks_nothing(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parser: Any = BaseParser

    def refuse(*_: object, **__: object) -> None:
        raise parser.parse_error(answer)

    redis, parking = open_redis("redis://127.0.0.1:9"), MemoryParking()
    monkeypatch.setattr(redis, "execute_command", refuse)
    model = RedisModel("carts", frozenset({"Cart"}), lambda _: [], "", lambda contents, _: contents or {}, {})
    feed = Consumer(RedisProjection(redis, model), log(), parking, lambda: SOME_TIME)
    for _ in range(60):
        assert feed.consume(records(STREAM)) == failed_from("sequence 0")
    assert parking.list_parked() == []
