"""Appends with PartiQL's `INSERT`, which cannot overwrite."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.aws.conditional import Item
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.appending import Prepared
from chalicelib.platform.eventsourcing.stores.dynamodb.items import event_key, result_key, to_item
from chalicelib.platform.eventsourcing.stores.dynamodb.requests import Requests, token_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class Inserts:
    """Builds one `ExecuteStatement`, or one `ExecuteTransaction`.

    With these IAM can grant the right to insert into the log without the right to overwrite.

    Two things differ from `Puts`. A refusal does not bring the item in the event's place, so it is read: one request
    more for a lost race. And `UPDATE` makes no item, so the transaction that raises an epoch for the first time is
    cancelled and sent again with an `INSERT`.
    """

    def __init__(self, client: "DynamoDBClient", table: str, results_table: str, requests: Requests) -> None:
        self._client = client
        self._table = table
        self._results_table = results_table
        self._requests = requests

    def for_one(self, event: StoredEvent) -> Prepared:
        return Prepared("ExecuteStatement", self._client.execute_statement, _insertion(self._table, to_item(event)))

    def for_several(self, events: Sequence[StoredEvent], keys: Sequence[UUID], absent: frozenset[UUID]) -> Prepared:
        insertions = [_insertion(self._table, to_item(event)) for event in events]
        raises = [self._raise_epoch(key, key in absent) for key in keys]
        # A token stands for one request: sent with other statements it is an error. So it depends on which epochs are
        # inserted, and not only on the events.
        token = token_of(events, "PartiQL", *sorted(map(str, absent)))
        request = {"TransactStatements": [*insertions, *raises], "ClientRequestToken": token}
        return Prepared("ExecuteTransaction", self._client.execute_transaction, request)

    def occupant(self, event: StoredEvent, refused: Item) -> Item:  # noqa: ARG002 - a refusal brings none
        key = event_key(event.aggregate_id, event.aggregate_version)
        request = {"TableName": self._table, "Key": key, "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL"}
        reply = self._requests.send("GetItem", self._client.get_item, request)
        self._requests.usage.count_read(reply["ConsumedCapacity"]["CapacityUnits"], int("Item" in reply))
        found: Item = reply.get("Item", {})
        return found

    def _raise_epoch(self, key: UUID, absent: bool) -> Any:
        if absent:
            return _insertion(self._results_table, {**result_key(key), "Epoch": {"N": "1"}})
        update = f'UPDATE "{self._results_table}" SET Epoch = Epoch + 1 REMOVE Verdict WHERE MarkId = ?'  # noqa: S608 - the table is a setting
        return {"Statement": update, "Parameters": list(result_key(key).values())}


def _insertion(table: str, item: dict[str, Any]) -> Any:
    value = ", ".join(f"'{name}': ?" for name in item)
    return {"Statement": f'INSERT INTO "{table}" VALUE {{{value}}}', "Parameters": list(item.values())}
