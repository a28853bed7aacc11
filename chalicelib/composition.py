"""Wires settings, clients, stores and handlers together; each is made at its first use, once a container."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from chalicelib import contexts
from chalicelib.functions import PROCESSES
from chalicelib.platform.breaker import Breaker
from chalicelib.platform.clock import utc_now
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.function import WORK_QUEUE
from chalicelib.platform.manifest import Store
from chalicelib.settings import PRINTED_HERE, NotConfigured, Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from redis import Redis

    from chalicelib.platform.archive.archivist import Archivist
    from chalicelib.platform.archive.layout import Files
    from chalicelib.platform.bus.consumer import Consumer
    from chalicelib.platform.bus.dynamodb_parking import DynamoDBParking
    from chalicelib.platform.bus.forwarder import Forwarder
    from chalicelib.platform.bus.port import ReplayableBus
    from chalicelib.platform.caller import Grants, KeyGrant, TeamRole
    from chalicelib.platform.counters.port import Counters
    from chalicelib.platform.eventsourcing.aggregate import Aggregate
    from chalicelib.platform.eventsourcing.event import JsonObject
    from chalicelib.platform.eventsourcing.repository import Repository
    from chalicelib.platform.eventsourcing.store import EventStore
    from chalicelib.platform.eventsourcing.stores.dynamodb.store import AppendingWith, DynamoDBEventStore
    from chalicelib.platform.eventsourcing.streams import Streams
    from chalicelib.platform.http.auth import CredentialVerifier, FileKeys
    from chalicelib.platform.http.guest_tokens import GuestTokens
    from chalicelib.platform.ids import IdKey
    from chalicelib.platform.integrity.head_signer import HeadSigner
    from chalicelib.platform.integrity.heads import Archive
    from chalicelib.platform.integrity.statement import Signer
    from chalicelib.platform.mail.port import MailSender
    from chalicelib.platform.privacy.keys import MasterKey
    from chalicelib.platform.privacy.sign_ins import SignIns
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.processes.dynamodb import DynamoDBInstances
    from chalicelib.platform.processes.runner import ProcessRunner
    from chalicelib.platform.processes.work import WorkQueue
    from chalicelib.platform.processes.worker import Worker
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection
    from chalicelib.platform.readmodels.min_versions import MinVersions
    from chalicelib.platform.readmodels.port import ReadModel
    from chalicelib.platform.readmodels.postgres.pool import Pool, Reader
    from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
    from chalicelib.platform.readmodels.reconciler import Reconciler
    from chalicelib.platform.readmodels.redis.projection import RedisProjection
    from chalicelib.shop.access.commands import Accounts
    from chalicelib.shop.access.key_use import KeyUse
    from chalicelib.shop.inventory.stock_from_log import StockFromLog
    from chalicelib.shop.mails.letters import Links
    from chalicelib.shop.orders.doors.book import CodeBook
    from chalicelib.shop.orders.doors.keys import TicketKeys
    from chalicelib.shop.orders.guest_limit import GuestLimit
    from chalicelib.shop.orders.paper.port import Paper
    from chalicelib.shop.orders.payments.declines import DeclineLimit
    from chalicelib.shop.orders.payments.pace import Pace
    from chalicelib.shop.orders.payments.port import PaymentGateway
    from chalicelib.shop.orders.proofs.proving import CertifiedRegisters
    from chalicelib.shop.orders.proofs.registers import Registers
    from chalicelib.shop.orders.ticket_files import TicketFiles
    from chalicelib.shop.orders.wallets.keys import WalletKeys
    from chalicelib.shop.webhooks.deliveries import DeliveryLog
    from chalicelib.shop.webhooks.signing import SecretBox
    from chalicelib.shop.webhooks.transport import Receivers


PATIENCE = {"sales": 8.0}
"""How much longer than others the queries of a read model may take."""


class Composition:
    """One container's shop.

    Heavy libraries are imported by the properties that need them, so a function pays only for what it uses (ADR 19).
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
        self.settings = settings
        self.clock = clock
        self._read_models: dict[str, ReadModel] = {}
        self._consumers: dict[str, Consumer] = {}
        self._queried_models: dict[str, PostgresProjection] = {}

    @cached_property
    def aggregates(self) -> "Mapping[str, Aggregate[Any]]":
        """Return all aggregates by their names."""
        return contexts.aggregates()

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = _client("dynamodb")
        return client

    @cached_property
    def event_store(self) -> "DynamoDBEventStore":
        from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore

        tables = self.settings.need("events_table"), self.settings.marks_table
        return DynamoDBEventStore(self.dynamodb, *tables, self._appending_with())

    @cached_property
    def repository(self) -> "Repository":
        from chalicelib.platform.eventsourcing.repository import Repository
        from chalicelib.platform.eventsourcing.stores.dynamodb.snapshots import DynamoDBSnapshots
        from chalicelib.shop.inventory.sale_metrics import record_sale_metrics

        self.settings.need("marks_table")
        snapshots = DynamoDBSnapshots(self.dynamodb, self.settings.need("snapshots_table"))
        return Repository(
            self.event_store, self.clock, snapshots=snapshots, watch=record_sale_metrics, ids=lambda: self.ids
        )

    @cached_property
    def ids(self) -> "IdKey":
        """Return the key from which ids follow: from ID_KEY, or from Secrets Manager, once.

        Raises Unavailable.
        """
        from chalicelib.platform.ids import IdKey

        return IdKey(self.settings.id_key or _secret(self.settings.need("id_key_secret_id")))

    @cached_property
    def ticket_keys(self) -> "TicketKeys":
        """Return the keys that sign tickets: from TICKET_KEY, or from Secrets Manager, once; one a line, newest first.

        Raises Unavailable.
        """
        from chalicelib.shop.orders.doors.keys import TicketKeys

        secret = self.settings.ticket_key or _secret(self.settings.need("ticket_key_secret_id"))
        return TicketKeys(secret.split())

    @cached_property
    def code_book(self) -> "CodeBook":
        from chalicelib.shop.orders.doors.book import CodeBook

        return CodeBook(self.repository, lambda: self.ticket_keys, self.clock)

    @cached_property
    def wallet_keys(self) -> "WalletKeys":
        """Return what signs passes for wallets: from WALLETS_FILE, or from Secrets Manager; most shops have neither."""
        from chalicelib.shop.orders.wallets.keys import WalletKeys

        return WalletKeys(self._wallets_secret, self.clock)

    def _wallets_secret(self) -> str:
        if self.settings.wallets_file:
            return Path(self.settings.wallets_file).read_text()
        return _secret(self.settings.wallets_secret_id) if self.settings.wallets_secret_id else ""

    @cached_property
    def paper(self) -> "Paper":
        """Return what prints tickets: the function of paper, or this process."""
        from chalicelib.shop.orders.paper.port import PaperElsewhere, PaperHere

        if self.settings.paper_function == PRINTED_HERE:
            return PaperHere()
        from chalicelib.platform.aws.invoking import Invoker

        return PaperElsewhere(Invoker(self.settings.paper_function, "The printer"))

    @cached_property
    def ticket_files(self) -> "TicketFiles":
        from chalicelib.shop.orders.ticket_files import TicketFiles

        write, opened = self.code_book.write, self.vault.open
        return TicketFiles(self.event_store, self.repository, write, opened, self.paper, self.clock)

    @cached_property
    def printer(self) -> "Callable[[JsonObject], JsonObject]":
        """Return what prints the tickets of a job, with its template and its fonts read."""
        from chalicelib.shop.orders.paper.port import print_job
        from chalicelib.shop.orders.paper.printing import warm_up

        warm_up()
        return print_job

    @cached_property
    def vault(self) -> "PersonVault":
        from chalicelib.platform.privacy.dynamodb import DynamoDBPersonKeys
        from chalicelib.platform.privacy.vault import PersonVault

        keys = DynamoDBPersonKeys(self.dynamodb, self.settings.need("person_keys_table"), self._master_key())
        return PersonVault(keys)

    @cached_property
    def sign_ins(self) -> "SignIns":
        from chalicelib.platform.aws.cognito import CognitoSignIns
        from chalicelib.platform.privacy.sign_ins import NoSignIns

        pool = self.settings.user_pool_arn
        return CognitoSignIns(_client("cognito-idp"), pool) if pool else NoSignIns()

    @cached_property
    def verifier(self) -> "CredentialVerifier":
        """Return what verifies every token, those of people with accounts and those of guests, and API keys."""
        from chalicelib.platform.http.api_keys import BearerVerifier, KeyVerifier
        from chalicelib.shop.access.keys import find_key

        return BearerVerifier(
            self._tokens(), KeyVerifier(lambda key_id: find_key(self.account_streams, key_id), self.clock)
        )

    def _tokens(self) -> "CredentialVerifier":
        from chalicelib.platform.http.auth import RemoteKeys, TokenVerifier, VerifierByIssuer
        from chalicelib.platform.http.guest_tokens import GUEST_ISSUER

        keys = RemoteKeys(self.settings.jwks_url) if self.settings.jwks_url else self._file_keys()
        staff_needs_mfa = self.settings.staff_mfa == "required"
        issuer, audience = self.settings.need("jwt_issuer"), self.settings.need("jwt_audience")
        accounts = TokenVerifier(keys, issuer, audience, staff_needs_mfa)
        return VerifierByIssuer({issuer: accounts, GUEST_ISSUER: self.guest_tokens})

    @cached_property
    def guest_tokens(self) -> "GuestTokens":
        """Return what signs and verifies the tokens of guests; its keys are read when the first one comes."""
        from chalicelib.platform.http.guest_tokens import GuestKeys, GuestTokens

        settings = self.settings
        secret_id = "" if settings.guest_key else settings.need("guest_key_secret_id")
        keys = GuestKeys(lambda: _rotated_secret(secret_id) if secret_id else [settings.guest_key])
        return GuestTokens(keys, timedelta(minutes=settings.guest_minutes))

    @cached_property
    def guest_limit(self) -> "GuestLimit":
        from chalicelib.shop.orders.guest_limit import GuestLimit, GuestLimits

        settings = self.settings
        window = timedelta(minutes=settings.guest_window_minutes)
        tickets, holds_last = settings.guest_tickets_per_address, 2 * settings.hold_for
        limits = GuestLimits(settings.guests_per_address, window, tickets, holds_last)
        return GuestLimit(self.counters, self.clock, limits)

    @cached_property
    def gateways(self) -> "Mapping[str, PaymentGateway]":
        """Return the gateways of the payment providers that the stage admits, by name."""
        makers: dict[str, Callable[[], PaymentGateway]] = {"sandbox": self._sandbox, "stripe": self._stripe}
        return {name: makers[name]() for name in self.settings.payment_providers if name in makers}

    @cached_property
    def counters(self) -> "Counters":
        """Return the counts that all containers share."""
        from chalicelib.platform.counters.dynamodb import DynamoDBCounters

        return DynamoDBCounters(self.dynamodb, self.settings.need("counters_table"))

    @cached_property
    def stripe_pace(self) -> "Pace":
        from time import sleep

        from chalicelib.shop.orders.payments.pace import Pace
        from chalicelib.shop.orders.payments.stripe_pace import LIMITS

        return Pace("stripe", LIMITS, self.counters, self.clock, sleep)

    @cached_property
    def decline_limit(self) -> "DeclineLimit":
        from chalicelib.shop.orders.payments.declines import DeclineLimit, Limits

        settings = self.settings
        window = timedelta(minutes=settings.decline_minutes)
        limits = Limits(settings.declines_per_customer, settings.declines_per_address, window)
        return DeclineLimit(self.counters, self.clock, limits)

    @cached_property
    def postgres(self) -> "Pool":
        """Return the connections to the database of the read models of rows."""
        from chalicelib.platform.readmodels.postgres.pool import open_pool

        return open_pool(self.settings.need("database_url"), self._login)

    def migrate(self) -> list[str]:
        """Bring Postgres to the schema of this code; return the names of the migrations that were applied.

        Raises MigrationEdited.
        """
        from chalicelib.platform.readmodels.postgres.migrate import migrate

        return migrate(self.settings.need("database_url"), migrations(), self._login())

    def programme_reflecting(self, min_versions: "MinVersions", log: "EventStore") -> AbstractContextManager["Reader"]:
        """Give a reader of the programme, at least as new as `min_versions` asks for, with what it lacks from `log`."""
        from chalicelib.platform.readmodels.postgres.overlay import reflecting

        return reflecting(self._queried("programme"), min_versions, log)

    def sales_reflecting(self, min_versions: "MinVersions", log: "EventStore") -> AbstractContextManager["Reader"]:
        """Give a reader of the sales, at least as new as `min_versions` asks for, with what they lack from `log`."""
        from chalicelib.platform.readmodels.postgres.overlay import reflecting

        return reflecting(self._queried("sales"), min_versions, log)

    @cached_property
    def redis(self) -> "Redis":
        from chalicelib.platform.readmodels.redis.client import open_redis

        return open_redis(self.settings.need("redis_url"))

    @cached_property
    def query_redis(self) -> "Redis":
        """Return the client for queries: it waits shortly, and not at all while Redis is known to be away."""
        from chalicelib.platform.readmodels.redis.client import open_query_redis

        return open_query_redis(self.settings.need("redis_url"), Breaker("Redis"), self.settings.query_patience)

    def cancelled_among(self, concert_ids: Collection[UUID]) -> frozenset[UUID]:
        """Return those of the concerts that are cancelled, as far as Redis knows and can be asked."""
        from chalicelib.shop.inventory.queries import cancelled_concerts

        if not self.settings.redis_url:
            return frozenset()
        try:
            return cancelled_concerts(self.query_redis, concert_ids)
        except Unavailable:
            return frozenset()

    def concerts_to_come(self, organiser_id: UUID) -> "Sequence[UUID]":
        """Return the organiser's concerts that are published and may not be over, as far as the sales know.

        Raises Unavailable.
        """
        from chalicelib.shop.sales.scope import concerts_to_come

        return concerts_to_come(self._queried("sales").pool, organiser_id, self.clock())

    @cached_property
    def stock_from_log(self) -> "StockFromLog":
        """Return what the requests of this container share of the stock that was read from the log."""
        from chalicelib.shop.inventory.stock_from_log import StockFromLog

        return StockFromLog()

    @property
    def documents(self) -> "DocumentProjection":
        """Return the documents of carts and orders, to be read.

        Raises Unavailable.
        """
        return cast("DocumentProjection", self.read_model("carts")).live()

    @cached_property
    def parking(self) -> "DynamoDBParking":
        from chalicelib.platform.bus.dynamodb_parking import DynamoDBParking

        return DynamoDBParking(self.dynamodb, self.settings.need("parked_table"))

    @cached_property
    def event_bus(self) -> "ReplayableBus":
        from chalicelib.platform.bus.kinesis.bus import KinesisBus

        return KinesisBus(_client("kinesis"), self.settings.need("event_bus"))

    @cached_property
    def forwarder(self) -> "Forwarder":
        from chalicelib.platform.bus.forwarder import Forwarder

        return Forwarder(self.event_bus, self.parking, self.clock)

    @property
    def consumers(self) -> "Mapping[str, Consumer]":
        """Return the consumers of all read models, by the names under which positions and parked streams are stored."""
        return {name: self.consumer(name) for name in self.read_model_names}

    @cached_property
    def head_signer(self) -> "HeadSigner":
        from chalicelib.platform.integrity.head_signer import HeadSigner

        return HeadSigner(self.heads_archive, self.signer, self.clock)

    @cached_property
    def heads_archive(self) -> "Archive":
        from chalicelib.platform.integrity.s3 import S3Archive

        return S3Archive(_client("s3"), self.settings.need("heads_bucket"))

    @cached_property
    def registers(self) -> "Registers":
        """Return where the registers of certified tickets are kept, beside the signed heads."""
        from chalicelib.shop.orders.proofs.registers import S3Registers

        return S3Registers(_client("s3"), self.settings.need("heads_bucket"))

    @property
    def certificate_minutes(self) -> int:
        return self.settings.certificate_minutes

    @cached_property
    def certified_registers(self) -> "CertifiedRegisters":
        from chalicelib.shop.orders.proofs.proving import CertifiedRegisters

        return CertifiedRegisters(self.registers)

    @cached_property
    def signer(self) -> "Signer":
        from chalicelib.platform.integrity.keys import FileSigner
        from chalicelib.platform.integrity.kms import KmsSigner

        if self.settings.signing_key_id:
            return KmsSigner(_client("kms"), self.settings.signing_key_id)
        if not self.settings.signing_key_file:
            raise NotConfigured("SIGNING_KEY_ID or SIGNING_KEY_FILE is not set")
        return FileSigner(Path(self.settings.signing_key_file))

    @cached_property
    def archivist(self) -> "Archivist":
        from chalicelib.platform.archive.archivist import Archivist

        return Archivist(self.archived_files, self.parking, self.clock)

    @cached_property
    def archived_files(self) -> "Files":
        from chalicelib.platform.archive.s3 import S3Files

        return S3Files(_client("s3"), self.settings.need("archive_bucket"))

    @cached_property
    def work_queue(self) -> "WorkQueue":
        from chalicelib.platform.processes.sqs import SqsWorkQueue

        return SqsWorkQueue(_client("sqs"), self.settings.need("work_queue_url"))

    @cached_property
    def webhook_queue(self) -> "WorkQueue":
        from chalicelib.platform.processes.sqs import SqsWorkQueue

        return SqsWorkQueue(_client("sqs"), self.settings.need("webhook_queue_url"))

    @cached_property
    def mail_queue(self) -> "WorkQueue":
        from chalicelib.platform.processes.sqs import SqsWorkQueue

        return SqsWorkQueue(_client("sqs"), self.settings.need("mail_queue_url"))

    @cached_property
    def mails(self) -> "DynamoDBInstances":
        """Return what is remembered of mails, beside the processes and apart from them."""
        from chalicelib.platform.processes.dynamodb import DynamoDBInstances

        return DynamoDBInstances(self.dynamodb, self.settings.need("process_table"), space="mails")

    @cached_property
    def mail_sender(self) -> "MailSender":
        """Return what sends mails: into a folder, by SES, or not at all while no sender is set."""
        from chalicelib.platform.mail.folder import MailFolder
        from chalicelib.platform.mail.port import NoSender

        settings = self.settings
        if settings.mail_folder:
            return MailFolder(Path(settings.mail_folder))
        if not settings.mail_from:
            return NoSender()
        from chalicelib.platform.aws.ses import SesSender

        return SesSender(_client("sesv2", attempts=1), settings.need("mail_events"))

    @property
    def mail_from(self) -> tuple[str, str]:
        return self.settings.mail_name, self.settings.mail_from

    @cached_property
    def mail_links(self) -> "Links":
        from chalicelib.shop.mails.letters import Links

        api = self.settings.public_api_url.rstrip("/")
        return Links(self.settings.public_shop_url.rstrip("/") or api, api)

    @cached_property
    def processes(self) -> "ProcessRunner":
        from chalicelib.platform.processes.runner import ProcessRunner
        from chalicelib.platform.processes.work import RoutedWorkQueue

        made: Mapping[str, Callable[[], WorkQueue]] = {
            "WebhookQueue": lambda: self.webhook_queue,
            "MailQueue": lambda: self.mail_queue,
        }
        elsewhere = {kind: made[queue] for kind, queue in contexts.queues().items() if queue != WORK_QUEUE}
        queue = RoutedWorkQueue(self.work_queue, elsewhere)
        return ProcessRunner(self.instances, queue, contexts.processes(), contexts.reactions())

    @cached_property
    def instances(self) -> "DynamoDBInstances":
        from chalicelib.platform.processes.dynamodb import DynamoDBInstances

        return DynamoDBInstances(self.dynamodb, self.settings.need("process_table"))

    @cached_property
    def webhook_groups(self) -> "DynamoDBInstances":
        """Return how far each receiver has been told, beside the processes and apart from them."""
        from chalicelib.platform.processes.dynamodb import DynamoDBInstances

        return DynamoDBInstances(self.dynamodb, self.settings.need("process_table"), space="webhooks")

    @cached_property
    def webhook_deliveries(self) -> "DeliveryLog":
        from chalicelib.shop.webhooks.delivery_log import DynamoDBDeliveryLog

        return DynamoDBDeliveryLog(self.dynamodb, self.settings.need("read_table"))

    @cached_property
    def webhook_receivers(self) -> "Receivers":
        from chalicelib.shop.webhooks.transport import HttpReceivers

        return HttpReceivers(self.webhook_receivers_allowed)

    @property
    def webhook_receivers_allowed(self) -> str:
        return self.settings.webhook_receivers

    @cached_property
    def webhook_secrets(self) -> "SecretBox":
        from chalicelib.shop.webhooks.signing import SecretBox

        return SecretBox(self._master_key())

    @property
    def read_model_names(self) -> tuple[str, ...]:
        """Return the names under which positions and parked streams are stored."""
        return (*contexts.read_models(), PROCESSES)

    def read_model(self, name: str) -> "ReadModel":
        """Return a read model by its name.

        Raises KeyError.
        """
        if name not in self._read_models:
            self._read_models[name] = self.processes if name == PROCESSES else self._make_read_model(name)
        return self._read_models[name]

    def consumer(self, name: str) -> "Consumer":
        """Return the consumer that keeps a read model current.

        Raises KeyError.
        """
        from chalicelib.platform.bus.consumer import Consumer

        if name not in self._consumers:
            contexts.load_events()  # to tell an event that it does not follow from one that nobody knows
            model = self.read_model(name)
            self._consumers[name] = Consumer(model, self.event_store, self.parking, self.clock)
        return self._consumers[name]

    @cached_property
    def reconciler(self) -> "Reconciler":
        from chalicelib.platform.eventsourcing.stores.dynamodb.changes import DynamoDBChanges
        from chalicelib.platform.readmodels.documents.notebook import Notebook
        from chalicelib.platform.readmodels.reconciler import Reconciler

        followed = [(self.read_model(name), self.consumer(name)) for name in self.read_model_names]
        volatile = [
            cast("RedisProjection", self.read_model(name))
            for name, (_, declared) in contexts.read_models().items()
            if declared.store is Store.REDIS
        ]
        notebook = Notebook(self.dynamodb, self.settings.need("read_table"), "Id", "verification")
        changes = DynamoDBChanges(_client("dynamodbstreams"), self.settings.need("events_stream_arn"))
        return Reconciler(followed, volatile, self.event_store, changes, notebook, self.parking, self.clock)

    @cached_property
    def worker(self) -> "Worker":
        from chalicelib.platform.processes.worker import Worker

        return Worker(contexts.task_handlers(self))

    @property
    def probes(self) -> Mapping[str, Callable[[], object]]:
        """Return a cheap request to each server, by the server's name."""
        nobody = UUID(int=0)
        return {
            "event_log": lambda: self.event_store.read(nobody),
            "event_bus": lambda: self.event_bus.probe(),
            "read_table": lambda: self.documents.find(nobody),
            "postgres": lambda: self.postgres.probe(),
            "redis": lambda: self.redis.ping(),
        }

    @cached_property
    def account_streams(self) -> "Streams":
        """Return the log for a look at accounts, by functions that run no commands as well."""
        from chalicelib.platform.eventsourcing.streams import Streams

        return Streams(self.event_store)

    @cached_property
    def accounts(self) -> "Accounts":
        from chalicelib.shop.access.commands import Accounts

        return Accounts(self.repository, self.clock)

    def ensure_enabled(self, person_id: UUID) -> None:
        """Check that the person's account is neither disabled nor erased: one read.

        Raises TokenOfDisabledAccount or TokenOfErasedPerson.
        """
        from chalicelib.shop.access.disabled import ensure_enabled

        ensure_enabled(self.account_streams, person_id)

    def known_teams(self, person_id: UUID) -> "Mapping[UUID, TeamRole]":
        return self.accounts.known_teams(person_id)

    def grants_of(self, person_id: UUID) -> "Grants":
        return self.accounts.grants_of(person_id)

    @cached_property
    def key_use(self) -> "KeyUse":
        from chalicelib.shop.access.key_use import KeyUse

        return KeyUse(self.counters, self.clock)

    def note_use(self, key_id: UUID, key: "KeyGrant") -> None:
        self.key_use.note(key.organiser_id, key_id)

    def _queried(self, name: str) -> "PostgresProjection":
        """Return a read model of rows, for queries, which do not wait at all while Postgres is known to be away.

        Each has connections of its own: an organiser's figures may take eight times as long as a visitor's search.
        """
        from chalicelib.platform.readmodels.postgres.pool import open_query_pool
        from chalicelib.platform.readmodels.postgres.projection import PostgresProjection

        if name not in self._queried_models:
            context, declared = contexts.read_models()[name]
            url, patience = self.settings.need("database_url"), self.settings.query_patience * PATIENCE.get(name, 1)
            pool = open_query_pool(url, Breaker("The database"), self._login, patience)
            shape, projectors = context.load(declared.shape), contexts.projectors_of(name)
            self._queried_models[name] = PostgresProjection(name, pool, projectors, shape)
        return self._queried_models[name]

    def _sandbox(self) -> "PaymentGateway":
        from chalicelib.shop.orders.payments.sandbox import SandboxGateway
        from chalicelib.shop.orders.payments.sandbox.dynamodb import DynamoDBLedger

        ledger = DynamoDBLedger(self.dynamodb, self.settings.need("sandbox_table"))
        signs_with = self.settings.sandbox_secret or _secret(self.settings.need("sandbox_secret_id"))
        return SandboxGateway(ledger, self.clock, signs_with, self._hear_the_sandbox)

    def _stripe(self) -> "PaymentGateway":
        """Make the gateway; its secrets are in the environment, or in Secrets Manager under STRIPE_SECRET_ID."""
        from chalicelib.shop.orders.payments.stripe import StripeGateway, connect

        settings = self.settings
        if not settings.stripe_secret_id:
            secrets = {"api_key": settings.need("stripe_api_key"), "webhook": settings.need("stripe_webhook_secret")}
        else:
            secrets = json.loads(_secret(settings.stripe_secret_id))
        client = connect(secrets["api_key"], settings.stripe_api_base, lambda route: self.stripe_pace.wait(route))
        return StripeGateway(client, secrets["webhook"], settings.payment_return_url)

    def _login(self) -> dict[str, str]:
        """Return user and password for Postgres from the secret that RDS rotates; `{}` if DATABASE_URL has them."""
        if not self.settings.database_secret_id:
            return {}
        secret = json.loads(_secret(self.settings.database_secret_id))
        return {"user": secret["username"], "password": secret["password"]}

    def _hear_the_sandbox(self, body: bytes, headers: Mapping[str, str], delay: timedelta) -> None:
        """Take a notification of the sandbox, which has no thread to call the webhook with, and calls this instead."""
        from chalicelib.shop.orders.payments.webhooks import receive

        with suppress(Unavailable):  # a provider's call that is lost fails no payment
            receive(self.gateways["sandbox"], self.work_queue, body, headers, delay)

    def _appending_with(self) -> "AppendingWith":
        from chalicelib.platform.eventsourcing.stores.dynamodb.partiql import Inserts
        from chalicelib.platform.eventsourcing.stores.dynamodb.puts import Puts

        ways: Mapping[str, AppendingWith] = {"put": Puts, "partiql": Inserts}
        if self.settings.append_with not in ways:
            raise NotConfigured(f"APPEND_WITH is not one of {', '.join(ways)}")
        return ways[self.settings.append_with]

    def _make_read_model(self, name: str) -> "ReadModel":
        context, declared = contexts.read_models()[name]
        match declared.store:
            case Store.POSTGRES:
                from chalicelib.platform.readmodels.postgres.projection import PostgresProjection

                shape = context.load(declared.shape)
                return PostgresProjection(name, self.postgres, contexts.projectors_of(name), shape)
            case Store.DOCUMENTS:
                from chalicelib.platform.readmodels.documents.projection import DocumentProjection

                table = self.settings.need("read_table")
                return DocumentProjection(name, self.dynamodb, table, contexts.projectors_of(name))
            case Store.REDIS:
                from chalicelib.platform.readmodels.redis.projection import RedisProjection

                return RedisProjection(self.redis, context.load(declared.shape))

    def _master_key(self) -> "MasterKey":
        from chalicelib.platform.privacy.keys import FileMasterKey
        from chalicelib.platform.privacy.kms import KmsMasterKey

        if self.settings.master_key_id:
            return KmsMasterKey(_client("kms"), self.settings.master_key_id)
        if not self.settings.master_key_file:
            raise NotConfigured("MASTER_KEY_ID or MASTER_KEY_FILE is not set")
        return FileMasterKey(Path(self.settings.master_key_file))

    def _file_keys(self) -> "FileKeys":
        from chalicelib.platform.http.auth import FileKeys

        if not self.settings.jwks_file:
            raise NotConfigured("JWKS_URL or JWKS_FILE is not set")
        return FileKeys(Path(self.settings.jwks_file))


