"""Stores the log of deliveries in the table of documents, in a space of its own, for thirty days."""

import json
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.readmodels.documents.document import sort_key_in
from chalicelib.shop.webhooks.deliveries import KEPT_FOR, Delivery

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_INDEX = "ByOwner"
_SPACE = "webhook-deliveries:"


class DynamoDBDeliveryLog:
    """Has one item a message, which the table itself removes: it is no read model, for no log could give it back."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, delivery: Delivery) -> None:
        item = {
            "Id": {"S": f"{_SPACE}{delivery.id}"},
            "Body": {"S": json.dumps(delivery.to_document(), separators=(",", ":"))},
            "OwnerKey": {"S": f"{_SPACE}{delivery.named.endpoint_id}"},
            "SortKey": {"S": sort_key_of_delivery(delivery)},
            "ExpiresAt": {"N": str(ceil((delivery.attempted_at + KEPT_FOR).timestamp()))},
        }
        with failures_as_unavailable(self._table):
            self._client.put_item(TableName=self._table, Item=item)

    def find(self, delivery_id: UUID) -> Delivery | None:
        with failures_as_unavailable(self._table):
            reply = self._client.get_item(
                TableName=self._table, Key={"Id": {"S": f"{_SPACE}{delivery_id}"}}, ConsistentRead=True
            )
        return _from_item(reply["Item"]) if "Item" in reply else None

    def list_of(
        self, endpoint_id: UUID, limit: int, after: Sequence[str] | None = None
    ) -> tuple[list[Delivery], list[str] | None]:
        values = {":owner": {"S": f"{_SPACE}{endpoint_id}"}}
        condition = "OwnerKey = :owner"
        if after is not None:
            condition, values = f"{condition} AND SortKey < :after", values | {":after": {"S": sort_key_in(after)}}
        with failures_as_unavailable(self._table):
            page = self._client.query(
                TableName=self._table,
                IndexName=_INDEX,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=False,
                Limit=limit + 1,
            )
        found = [_from_item(item) for item in page["Items"]]
        more = len(found) > limit or "LastEvaluatedKey" in page
        return found[:limit], [sort_key_of_delivery(found[:limit][-1])] if more and found else None


def sort_key_of_delivery(delivery: Delivery) -> str:
    """Return the key by which an endpoint's deliveries are sorted: the instant of the last attempt, then the id."""
    return f"{format_instant(delivery.attempted_at)}#{delivery.id}"


def _from_item(item: Any) -> Delivery:
    return Delivery.from_document(json.loads(item["Body"]["S"]))
