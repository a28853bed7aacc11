"""What the sandbox provider did with an order's money, by its own ledger."""

from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.shop.orders.payments.sandbox import Decision

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_SIGNS = {Decision.CHARGED: 1, Decision.REFUNDED: -1}


def movements(client: "DynamoDBClient", table: str, order_id: UUID | str) -> list[Decimal]:
    """What was taken for the order, and what was given back as less than nothing, under whichever ids."""
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    entries = [item for page in pages for item in page["Items"] if item["OrderId"]["S"] == str(order_id)]
    signed = [(_SIGNS.get(Decision(entry["Decision"]["S"]), 0), entry) for entry in entries]
    return [sign * Decimal(entry["Amount"]["S"]) for sign, entry in signed if sign]
