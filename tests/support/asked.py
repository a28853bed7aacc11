"""What the functions ask of AWS, in the words in which IAM allows it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from local.invocation import Mapping as EventSource
from tests.support.policies import arn_of

Params = Mapping[str, Any]

OF_A_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
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


@dataclass(frozen=True, order=True)
class Asked:
    """`function` is the name of the handler, `arn` as in `policies`."""

    function: str
    action: str
    arn: str


class Recorder:
    """Hooks for botocore, and around the handlers. One function runs at a time; between the others it is the API."""

    def __init__(self, names: Mapping[tuple[str, str], str]) -> None:
        """`names`: the id in the template of each resource, by its service and what the requests call it."""
        self.asked: set[Asked] = set()
        self._names = names
        self._function = "api_handler"
        self._lost: set[str] = set()

    def within(self, source: EventSource) -> EventSource:
        def handle(event: dict[str, Any], context: Any) -> Any:
            self._function = source.name
            try:
                return source.handler(event, context)
            finally:
                self._function = "api_handler"

        return replace(source, handler=handle)

    def provide_client_params(self, params: Params, model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        for action, resource, suffix in permissions(f"{service}:{model.name}", params):
            self.asked.add(Asked(self._function, action, arn_of(self._names[service, resource]) + suffix))

    def before_send(self, request: AWSPreparedRequest, **_: Any) -> None:
        """The reply to the first insertion of every function is lost, so that it has to look what stands there."""
        if self._function not in self._lost:
            self._lost.add(self._function)
            URLLib3Session().send(request)
            raise ConnectionClosedError(endpoint_url=str(request.url))


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
    named = ("TableName", "StreamName", "QueueUrl", "Bucket", "KeyId")
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
