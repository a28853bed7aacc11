"""What the functions ask of AWS, in the words in which IAM allows it."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from chalice.app import Chalice, ChaliceAuthorizer

from chalicelib.platform.aws import clients
from local.invocation import Mapping as EventSource
from tests.support.policies import arn_of, statements_of

Params = Mapping[str, Any]

AS_DEPLOYED = {("dynamodb:PutItem", "EventsTable"): "dynamodb:PartiQLInsert"}
OF_A_TRANSACTION = {"Put": "PartiQLInsert", "Update": "PartiQLUpdate"}
"""What the store asks for where it is deployed, instead of what it asks the emulator for."""
OF_A_STATEMENT = {
    "INSERT": "PartiQLInsert",
    "UPDATE": "PartiQLUpdate",
    "DELETE": "PartiQLDelete",
    "SELECT": "PartiQLSelect",
}
STATEMENT = re.compile(r'(INSERT|UPDATE|DELETE|SELECT)\b[^"]*"([^"]+)"')
OTHERWISE_NAMED = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "s3:ListObjectsV2": "s3:ListBucket",
}
"""Operations whose permission has another name."""


NAMES = {
    ("dynamodb", "EVENTS_TABLE"): "EventsTable",
    ("dynamodb", "MARKS_TABLE"): "MarksTable",
    ("dynamodb", "SNAPSHOTS_TABLE"): "SnapshotsTable",
    ("dynamodb", "READ_TABLE"): "ReadTable",
    ("dynamodb", "PERSON_KEYS_TABLE"): "PersonKeysTable",
    ("dynamodb", "PARKED_TABLE"): "ParkedTable",
    ("dynamodb", "PROCESS_TABLE"): "ProcessTable",
    ("dynamodb", "SANDBOX_TABLE"): "SandboxTable",
    ("dynamodb", "COUNTERS_TABLE"): "CountersTable",
    ("kinesis", "EVENT_BUS"): "EventBus",
    ("sqs", "WORK_QUEUE_URL"): "WorkQueue",
    ("sqs", "WEBHOOK_QUEUE_URL"): "WebhookQueue",
    ("sqs", "MAIL_QUEUE_URL"): "MailQueue",
    ("s3", "HEADS_BUCKET"): "HeadsBucket",
    ("s3", "ARCHIVE_BUCKET"): "ArchiveBucket",
    ("secretsmanager", "DATABASE_SECRET_ID"): "DatabaseSecretId",
    ("secretsmanager", "SANDBOX_SECRET_ID"): "SandboxSecret",
    ("secretsmanager", "ID_KEY_SECRET_ID"): "IdKeySecretId",
    ("secretsmanager", "TICKET_KEY_SECRET_ID"): "TicketKeySecretId",
    ("secretsmanager", "WALLETS_SECRET_ID"): "WalletsSecretId",
    ("secretsmanager", "GUEST_KEY_SECRET_ID"): "GuestKey",
    ("kms", "MASTER_KEY_ID"): "MasterKey",
    ("kms", "SIGNING_KEY_ID"): "SigningKey",
}
"""The id in the template of each resource, by its service and the setting that says how requests call it."""
THE_STREAM = "the log's stream"
OF_THE_STREAM = {f"dynamodb:{operation}" for operation in ("DescribeStream", "GetRecords", "GetShardIterator")}
"""Some of these requests name only an iterator. There is one stream."""


@dataclass(frozen=True, order=True)
class Asked:
    """`function` is the name of the handler, `arn` as in `policies`."""

    function: str
    action: str
    arn: str

    @property
    def is_allowed(self) -> bool:
        return any(
            self.action in statement.actions and fnmatchcase(self.arn, statement.arn)
            for statement in statements_of(self.function)
        )


class Guard:
    """Refuses what IAM would refuse, which the emulator does not, and remembers what else was asked for.

    It knows the function by the thread: what is asked outside of any function, and in threads that functions start, is
    nobody's and passes.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.asked: set[Asked] = set()
        """What was allowed."""
        self._names = {(service, environment.get(name)): logical_id for (service, name), logical_id in NAMES.items()}
        self._names["dynamodb", THE_STREAM] = "EventsTable"
        self._names["cognito-idp", environment.get("USER_POOL_ARN", "").rpartition("/")[2]] = "UserPoolArn"
        self._running = threading.local()

    @property
    def function(self) -> str | None:
        """The function that runs in this thread."""
        return getattr(self._running, "function", None)

    def around(self, source: EventSource) -> EventSource:
        return replace(source, handler=self._as_function(source.name, source.handler))

    @contextmanager
    def installed(self) -> Iterator[botocore.session.Session]:
        """Around the routes, their authorizer, and in the SDK's session: it is for clients made after this."""
        session = botocore.session.get_session()
        session.get_component("event_emitter").register("provide-client-params", self.judge)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clients, "sdk_session", lambda: session)
            patch.setattr(Chalice, "__call__", self._as_function("api_handler", Chalice.__call__))
            patch.setattr(ChaliceAuthorizer, "__call__", self._as_function("authorize", ChaliceAuthorizer.__call__))
            yield session

    def judge(self, params: Params, model: Any, **_: Any) -> None:
        """A hook for botocore."""
        if self.function is None:
            return
        service = model.service_model.service_name.removesuffix("streams")
        for action, resource, suffix in permissions(f"{service}:{model.name}", params):
            logical_id = self._names[service, resource]
            asked = Asked(self.function, AS_DEPLOYED.get((action, logical_id), action), arn_of(logical_id) + suffix)
            if asked not in self.asked and not asked.is_allowed:
                raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": str(asked)}}, model.name)
            self.asked.add(asked)

    def _as_function(self, name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        def handle(*arguments: Any) -> Any:
            self._running.function = name
            try:
                return handler(*arguments)
            finally:
                self._running.function = None

        return handle


def permissions(operation: str, params: Params) -> Iterator[tuple[str, str, str]]:
    """What an operation needs: action, resource as it is called in the request, and what is behind that in its ARN."""
    by_operation: dict[str, Callable[[Params], Iterator[tuple[str, str, str]]]] = {
        "dynamodb:TransactWriteItems": _of_a_transaction,
        "dynamodb:ExecuteTransaction": _of_statements,
        "dynamodb:ExecuteStatement": lambda statement: _of_statements({"TransactStatements": [statement]}),
        "dynamodb:BatchGetItem": _of_a_batch,
    }
    if operation in by_operation:
        yield from by_operation[operation](params)
        return
    if operation in OF_THE_STREAM:
        yield operation, THE_STREAM, "/stream/label"
        return
    named = ("TableName", "StreamName", "QueueUrl", "Bucket", "KeyId", "SecretId", "UserPoolId")
    [resource] = [params[name] for name in named if name in params]
    yield OTHERWISE_NAMED.get(operation, operation), resource, _suffix(params)


def _suffix(params: Params) -> str:
    if "IndexName" in params:
        return f"/index/{params['IndexName']}"
    return f"/{params['Key']}" if "Bucket" in params and "Key" in params else ""


def _of_a_transaction(params: Params) -> Iterator[tuple[str, str, str]]:
    for item in params["TransactItems"]:
        [(kind, write)] = item.items()
        yield f"dynamodb:{OF_A_TRANSACTION[kind]}", write["TableName"], ""


def _of_statements(params: Params) -> Iterator[tuple[str, str, str]]:
    for statement in params["TransactStatements"]:
        found = STATEMENT.match(statement["Statement"])
        assert found, statement
        yield f"dynamodb:{OF_A_STATEMENT[found[1]]}", found[2], ""


def _of_a_batch(params: Params) -> Iterator[tuple[str, str, str]]:
    for table in params["RequestItems"]:
        yield "dynamodb:BatchGetItem", table, ""
