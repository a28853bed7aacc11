"""The two ways of appending, by the operations that they ask DynamoDB for."""

from collections.abc import Mapping
from typing import NamedTuple


class Operations(NamedTuple):
    """For one event, and for several or for an event that raises an epoch."""

    single: str
    transaction: str


OPERATIONS = {
    "put": Operations("PutItem", "TransactWriteItems"),
    "partiql": Operations("ExecuteStatement", "ExecuteTransaction"),
}


def as_puts(requests: Mapping[str, int]) -> dict[str, int]:
    """How many requests of each operation, as if everything had been appended with puts."""
    names = dict(zip(OPERATIONS["partiql"], OPERATIONS["put"], strict=True))
    return {names.get(operation, operation): count for operation, count in requests.items()}
