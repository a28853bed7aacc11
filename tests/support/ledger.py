"""What the sandbox provider did with an order's money, by its own ledger."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.shop.orders.payments.sandbox.dynamodb import from_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def movements(client: "DynamoDBClient", table: str, order_id: UUID | str) -> list[Decimal]:
    """What was taken for the order, and what was given back as less than nothing, under whichever ids."""
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    items = [item for page in pages for item in page["Items"] if item["OrderId"]["S"] == str(order_id)]
    moved = [from_item(item).moved(datetime.now(UTC)) for item in items]
    return [amount for amount in moved if amount]
