"""Appends with `PutItem` under a condition."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.aws.conditional import Item
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.appending import Prepared
from chalicelib.platform.eventsourcing.stores.dynamodb.items import result_key, to_item
from chalicelib.platform.eventsourcing.stores.dynamodb.requests import Requests, token_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class Puts:
    """Builds one `PutItem`, or one `TransactWriteItems`.

    IAM cannot demand the condition: whoever may send these requests may overwrite events as well (`Inserts` may not).
    """

    def __init__(self, client: "DynamoDBClient", table: str, results_table: str, requests: Requests) -> None:  # noqa: ARG002 - as `Inserts`
        self._client = client
        self._table = table
        self._results_table = results_table

    def for_one(self, event: StoredEvent) -> Prepared:
        return Prepared("PutItem", self._client.put_item, self._conditional_put(event))

    def for_several(self, events: Sequence[StoredEvent], keys: Sequence[UUID], absent: frozenset[UUID]) -> Prepared:  # noqa: ARG002 - `ADD` makes an item that is absent
        puts = [{"Put": self._conditional_put(event)} for event in events]
        raises = [{"Update": self._raise_epoch(key)} for key in keys]
        request = {"TransactItems": [*puts, *raises], "ClientRequestToken": token_of(events)}
        return Prepared("TransactWriteItems", self._client.transact_write_items, request)

    def occupant(self, event: StoredEvent, refused: Item) -> Item:  # noqa: ARG002 - a refusal brings the item
        return refused

    def _conditional_put(self, event: StoredEvent) -> Any:
        return {
            "TableName": self._table,
            "Item": to_item(event),
            "ConditionExpression": "attribute_not_exists(AggregateId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _raise_epoch(self, key: UUID) -> Any:
        return {
            "TableName": self._results_table,
            "Key": result_key(key),
            "UpdateExpression": "ADD Epoch :one REMOVE Verdict",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