def migrations() -> list[Path]:
    """Return the directories with the migrations of Postgres: the platform's, and those of its read models."""
    from chalicelib.platform.readmodels.postgres.migrate import MIGRATIONS

    models = contexts.read_models().values()
    schemas = [context.load(declared.shape) for context, declared in models if declared.store is Store.POSTGRES]
    return [MIGRATIONS, *(schema.migrations for schema in schemas)]


def _client(service: str, attempts: int = 3) -> Any:
    from chalicelib.platform.aws.clients import make_client

    return make_client(service, attempts)


def _secret(secret_id: str) -> str:
    from chalicelib.platform.aws.clients import read_secret

    return read_secret(secret_id)


def _rotated_secret(secret_id: str) -> "Sequence[str]":
    from chalicelib.platform.aws.clients import read_secret_and_previous

    return read_secret_and_previous(secret_id)


_current: Composition | None = None


def current() -> Composition:
    """Return the container's composition, made from the environment at first use."""
    global _current  # noqa: PLW0603 - Lambda gives a handler no other place to keep what outlives a request
    if _current is None:
        _current = Composition(Settings.from_environment())
    return _current


def use(composition: Composition | None) -> None:
    """Replace the container's composition; None makes the next use read the environment again. For tests."""
    global _current  # noqa: PLW0603 - see `current`
    _current = composition
