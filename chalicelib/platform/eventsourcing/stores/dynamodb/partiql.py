"""Appending with PartiQL's `INSERT`, which cannot overwrite."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from chalicelib.platform.eventsourcing.store import ConcurrencyError
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import event_key, is_ours, result_key, to_item
from chalicelib.platform.eventsourcing.stores.dynamodb.requests import (
    LOST_RACE,
    OCCUPIED,
    Requests,
    code_of,
    raise_refusal,
    reasons_of,
    token_of,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class Inserts:
    """One `ExecuteStatement`, or one `ExecuteTransaction`. Who may do that on the log may not overwrite.

    Two things differ from `Puts`. A refusal does not bring the item that stands in our place, so it is read: one
    request more for a lost race. And `UPDATE` makes no item, so the transaction that raises an epoch for the first time
    is cancelled and sent again with an `INSERT`.
    """

    def __init__(self, client: "DynamoDBClient", table: str, marks_table: str, requests: Requests) -> None:
        self._client = client
        self._table = table
        self._marks_table = marks_table
        self._requests = requests

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID]) -> None:
        if len(events) == 1 and not raising:
            self._insert(events[0])
        else:
            self._transact(events, raising)

    def _insert(self, event: StoredEvent) -> None:
        request = {**_insertion(self._table, to_item(event)), "ReturnConsumedCapacity": "TOTAL"}
        try:
            reply = self._requests.send("ExecuteStatement", self._client.execute_statement, request)
        except ClientError as error:
            if code_of(error) not in LOST_RACE:
                raise
            if code_of(error) in OCCUPIED and self._is_ours(event):
                return
            raise ConcurrencyError(frozenset({event.aggregate_id})) from error
        self._requests.usage.count_write(reply["ConsumedCapacity"]["CapacityUnits"], 1)

    def _transact(self, events: Sequence[StoredEvent], raising: Collection[UUID]) -> None:
        keys, absent = list(raising), frozenset[UUID]()
        for _ in range(2 * len(keys) + 1):
            surprises = self._attempt(events, keys, absent)
            if not surprises:
                return
            absent ^= surprises
        raise ConcurrencyError(frozenset())

    def _attempt(self, events: Sequence[StoredEvent], keys: Sequence[UUID], absent: frozenset[UUID]) -> frozenset[UUID]:
        """Return the results that were there though they seemed absent, or the reverse; if any, nothing was written."""
        insertions = [_insertion(self._table, to_item(event)) for event in events]
        request = {
            "TransactStatements": [*insertions, *(self._raise_epoch(key, key in absent) for key in keys)],
            "ClientRequestToken": token_of(events, "PartiQL", *sorted(map(str, absent))),
            "ReturnConsumedCapacity": "TOTAL",
        }
        try:
            reply = self._requests.send("ExecuteTransaction", self._client.execute_transaction, request)
        except ClientError as error:
            return self._surprises(error, events, keys)
        units = sum(consumed["CapacityUnits"] for consumed in reply["ConsumedCapacity"])
        self._requests.usage.count_write(units, len(events) + len(keys))
        return frozenset()

    def _surprises(self, error: ClientError, events: Sequence[StoredEvent], keys: Sequence[UUID]) -> frozenset[UUID]:
        codes = [reason["Code"] for reason in reasons_of(error)]
        of_events, of_results = codes[: len(events)], codes[len(events) :]
        if self._are_ours(events, of_events):
            return frozenset()
        surprises = frozenset(key for key, code in zip(keys, of_results, strict=False) if code in OCCUPIED)
        if not surprises or set(of_events) != {"None"} or not set(of_results) <= OCCUPIED | {"None"}:
            raise_refusal(error, events)
        return surprises

    def _are_ours(self, events: Sequence[StoredEvent], codes: Sequence[str]) -> bool:
        """Whether the transaction had been committed by an earlier try of ours. What is in our way is read first."""
        occupied = [event for event, code in zip(events, codes, strict=False) if code in OCCUPIED]
        others = [event for event in events if event not in occupied]
        return bool(occupied) and all(map(self._is_ours, [*occupied, *others]))

    def _is_ours(self, event: StoredEvent) -> bool:
        key = event_key(event.aggregate_id, event.aggregate_version)
        request = {"TableName": self._table, "Key": key, "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL"}
        reply = self._requests.send("GetItem", self._client.get_item, request)
        self._requests.usage.count_read(reply["ConsumedCapacity"]["CapacityUnits"])
        return is_ours(reply.get("Item"), event)

    def _raise_epoch(self, key: UUID, absent: bool) -> Any:
        if absent:
            return _insertion(self._marks_table, {**result_key(key), "Epoch": {"N": "1"}})
        update = f'UPDATE "{self._marks_table}" SET Epoch = Epoch + 1 REMOVE Verdict WHERE MarkId = ?'  # noqa: S608 - the table is a setting
        return {"Statement": update, "Parameters": list(result_key(key).values())}


def _insertion(table: str, item: dict[str, Any]) -> Any:
    value = ", ".join(f"'{name}': ?" for name in item)
    return {"Statement": f'INSERT INTO "{table}" VALUE {{{value}}}', "Parameters": list(item.values())}
