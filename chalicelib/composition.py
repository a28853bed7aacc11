"""The only wiring: settings, clients, stores, handlers. Everything is made at first use and kept by the container."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from chalicelib.clock import utc_now
from chalicelib.errors import Unavailable
from chalicelib.eventsourcing.instants import format_instant
from chalicelib.settings import NotConfigured, Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_kinesis.client import KinesisClient
    from redis import Redis

    from chalicelib.archive.archivist import Archivist
    from chalicelib.archive.layout import Files
    from chalicelib.caller import Role
    from chalicelib.delivery.caretaker import Caretaker
    from chalicelib.delivery.consumer import Consumer
    from chalicelib.delivery.documents import DocumentProjection
    from chalicelib.delivery.dynamodb_parking import DynamoDBParking
    from chalicelib.delivery.forwarder import Forwarder
    from chalicelib.delivery.generations import ReadModel
    from chalicelib.delivery.min_versions import MinVersions
    from chalicelib.delivery.postgres import Pool, PostgresProjection, Reader
    from chalicelib.delivery.projection import Projection
    from chalicelib.delivery.redis import RedisProjection
    from chalicelib.eventsourcing.aggregate import Aggregate
    from chalicelib.eventsourcing.dynamodb import AppendingWith, DynamoDBEventStore
    from chalicelib.eventsourcing.repository import Repository
    from chalicelib.evidence.archive import Archive
    from chalicelib.evidence.notary import Notary
    from chalicelib.evidence.statement import Signer
    from chalicelib.http.auth import FileKeys, TokenVerifier
    from chalicelib.orders.payments import PaymentGateway
    from chalicelib.privacy.keys import MasterKey
    from chalicelib.privacy.vault import PersonVault
    from chalicelib.processes.runner import ProcessRunner
    from chalicelib.processes.work import WorkQueue
    from chalicelib.processes.worker import Worker

_QUIET_FOR = timedelta(seconds=10)
_SWEPT_AT_ONCE = 500
"""Pools in one run of the sweep: the rest is swept a minute later."""


class Composition:
    """One container's shop. Heavy libraries are imported by the properties that need them: a Lambda pays for what it
    uses."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
        self.settings = settings
        self.clock = clock

    @cached_property
    def aggregates(self) -> "Mapping[str, Aggregate[Any]]":
        """All of them, by their names."""
        from chalicelib.access.account import ACCOUNT
        from chalicelib.carts.cart import CART
        from chalicelib.concerts.concert import CONCERT
        from chalicelib.inventory.ticket_pool import TICKET_POOL
        from chalicelib.orders.order import ORDER
        from chalicelib.orders.ticket import TICKET
        from chalicelib.venues.venue import VENUE

        return {aggregate.name: aggregate for aggregate in (VENUE, CONCERT, TICKET_POOL, CART, ORDER, TICKET, ACCOUNT)}

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = _client("dynamodb")
        return client

    @cached_property
    def kinesis(self) -> "KinesisClient":
        client: KinesisClient = _client("kinesis")
        return client

    @cached_property
    def event_store(self) -> "DynamoDBEventStore":
        from chalicelib.eventsourcing.dynamodb import DynamoDBEventStore

        tables = self.settings.need("events_table"), self.settings.marks_table
        return DynamoDBEventStore(self.dynamodb, *tables, self._appending_with())

    @cached_property
    def repository(self) -> "Repository":
        from chalicelib.eventsourcing.dynamodb_snapshots import DynamoDBSnapshots
        from chalicelib.eventsourcing.repository import Repository
        from chalicelib.inventory.figures import count_tickets

        self.settings.need("marks_table")
        snapshots = DynamoDBSnapshots(self.dynamodb, self.settings.need("snapshots_table"))
        return Repository(self.event_store, self.clock, snapshots=snapshots, watch=count_tickets)

    @cached_property
    def vault(self) -> "PersonVault":
        from chalicelib.privacy.dynamodb import DynamoDBPersonKeys
        from chalicelib.privacy.vault import PersonVault

        keys = DynamoDBPersonKeys(self.dynamodb, self.settings.need("person_keys_table"), self._master_key())
        return PersonVault(keys)

    @cached_property
    def verifier(self) -> "TokenVerifier":
        from chalicelib.http.auth import RemoteKeys, TokenVerifier

        keys = RemoteKeys(self.settings.jwks_url) if self.settings.jwks_url else self._file_keys()
        return TokenVerifier(keys, self.settings.need("jwt_issuer"), self.settings.need("jwt_audience"))

    @cached_property
    def gateways(self) -> "Mapping[str, PaymentGateway]":
        """The payment providers that the stage admits."""
        makers: dict[str, Callable[[], PaymentGateway]] = {"sandbox": self._sandbox, "stripe": self._stripe}
        return {name: makers[name]() for name in self.settings.payment_providers.split(",") if name in makers}

    @cached_property
    def programme(self) -> "Pool":
        """The database of the programme: concerts and venues, to be searched."""
        from chalicelib.delivery.postgres import open_pool

        return open_pool(self.settings.need("database_url"), self._login)

    def migrate(self) -> list[str]:
        """Bring Postgres to the schema of this code; returns the names of what was applied. Raises MigrationEdited."""
        from chalicelib.delivery.migrate import migrate

        return migrate(self.settings.need("database_url"), login=self._login())

    @cached_property
    def programme_projection(self) -> "PostgresProjection":
        from chalicelib.concerts.concert import CONCERT
        from chalicelib.concerts.projections import project_concert
        from chalicelib.delivery.postgres import PostgresProjection
        from chalicelib.delivery.programme import PROGRAMME
        from chalicelib.venues.projections import project_venue
        from chalicelib.venues.venue import VENUE

        projectors = {VENUE.name: project_venue, CONCERT.name: project_concert}
        return PostgresProjection("programme", self.programme, projectors, PROGRAMME)

    def programme_reflecting(self, least: "MinVersions") -> AbstractContextManager["Reader"]:
        """The programme as new as the reader wants it."""
        return self.programme_projection.reflecting(least, self.event_store)

    @cached_property
    def redis(self) -> "Redis":
        from chalicelib.delivery.redis import open_redis

        return open_redis(self.settings.need("redis_url"))

    @property
    def documents(self) -> "DocumentProjection":
        """Carts and orders by key, to be read. Raises Unavailable."""
        return self.carts_projection.live()

    @cached_property
    def carts_projection(self) -> "DocumentProjection":
        from chalicelib.carts.cart import CART
        from chalicelib.carts.projections import fold_cart
        from chalicelib.delivery.documents import DocumentProjection
        from chalicelib.orders.order import ORDER
        from chalicelib.orders.projections import fold_order

        folds = {CART.name: fold_cart, ORDER.name: fold_order}
        return DocumentProjection("carts", self.dynamodb, self.settings.need("read_table"), folds)

    @cached_property
    def parking(self) -> "DynamoDBParking":
        from chalicelib.delivery.dynamodb_parking import DynamoDBParking

        return DynamoDBParking(self.dynamodb, self.settings.need("parked_table"))

    @cached_property
    def forwarder(self) -> "Forwarder":
        from chalicelib.delivery.forwarder import Forwarder

        return Forwarder(self.kinesis, self.settings.need("event_bus"), self.parking, self.clock)

    @property
    def consumers(self) -> "Mapping[str, Consumer]":
        """Everybody who follows the bus, by the name under which positions and parked streams are kept."""
        followers = (self.programme_consumer, self.carts_consumer, self.availability_consumer, self.processes_consumer)
        return {consumer.projection.name: consumer for consumer in followers}

    @cached_property
    def notary(self) -> "Notary":
        from chalicelib.evidence.notary import Notary

        return Notary(self.heads_archive, self.signer, self.clock)

    @cached_property
    def heads_archive(self) -> "Archive":
        from chalicelib.evidence.s3 import S3Archive

        return S3Archive(_client("s3"), self.settings.need("heads_bucket"))

    @cached_property
    def signer(self) -> "Signer":
        from chalicelib.evidence.keys import FileSigner
        from chalicelib.evidence.kms import KmsSigner

        if self.settings.signing_key_id:
            return KmsSigner(_client("kms"), self.settings.signing_key_id)
        if not self.settings.signing_key_file:
            raise NotConfigured("SIGNING_KEY_ID or SIGNING_KEY_FILE is not set")
        return FileSigner(Path(self.settings.signing_key_file))

    @cached_property
    def archivist(self) -> "Archivist":
        from chalicelib.archive.archivist import Archivist

        return Archivist(self.archived_files, self.parking, self.clock)

    @cached_property
    def archived_files(self) -> "Files":
        from chalicelib.archive.s3 import S3Files

        return S3Files(_client("s3"), self.settings.need("archive_bucket"))

    @cached_property
    def programme_consumer(self) -> "Consumer":
        return self._consumer(self.programme_projection)

    @cached_property
    def carts_consumer(self) -> "Consumer":
        return self._consumer(self.carts_projection)

    @cached_property
    def availability_projection(self) -> "RedisProjection":
        from chalicelib.inventory.projections import availability_projection

        return availability_projection(self.redis)

    @cached_property
    def availability_consumer(self) -> "Consumer":
        return self._consumer(self.availability_projection)

    @cached_property
    def work_queue(self) -> "WorkQueue":
        from chalicelib.processes.sqs import SqsWorkQueue

        return SqsWorkQueue(_client("sqs"), self.settings.need("work_queue_url"))

    @cached_property
    def processes(self) -> "ProcessRunner":
        from chalicelib.concerts.process import ConcertProcess
        from chalicelib.orders.process import CheckoutProcess
        from chalicelib.processes.dynamodb import DynamoDBInstances
        from chalicelib.processes.runner import ProcessRunner

        instances = DynamoDBInstances(self.dynamodb, self.settings.need("process_table"))
        return ProcessRunner(instances, self.work_queue, [CheckoutProcess(), ConcertProcess()])

    @cached_property
    def processes_consumer(self) -> "Consumer":
        return self._consumer(self.processes)

    @property
    def read_models(self) -> "Mapping[str, Callable[[], tuple[ReadModel, Consumer]]]":
        """Every read model by its name, with the consumer that keeps it current; made when they are asked for."""
        return {
            "programme": lambda: (self.programme_projection, self.programme_consumer),
            "carts": lambda: (self.carts_projection, self.carts_consumer),
            "availability": lambda: (self.availability_projection, self.availability_consumer),
            "processes": lambda: (self.processes, self.processes_consumer),
        }

    @cached_property
    def caretaker(self) -> "Caretaker":
        from chalicelib.delivery.caretaker import Caretaker
        from chalicelib.delivery.versioned_items import Notebook

        followed = [make() for make in self.read_models.values()]
        notebook = Notebook(self.dynamodb, self.settings.need("read_table"), "Id", "verification")
        return Caretaker(followed, self.availability_projection, self.event_store, notebook, self.parking, self.clock)

    @cached_property
    def worker(self) -> "Worker":
        from chalicelib.processes.worker import Worker

        return Worker(self.repository, self.gateways, self.work_queue, self.clock)

    def record_lapsed_holds(self) -> int:
        """How many pools were swept. Where something happens, every event drops what has lapsed: so only pools that
        have been quiet are asked. Raises Unavailable."""
        from chalicelib.eventsourcing.codec import Origin
        from chalicelib.inventory.commands import record_lapsed_holds
        from chalicelib.inventory.queries import pools_with_lapsed_holds

        now = self.clock()
        pools = pools_with_lapsed_holds(self.redis, now - _QUIET_FOR, _SWEPT_AT_ONCE)
        return record_lapsed_holds(self.repository, pools, Origin("sweep", str(uuid4()), format_instant(now)))

    @property
    def probes(self) -> Mapping[str, Callable[[], object]]:
        """One cheap question for each server."""
        nobody = UUID(int=0)
        return {
            "event_log": lambda: self.event_store.read(nobody),
            "event_bus": lambda: self.kinesis.describe_stream_summary(StreamName=self.settings.need("event_bus")),
            "read_table": lambda: self.documents.find(nobody),
            "postgres": lambda: self.programme.probe(),
            "redis": lambda: self.redis.ping(),
        }

    def roles_granted_to(self, person_id: UUID) -> "frozenset[Role]":
        from chalicelib.access.commands import granted_roles

        return granted_roles(self.repository, person_id)

    def _sandbox(self) -> "PaymentGateway":
        from chalicelib.orders.dynamodb import DynamoDBLedger
        from chalicelib.orders.sandbox import SandboxGateway

        ledger = DynamoDBLedger(self.dynamodb, self.settings.need("sandbox_table"))
        signs_with = self.settings.sandbox_secret or _secret(self.settings.need("sandbox_secret_id"))
        return SandboxGateway(ledger, self.clock, signs_with, self._hear_the_sandbox)

    def _stripe(self) -> "PaymentGateway":
        """Its secrets are in the environment, or in the secret of Secrets Manager that STRIPE_SECRET_ID names."""
        from chalicelib.orders.stripe import StripeGateway, connect

        settings = self.settings
        if not settings.stripe_secret_id:
            secrets = {"api_key": settings.need("stripe_api_key"), "webhook": settings.need("stripe_webhook_secret")}
        else:
            secrets = json.loads(_secret(settings.stripe_secret_id))
        return StripeGateway(connect(secrets["api_key"], settings.stripe_api_base), secrets["webhook"])

    def _login(self) -> dict[str, str]:
        """Who we are to Postgres, as the secret that RDS rotates says now; nothing where DATABASE_URL says it."""
        if not self.settings.database_secret_id:
            return {}
        secret = json.loads(_secret(self.settings.database_secret_id))
        return {"user": secret["username"], "password": secret["password"]}

    def _hear_the_sandbox(self, body: bytes, headers: Mapping[str, str], delay: timedelta) -> None:
        """The sandbox has no thread to call our webhook with: its call comes straight to where that leads."""
        from chalicelib.orders.webhooks import receive

        with suppress(Unavailable):  # a provider's call that is lost fails no payment
            receive(self.gateways["sandbox"], self.work_queue, body, headers, delay)

    def _appending_with(self) -> "AppendingWith":
        from chalicelib.eventsourcing.dynamodb_partiql import Inserts
        from chalicelib.eventsourcing.dynamodb_puts import Puts

        ways: Mapping[str, AppendingWith] = {"put": Puts, "partiql": Inserts}
        if self.settings.append_with not in ways:
            raise NotConfigured(f"APPEND_WITH is none of {', '.join(ways)}")
        return ways[self.settings.append_with]

    def _consumer(self, projection: "Projection") -> "Consumer":
        from chalicelib import every_event  # noqa: F401 - what it does not follow it must tell from what is no event
        from chalicelib.delivery.consumer import Consumer

        return Consumer(projection, self.event_store, self.parking, self.clock)

    def _master_key(self) -> "MasterKey":
        from chalicelib.privacy.keys import FileMasterKey
        from chalicelib.privacy.kms import KmsMasterKey

        if self.settings.master_key_id:
            return KmsMasterKey(_client("kms"), self.settings.master_key_id)
        if not self.settings.master_key_file:
            raise NotConfigured("MASTER_KEY_ID or MASTER_KEY_FILE is not set")
        return FileMasterKey(Path(self.settings.master_key_file))

    def _file_keys(self) -> "FileKeys":
        from chalicelib.http.auth import FileKeys

        if not self.settings.jwks_file:
            raise NotConfigured("JWKS_URL or JWKS_FILE is not set")
        return FileKeys(Path(self.settings.jwks_file))


def _client(service: str) -> Any:
    """A buyer waits: better a 503 that asks to come back than a request that hangs for the SDK's default minute."""
    import boto3
    from botocore.config import Config

    patience = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=64,
    )
    return boto3.client(service, config=patience)


def _secret(secret_id: str) -> str:
    """Raises Unavailable."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = _client("secretsmanager").get_secret_value(SecretId=secret_id)
    except (BotoCoreError, ClientError) as error:
        raise Unavailable("A secret cannot be read.") from error
    return str(found["SecretString"])


_current: Composition | None = None


def current() -> Composition:
    """The container's composition, made from the environment at first use."""
    global _current  # noqa: PLW0603 - Lambda gives a handler no other place to keep what outlives a request
    if _current is None:
        _current = Composition(Settings.from_environment())
    return _current


def use(composition: Composition | None) -> None:
    """Replace the container's composition; None makes the next use read the environment again. For tests."""
    global _current  # noqa: PLW0603 - see `current`
    _current = composition
