"""Describes a Lambda function: what calls it, what it needs, and what it runs.

The classes are named tuples, because every container makes them all as it starts.
"""

from enum import StrEnum
from typing import Any, NamedTuple


class Need(StrEnum):
    """A thing that a function uses: it decides on the function's settings, permissions, libraries and place."""

    APPEND = "append"
    READ_LOG = "read_log"
    RAISE_EPOCHS = "raise_epochs"
    CACHE_SOLD_OUT = "cache_sold_out"
    LOOK_UP = "look_up"
    CATCH_UP = "catch_up"
    SET_ASIDE = "set_aside"
    PUBLISH = "publish"
    PROBE_BUS = "probe_bus"
    READ_DOCUMENTS = "read_documents"
    WRITE_DOCUMENTS = "write_documents"
    POSTGRES = "postgres"
    REDIS = "redis"
    TOKENS = "tokens"
    PERSON_KEYS = "person_keys"
    ERASE_PEOPLE = "erase_people"
    DEADLINES = "deadlines"
    PAYMENTS = "payments"
    LIST_PAYMENTS = "list_payments"
    LIMIT_DECLINES = "limit_declines"
    LIMIT_GUESTS = "limit_guests"
    ENQUEUE = "enqueue"
    ENQUEUE_WEBHOOKS = "enqueue_webhooks"
    DELIVER_WEBHOOKS = "deliver_webhooks"
    OVERDUE_WEBHOOKS = "overdue_webhooks"
    ENQUEUE_MAILS = "enqueue_mails"
    SEND_MAILS = "send_mails"
    OVERDUE_MAILS = "overdue_mails"
    READ_PERSONS = "read_persons"
    SEAL_SECRETS = "seal_secrets"
    COUNT_TASKS = "count_tasks"
    DERIVE_IDS = "derive_ids"
    SIGN_TICKETS = "sign_tickets"
    PRINT_TICKETS = "print_tickets"
    PAPER = "paper"
    SIGN_PASSES = "sign_passes"
    PROCESSES = "processes"
    OVERDUE_PROCESSES = "overdue_processes"
    VERIFY_LOG = "verify_log"
    VERIFY_DOCUMENTS = "verify_documents"
    VERIFY_PROCESSES = "verify_processes"
    SIGN_HEADS = "sign_heads"
    WRITE_REGISTERS = "write_registers"
    READ_REGISTERS = "read_registers"
    ARCHIVE = "archive"


class Http(NamedTuple):
    """Called by API Gateway, for every route."""


class Authorizer(NamedTuple):
    """Called by API Gateway with a token, before a route that wants one; an answer counts for so many seconds."""

    remembered_seconds: int = 60


class LogStream(NamedTuple):
    """Called with the records of the log's own stream."""

    batch_size: int = 100


class Bus(NamedTuple):
    """Called with the records of the event bus, up to `parallel` batches at once.

    A stream's records are never in two batches at once.

    `reader` names a registered reader with a connection of its own, `reader_is_optional` if the stage decides on it.
    """

    batch_size: int = 100
    window_seconds: int = 0
    parallel: int = 10
    reader: str = ""
    reader_is_optional: bool = False


WORK_QUEUE = "WorkQueue"
"""The queue of the tasks of most contexts, by its name in `infra/resources.json`."""


class Queue(NamedTuple):
    """Called with messages of a queue, by at most `most_at_once` containers."""

    batch_size: int = 10
    most_at_once: int = 50
    queue: str = WORK_QUEUE


class Schedule(NamedTuple):
    """Called every so many minutes or, with an `hour`, once a day at that hour of UTC."""

    minutes: int = 1
    hour: int | None = None

    @property
    def is_daily(self) -> bool:
        return self.hour is not None


class Invoked(NamedTuple):
    """Called by name, by a deployment or an operator."""


Trigger = Http | Authorizer | LogStream | Bus | Queue | Schedule | Invoked


class Function(NamedTuple):
    """One Lambda function; `name` is that of its entry point in `app.py`, `arrow` says from where to where it carries.

    `makes` names what the container's shop makes before the first call. `memory` is in megabytes, `timeout` in seconds.
    `layers` lie over the one that all functions have. `reserved` is how many containers of the account are its own.
    `read_model` is the one that it keeps current; `run` refers, inside a context, to what a function of that does.
    """

    name: str
    arrow: str
    trigger: Trigger
    needs: frozenset[Need]
    makes: tuple[str, ...] = ()
    memory: int = 512
    timeout: int = 60
    layers: tuple[str, ...] = ()
    reserved: int | None = None
    read_model: str = ""
    run: str = ""

    @property
    def is_inside(self) -> bool:
        """Tell whether it runs inside the VPC, as only what talks to Postgres or Redis has to (ADR 22)."""
        return not self.needs.isdisjoint({Need.POSTGRES, Need.REDIS})

    @property
    def policy_file(self) -> str:
        """Return the path of its IAM policy, from the directory of Chalice's configuration."""
        return f"policies/{self.name}.json"

    def warm_up(self, shop: Any) -> None:
        """Make what every call needs, before the first one comes."""
        for name in self.makes:
            getattr(shop, name)
        if self.read_model:
            shop.consumer(self.read_model)
