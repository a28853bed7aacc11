"""The faults of a network and of servers, between a client of AWS and its server."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def lose_replies(client: "DynamoDBClient", operation: str, times: int = 1) -> list[str]:
    """The next requests are carried out and their replies lost. Returns a list that grows with each."""
    lost: list[str] = []

    def carry_out(request: AWSPreparedRequest, **_: Any) -> None:
        if len(lost) < times:
            lost.append(operation)
            URLLib3Session().send(request)
            raise ConnectionClosedError(endpoint_url=str(request.url))

    client.meta.events.register(f"before-send.dynamodb.{operation}", carry_out)
    return lost


def refuse(
    client: "DynamoDBClient", operation: str, code: str, status: int = 400, times: int = 99, **more: Any
) -> list[str]:
    """The next requests are answered with this error and not carried out. Returns a list that grows with each."""
    document = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "a test says so", **more}
    return _answer(client, operation, status, json.dumps(document).encode(), times)


def answer_with_a_page(client: "DynamoDBClient", operation: str, status: int = 503) -> list[str]:
    """The next requests are answered with a page of a proxy, as when the service itself was not reached."""
    return _answer(client, operation, status, b"<html>Service Unavailable</html>", 99)


def _answer(client: "DynamoDBClient", operation: str, status: int, body: bytes, times: int) -> list[str]:
    answered: list[str] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        if len(answered) >= times:
            return None
        answered.append(operation)
        return AWSResponse(str(request.url), status, HTTPHeaders(), _Raw(body))

    handler: Any = answer  # the stubs do not know that a handler may answer
    client.meta.events.register(f"before-send.dynamodb.{operation}", handler)
    return answered


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class FaultyServer:
    """A service of AWS without a network: it answers with an error, or as if there was nothing and all is well."""

    def __init__(self, service: str) -> None:
        self.client: Any = boto3.client(
            service,
            endpoint_url="http://127.0.0.1:9",
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        self._service = service
        self._operation, self._code, self._status = "", "", 200
        self.client.meta.events.register(f"before-send.{service}", self._answer)

    def fail(self, operation: str, code: str, status: int) -> None:
        """From now on this operation, and no other, is answered with this error."""
        self._operation, self._code, self._status = operation, code, status

    def work_again(self) -> None:
        """Answer everything as if all was well."""
        self._operation = ""

    def _answer(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        operation = event_name.rpartition(".")[2]
        status, body = (self._status, self._error()) if operation == self._operation else (200, _all_is_well(operation))
        return AWSResponse(str(request.url), status, HTTPHeaders(), _Raw(body))

    def _error(self) -> bytes:
        if self._service == "s3":
            return f"<Error><Code>{self._code}</Code><Message>a test says so</Message></Error>".encode()
        return json.dumps({"__type": self._code, "message": "a test says so"}).encode()


def _all_is_well(operation: str) -> bytes:
    units: dict[str, Any] = {"CapacityUnits": 1}
    several = operation in {"TransactWriteItems", "ExecuteTransaction", "BatchGetItem", "BatchWriteItem"}
    nothing: dict[str, Any] = {"Items": [], "Responses": {}, "UnprocessedKeys": {}, "UnprocessedItems": {}}
    return json.dumps({"ConsumedCapacity": [units] if several else units, **nothing}).encode()
