"""The faults of a network, between a DynamoDB client and its server."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
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
