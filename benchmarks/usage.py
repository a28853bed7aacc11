"""Counts what a DynamoDB client costs, table by table, from its answers."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_READS = {"GetItem", "Query"}
_LOST_RACES = {"ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"}
_READ_BLOCK = 4 * 1024
_KEY = "cloudbash-benchmark"


@dataclass(frozen=True, slots=True)
class Cost:
    requests: int = 0
    reads: int = 0
    items: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    conflicts: int = 0

    def plus(self, other: "Cost", sign: int = 1) -> "Cost":
        return Cost(
            self.requests + sign * other.requests,
            self.reads + sign * other.reads,
            self.items + sign * other.items,
            self.read_units + sign * other.read_units,
            self.write_units + sign * other.write_units,
            self.conflicts + sign * other.conflicts,
        )

    def minus(self, other: "Cost") -> "Cost":
        return self.plus(other, -1)


Costs = Mapping[str, Cost]
"""Costs are by table."""


def difference(after: Costs, before: Costs) -> dict[str, Cost]:
    return {table: cost.minus(before.get(table, Cost())) for table, cost in after.items()}


class Usage:
    """Counts requests. One that names several tables, as a transaction can, counts once, for the first of them."""

    def __init__(self) -> None:
        self._costs: defaultdict[str, Cost] = defaultdict(Cost)
        self._lock = Lock()

    def costs(self) -> dict[str, Cost]:
        with self._lock:
            return dict(self._costs)

    def watch(self, client: "DynamoDBClient") -> None:
        """Count all that this client does from now on. It asks for consumed capacity with every request."""
        events = client.meta.events
        events.register("before-parameter-build.dynamodb", self._note)
        events.register("after-call.dynamodb", self._count)

    def _note(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"
        tables = _writes(params) or [params.get("TableName", "")]
        context[_KEY] = tables, 1.0 if params.get("ConsistentRead") else 0.5

    def _count(self, model: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        (tables, unit), is_read = context[_KEY], model.name in _READS
        tries = 1 + parsed["ResponseMetadata"].get("RetryAttempts", 0)
        lost = parsed.get("Error", {}).get("Code") in _LOST_RACES
        with self._lock:
            self._add(tables[0], Cost(requests=tries, reads=tries * is_read, conflicts=int(lost)))
            if "Error" in parsed:
                return
            if is_read:
                self._add(tables[0], Cost(read_units=_read_units(parsed, unit)))
                return
            for table in tables:
                self._add(table, Cost(items=1))
            for capacity in _capacities(parsed):
                self._add(capacity["TableName"], Cost(write_units=capacity["CapacityUnits"]))

    def _add(self, table: str, cost: Cost) -> None:
        self._costs[table] = self._costs[table].plus(cost)


def _writes(params: Mapping[str, Any]) -> list[str]:
    """List the table of each item in a transaction, and of each condition check, which costs what a write costs."""
    return [action["TableName"] for entry in params.get("TransactItems", []) for action in entry.values()]


def _read_units(reply: Mapping[str, Any], unit: float) -> float:
    """Return the read units by DynamoDB's rule, from the items: ministack says one unit for any query."""
    items = reply.get("Items", []) or [reply.get("Item", {})]
    return max(1, -(-sum(map(item_bytes, items)) // _READ_BLOCK)) * unit


def item_bytes(item: Mapping[str, Any]) -> int:
    """Return the size of an item of strings, bytes and numbers."""
    parts = list(item) + [part for value in item.values() for part in value.values()]
    return sum(len(part) if isinstance(part, bytes) else len(str(part).encode()) for part in parts)


def _capacities(parsed: Mapping[str, Any]) -> list[Any]:
    found = parsed.get("ConsumedCapacity", [])
    return found if isinstance(found, list) else [found]
