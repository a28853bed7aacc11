"""Appending with `PutItem` under a condition."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from chalicelib.platform.eventsourcing.store import ConcurrencyError
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import is_ours, result_key, to_item
from chalicelib.platform.eventsourcing.stores.dynamodb.requests import (
    LOST_RACE,
    Requests,
    code_of,
    raise_refusal,
    reasons_of,
    token_of,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class Puts:
    """One `PutItem`, or one `TransactWriteItems`. Who may do that may overwrite too: IAM asks for no condition."""

    def __init__(self, client: "DynamoDBClient", table: str, marks_table: str, requests: Requests) -> None:
        self._client = client
        self._table = table
        self._marks_table = marks_table
        self._requests = requests

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID]) -> None:
        if len(events) == 1 and not raising:
            self._put(events[0])
        else:
            self._transact(events, raising)

    def _put(self, event: StoredEvent) -> None:
        request = {**self._conditional_put(event), "ReturnConsumedCapacity": "TOTAL"}
        try:
            reply = self._requests.send("PutItem", self._client.put_item, request)
        except ClientError as error:
            if code_of(error) not in LOST_RACE:
                raise
            if is_ours(error.response.get("Item"), event):
                return
            raise ConcurrencyError(frozenset({event.aggregate_id})) from error
        self._requests.usage.count_write(reply["ConsumedCapacity"]["CapacityUnits"], 1)

    def _transact(self, events: Sequence[StoredEvent], raising: Collection[UUID]) -> None:
        puts = [{"Put": self._conditional_put(event)} for event in events]
        request = {
            "TransactItems": [*puts, *({"Update": self._raise_epoch(key)} for key in raising)],
            "ClientRequestToken": token_of(events),
            "ReturnConsumedCapacity": "TOTAL",
        }
        try:
            reply = self._requests.send("TransactWriteItems", self._client.transact_write_items, request)
        except ClientError as error:
            reasons = reasons_of(error)
            if len(reasons) >= len(events) and all(map(is_ours, [reason.get("Item") for reason in reasons], events)):
                return
            raise_refusal(error, events)
        units = sum(consumed["CapacityUnits"] for consumed in reply["ConsumedCapacity"])
        self._requests.usage.count_write(units, len(events) + len(raising))

    def _conditional_put(self, event: StoredEvent) -> Any:
        return {
            "TableName": self._table,
            "Item": to_item(event),
            "ConditionExpression": "attribute_not_exists(AggregateId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _raise_epoch(self, key: UUID) -> Any:
        return {
            "TableName": self._marks_table,
            "Key": result_key(key),
            "UpdateExpression": "ADD Epoch :one REMOVE Verdict",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
