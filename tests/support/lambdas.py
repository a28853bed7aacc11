"""The Lambdas of a shop on the emulator, moved by hand, in containers that may die at any request they send."""

import os
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.httpsession import URLLib3Session

from chalicelib.composition import Composition
from chalicelib.platform.aws import clients
from chalicelib.platform.bus.forwarder import LogRecord
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import to_item
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.processes.dynamodb import DynamoDBInstances
from chalicelib.platform.processes.worker import Message
from chalicelib.settings import Settings
from chalicelib.shop.inventory.commands import Offer, open_pools, openings, pools_of
from local.emulator import Emulator
from local.keys import LOCAL_ID_KEY, LOCAL_TICKET_KEY, ensure_master_key
from local.resources import CREDENTIALS, REGION, Aws, create_resources
from local.stack import RESOURCE_FILE
from tests.support.crashes import Trap
from tests.support.ledger import movements
from tests.support.machinery import MINUTE
from tests.support.shop import Clock, some_id

DONE: dict[str, Any] = {"batchItemFailures": []}


class Lambdas:
    """All functions of one stage. One container stands for theirs; `start` throws it away for a new one.

    What the tests ask for themselves goes past the trap, through clients of their own. `sent` names the operations that
    the containers have asked for.
    """

    def __init__(self, settings: Settings, aws: Aws) -> None:
        self.settings = settings
        self.trap = Trap()
        self.sent: set[str] = set()
        self.clock = Clock(utc_now().replace(microsecond=0))
        self.log = DynamoDBEventStore(aws.dynamodb, settings.events_table, settings.marks_table)
        self.instances = DynamoDBInstances(aws.dynamodb, settings.process_table)
        self._dynamodb, self._sqs = aws.dynamodb, aws.sqs
        self.container = Composition(settings, self.clock)

    def before_send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> None:
        """A hook for botocore."""
        self.sent.add(event_name.removeprefix("before-send."))
        self.trap.pass_by(lambda: URLLib3Session().send(request))

    def start(self) -> None:
        self.container = Composition(self.settings, self.clock)

    def put_on_sale(self, ticket_type_id: UUID, quantity: int, price: str) -> None:
        offer = Offer(
            concert_id=some_id(f"concert {ticket_type_id}"),
            concert_name="Patti Smith",
            organiser_id=None,
            ticket_type_id=ticket_type_id,
            ticket_type_name="Standing",
            quantity=quantity,
            price=Money.of(price, "EUR"),
            max_per_order=quantity,
            max_per_customer=None,
            sales_start=None,
            sales_end=self.clock().replace(year=self.clock().year + 1),
        )
        command = partial(open_pools, openings=openings(offer, len(pools_of(ticket_type_id, quantity)), self.clock()))
        self.container.repository.execute(command, Origin("an organiser", "correlation", "cause"))

    def run_until_quiet(self, streams: Sequence[UUID], pushes: int = 20) -> None:
        """As time goes by, with the watchdog, until no process of these streams waits for anything any more."""
        for _ in range(pushes):
            self._deliver(streams)
            while self._work():
                self._deliver(streams)
            due = self._due(streams)
            if not due:
                return
            self.clock.advance(max(MINUTE, min(due) - self.clock()))
            self.container.processes.retry_overdue(self.clock())
        raise AssertionError(f"still due: {self._due(streams)}")

    def stored(self, streams: Sequence[UUID]) -> list[StoredEvent]:
        return [event for stream_id in streams for event in self.log.read(stream_id)]

    def taken_for(self, order_id: UUID) -> Decimal:
        """The money that the provider took for the order, less what it gave back."""
        return sum(movements(self._dynamodb, self.settings.sandbox_table, order_id), Decimal(0))

    def _deliver(self, streams: Sequence[UUID]) -> None:
        """The log's stream and the bus deliver everything, again and again."""
        events = self.stored(streams)
        inserts = [LogRecord(str(number), "INSERT", {}, to_item(event)) for number, event in enumerate(events)]
        assert self.container.forwarder.forward(inserts) == DONE
        records = [BusRecord(str(number), to_bus(event)) for number, event in enumerate(events)]
        assert self.container.consumer("processes").consume(records) == DONE

    def _work(self) -> bool:
        """One batch; whether any message was done. Those of a worker that dies come again at once."""
        queue = {"QueueUrl": self.settings.work_queue_url}
        reply = self._sqs.receive_message(**queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
        received = {message["MessageId"]: message for message in reply.get("Messages", [])}
        messages = [Message(key, message["Body"]) for key, message in received.items()]
        failures = self.container.worker.work(messages)["batchItemFailures"] if messages else []
        done = received.keys() - {failure["itemIdentifier"] for failure in failures}
        for key in done:
            self._sqs.delete_message(**queue, ReceiptHandle=received[key]["ReceiptHandle"])
        return bool(done)

    def _due(self, streams: Sequence[UUID]) -> list[datetime]:
        waiting = [self.instances.find(stream_id) for stream_id in streams]
        return [one.due_at for one in waiting if one is not None and one.due_at is not None]


def lambdas_on(emulator: Emulator, directory: Path, stage: str, monkeypatch: pytest.MonkeyPatch) -> Lambdas:
    """On tables, a bus and a queue of this stage's own, appending as they are deployed. Until the end of the test
    everything that is made with boto3's default session is behind the trap."""
    aws = Aws(emulator.url)
    resources = create_resources(aws, RESOURCE_FILE, {"Stage": stage})
    ensure_master_key(directory / "master.key")
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": emulator.url}.items():
        monkeypatch.setenv(name, value)
    names = resources.names
    settings = Settings(
        id_key=LOCAL_ID_KEY,
        ticket_key=LOCAL_TICKET_KEY,
        guest_key=LOCAL_ID_KEY,
        stage=stage,
        events_table=names["EventsTable"],
        event_bus=names["EventBus"],
        snapshots_table=names["SnapshotsTable"],
        marks_table=names["MarksTable"],
        append_with="partiql",
        person_keys_table=names["PersonKeysTable"],
        parked_table=names["ParkedTable"],
        process_table=names["ProcessTable"],
        work_queue_url=resources.queue_urls["WorkQueue"],
        webhook_queue_url=resources.queue_urls["WebhookQueue"],
        mail_queue_url=resources.queue_urls["MailQueue"],
        counters_table=names["CountersTable"],
        sandbox_table=names["SandboxTable"],
        sandbox_secret="secret",
        master_key_file=os.fspath(directory / "master.key"),
    )
    lambdas = Lambdas(settings, aws)
    session = botocore.session.get_session()
    session.get_component("event_emitter").register("before-send", lambdas.before_send)
    monkeypatch.setattr(clients, "sdk_session", lambda: session)
    return lambdas
