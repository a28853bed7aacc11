"""What the adapters of DynamoDB on the reading side share, and parked streams in a DynamoDB table."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from chalicelib.delivery.parking import ParkedStream
from chalicelib.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_WEATHER = {
    "AccessDeniedException",  # this and the next three: a deployment that went wrong, and no fault of an event
    "ExpiredTokenException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ThrottlingError",
    "ThrottlingException",
}


@contextmanager
def weather(table: str) -> Iterator[None]:
    """What the SDK still could not do after its own retries becomes Unavailable, unless the request itself is wrong."""
    try:
        yield
    except ClientError as error:
        if error_code(error) in _WEATHER:
            raise Unavailable(f"{table} is away or throttled.") from error
        raise
    except ParamValidationError:
        raise
    except BotoCoreError as error:
        raise Unavailable(f"{table} cannot be reached.") from error


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


class DynamoDBParking:
    """One item per projection and stream. A stream parked again replaces what was known of it."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def find(self, projection: str, stream_id: UUID) -> ParkedStream | None:
        with weather(self._table):
            reply = self._client.get_item(TableName=self._table, Key=_key(projection, stream_id), ConsistentRead=True)
        return _from_item(reply["Item"]) if "Item" in reply else None

    def park(self, stream: ParkedStream) -> None:
        with weather(self._table):
            self._client.put_item(TableName=self._table, Item=_to_item(stream))

    def release(self, projection: str, stream_id: UUID) -> None:
        with weather(self._table):
            self._client.delete_item(TableName=self._table, Key=_key(projection, stream_id))

    def list_parked(self, projection: str | None = None) -> list[ParkedStream]:
        with weather(self._table):
            return [_from_item(item) for page in self._pages(projection) for item in page["Items"]]

    def _pages(self, projection: str | None) -> Any:
        if projection is None:
            return self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True)
        return self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#projection = :projection",
            ExpressionAttributeNames={"#projection": "Projection"},  # a reserved word
            ExpressionAttributeValues={":projection": {"S": projection}},
            ConsistentRead=True,
        )


def _key(projection: str, stream_id: UUID) -> dict[str, Any]:
    return {"Projection": {"S": projection}, "StreamId": {"S": str(stream_id)}}


def _to_item(stream: ParkedStream) -> dict[str, Any]:
    return _key(stream.projection, stream.stream_id) | {
        "Version": {"N": str(stream.version)},
        "Error": {"S": stream.error},
        "ParkedAt": {"S": stream.parked_at},
        "LastSeen": {"N": str(stream.last_seen)},
    }


def _from_item(item: Any) -> ParkedStream:
    return ParkedStream(
        projection=item["Projection"]["S"],
        stream_id=UUID(item["StreamId"]["S"]),
        version=int(item["Version"]["N"]),
        error=item["Error"]["S"],
        parked_at=item["ParkedAt"]["S"],
        last_seen=int(item["LastSeen"]["N"]),
    )
