"""The sandbox provider's memory in a DynamoDB table of its own: it stands for the world outside."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.aws.conditional import write_if
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.money import Money
from chalicelib.shop.orders.payments.sandbox.entries import Decision, Entry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class DynamoDBLedger:
    """One item per payment or refund."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def find(self, entry_id: UUID) -> Entry | None:
        with failures_as_unavailable(self._table):
            reply = self._client.get_item(TableName=self._table, Key={"Id": {"S": str(entry_id)}}, ConsistentRead=True)
        return from_item(reply["Item"]) if "Item" in reply else None

    def record(self, entry: Entry) -> Entry:
        return self._put(entry, ConditionExpression="attribute_not_exists(Id)")

    def decide(self, entry: Entry, decision: Decision) -> Entry:
        return self._put(
            replace(entry, decision=decision),
            ConditionExpression="Decision IN (:undecided, :requires_action)",
            ExpressionAttributeValues={
                ":undecided": {"S": Decision.UNDECIDED},
                ":requires_action": {"S": Decision.REQUIRES_ACTION},
            },
        )

    def list_due(self, since: datetime, until: datetime) -> Iterator[Entry]:
        """Scan the whole table, page by page: an index would make every payment of a test cost a write more."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            FilterExpression="DueAt >= :since AND DueAt < :until",
            ExpressionAttributeValues={":since": {"S": format_instant(since)}, ":until": {"S": format_instant(until)}},
        )
        with failures_as_unavailable(self._table):
            for page in pages:
                yield from map(from_item, page["Items"])

    def _put(self, entry: Entry, **condition: Any) -> Entry:
        """Put it under this condition; returns what stands."""
        found = write_if(self._client.put_item, TableName=self._table, Item=_to_item(entry), **condition)
        return entry if found is None else from_item(found)


def _to_item(entry: Entry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "Id": {"S": str(entry.id)},
        "Amount": {"S": str(entry.amount.amount)},
        "Currency": {"S": entry.amount.currency},
        "Decision": {"S": entry.decision.value},
        "DueAt": {"S": format_instant(entry.due_at)},
    }
    if entry.failures:
        item["Failures"] = {"N": str(entry.failures)}
    texts = {"OrderId": entry.order_id, "RefundOf": entry.refund_of, "Token": entry.token, "MadeFor": entry.made_for}
    return item | {name: {"S": str(value)} for name, value in texts.items() if value}


def from_item(item: Any) -> Entry:
    """Read an entry from an item of the table."""
    return Entry(
        UUID(item["Id"]["S"]),
        Money(amount=Decimal(item["Amount"]["S"]), currency=item["Currency"]["S"]),
        Decision(item["Decision"]["S"]),
        datetime.fromisoformat(item["DueAt"]["S"]),
        UUID(item["OrderId"]["S"]) if "OrderId" in item else None,
        UUID(item["RefundOf"]["S"]) if "RefundOf" in item else None,
        item["Token"]["S"] if "Token" in item else "",
        UUID(item["MadeFor"]["S"]) if "MadeFor" in item else None,
        int(item["Failures"]["N"]) if "Failures" in item else 0,
    )
