"""A shop whose log is in memory and whose read models are on real servers, and what a request to it costs."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch
from uuid import UUID

import psycopg
from redis import Redis

from chalicelib import composition, contexts
from chalicelib.composition import Composition
from chalicelib.platform.breaker import Breaker
from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.caller import Actor
from chalicelib.platform.eventsourcing.codec import aggregate_type_of
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.snapshots import MemorySnapshots, Snapshot
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.processes.work import MemoryWorkQueue
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.port import ReadModel
from chalicelib.platform.readmodels.postgres.pool import open_query_pool
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.platform.readmodels.redis.client import open_query_redis
from chalicelib.settings import Settings
from chalicelib.shop.ceilings import Cost
from chalicelib.shop.orders.proofs.registers import MemoryRegisters
from chalicelib.shop.webhooks.signing import SecretBox
from local.keys import LOCAL_ID_KEY, LOCAL_TICKET_KEY
from tests.contract.ceilings.limits import commands_of, limits_of_postgres, limits_of_redis
from tests.support import passes
from tests.support.request_scenario import TokenReader, ask
from tests.support.shop import IDS, Shop
from tests.support.stored import store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BATCH = 500
PATIENCE = 10
"""A busy machine may take so many times as long as a stage. Limits are counted as those of a stage."""


class CountedSnapshots(MemorySnapshots):
    """Counts the requests that snapshots in DynamoDB would take."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0

    def find(self, stream_id: UUID) -> Snapshot | None:
        self.requests += 1
        return super().find(stream_id)

    def save(self, snapshot: Snapshot) -> None:
        self.requests += 1
        super().save(snapshot)


class OpenMasterKey:
    """Wraps nothing, because what it costs to ask KMS is counted with the keys of persons: not at all."""

    def wrap(self, key: bytes, person_id: str) -> bytes:  # noqa: ARG002 - the port has it
        return key

    def unwrap(self, wrapped: bytes, person_id: str) -> bytes:  # noqa: ARG002 - the port has it
        return wrapped


@dataclass
class World:
    """Holds a shop, its read models, and what a container is made of."""

    shop: Shop
    models: Mapping[str, ReadModel]
    redis: Redis
    documents: Callable[[], DocumentProjection]
    dynamodb: "DynamoDBClient"
    read_table: str
    webhook_secrets: SecretBox = field(default_factory=lambda: SecretBox(OpenMasterKey()))
    registers: MemoryRegisters = field(default_factory=MemoryRegisters)
    snapshots: CountedSnapshots = field(default_factory=CountedSnapshots)
    documents_requests: int = 0

    def __post_init__(self) -> None:
        self.queried = {name: self._queried(name) for name in ("programme", "sales")}
        place = self.redis.connection_pool.connection_kwargs
        self.query_redis = open_query_redis(f"redis://{place['host']}:{place['port']}", Breaker("Redis"), PATIENCE)
        counting: Any = self._count_document  # the stubs want a handler that answers
        self.dynamodb.meta.events.register("before-send.dynamodb", counting)

    def _queried(self, name: str) -> PostgresProjection:
        model = cast("PostgresProjection", self.models[name])
        patience = PATIENCE * composition.PATIENCE.get(name, 1)
        pool = open_query_pool(str(model.pool.conninfo), Breaker("The database"), patience=patience)
        context, declared = contexts.read_models()[name]
        return PostgresProjection(name, pool, contexts.projectors_of(name), context.load(declared.shape))

    def _count_document(self, **_: Any) -> None:
        self.documents_requests += 1

    @property
    def log(self) -> MemoryEventStore:
        return cast("MemoryEventStore", self.shop.store)

    def repository(self) -> Repository:
        """The repository of a container that has read nothing yet."""
        return Repository(self.log, self.shop.clock, snapshots=self.snapshots, pause=lambda _: None, ids=lambda: IDS)

    def append(self, stream_id: UUID, events: Sequence[Event]) -> list[StoredEvent]:
        newest = self.log.read_last(stream_id, 1)
        head = Head.of(newest[0]) if newest else None
        stored = store_all(stream_id, events, after=head, now=self.shop.clock())
        for event in stored:
            self.log.append([event])
        return stored

    def follow(self, *stream_ids: UUID) -> None:
        """Let the read models follow these streams."""
        events = [event for key in stream_ids for event in self.log.read(key)]
        for model in self.models.values():
            consumer = Consumer(model, self.log, MemoryParking(), self.shop.clock)
            followed = [event for event in events if aggregate_type_of(event) in model.aggregate_types]
            records = [BusRecord(str(place), to_bus(event)) for place, event in enumerate(followed)]
            for start in range(0, len(records), BATCH):
                assert consumer.consume(records[start : start + BATCH]) == succeeded()


class Container(Composition):
    """A new container of the world's shop: it has read nothing yet."""

    def __init__(self, world: World) -> None:
        keys = Settings(id_key=LOCAL_ID_KEY, guest_key=LOCAL_ID_KEY, ticket_key=LOCAL_TICKET_KEY)
        super().__init__(replace(keys, read_table=world.read_table), world.shop.clock)
        made: Any = self
        made.event_store, made.repository = world.log, world.repository()
        made.vault, made.gateways, made.work_queue = world.shop.vault, world.shop.gateways, MemoryWorkQueue()
        made.webhook_queue, made.webhook_secrets = MemoryWorkQueue(), world.webhook_secrets
        made.dynamodb = world.dynamodb
        made.wallet_keys = passes.wallet_keys(world.shop.clock)
        made.verifier, made.redis, made.query_redis = TokenReader(), world.redis, world.query_redis
        made.counters, made.registers = world.shop.counters, world.registers
        made._queried_models = dict(world.queried)  # noqa: SLF001 - made once for all containers
        self._read_models.update(world.models)
        self._read_models["carts"] = world.documents()

    @property
    def probes(self) -> Mapping[str, Callable[[], object]]:
        programme = cast("PostgresProjection", self.read_model("programme"))
        return {**super().probes, "event_bus": lambda: None, "postgres": programme.pool.probe}


def cost_of(
    world: World,
    actor: Actor | None,
    method: str,
    path: str,
    body: JsonObject | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Cost, Any]:
    """Return the status of a request to a new container, what it cost, and its body."""
    container, usage = Container(world), world.log.usage
    reads, items, requests = usage.reads, usage.items_read, _requests(world)
    commands = commands_of(world.redis)
    with (
        limits_of_postgres() as postgres,
        limits_of_redis() as sent,
        _counting(psycopg.Cursor, "execute") as statements,
    ):
        raw = b"" if body is None else json.dumps(body).encode()
        answer = ask(container, actor, method, path, raw, headers)
    spent = usage.reads - reads, usage.items_read - items, _requests(world) - requests
    patience = 1 if path.startswith("/health") else PATIENCE  # which asks with the clients of consumers
    limits = sum(postgres) // patience, sum(sent) // patience
    ran = commands_of(world.redis) - commands
    return int(answer["statusCode"]), Cost(*spent, len(statements), len(sent), ran, *limits), answer["body"]


def _requests(world: World) -> int:
    return sum(world.log.usage.requests.values()) + world.snapshots.requests + world.documents_requests


@contextmanager
def _counting(owner: type, name: str) -> Iterator[list[str]]:
    """Count the calls of a method while inside."""
    calls: list[str] = []
    method: Callable[..., Any] = getattr(owner, name)

    def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        calls.append(name)
        return method(self, *arguments, **options)

    with patch.object(owner, name, counted):
        yield calls
