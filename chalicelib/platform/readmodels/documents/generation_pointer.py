"""Stores which generations of a read model a table holds, in one item of that table."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.platform.aws.conditional import write_if
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.readmodels.port import Generations, GenerationsMoved

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

POINTER = "generations"
"""The key of the item."""


@dataclass(frozen=True)
class GenerationPointer:
    """Points to the live generation and the candidate; if there is no item, there is only the first generation.

    The item has the attributes `Live`, `Beside` (the candidate), `IsWhole` (whether that is complete) and `Newest`.
    """

    client: "DynamoDBClient"
    table: str
    key: str
    place: str = POINTER

    def read(self) -> Generations:
        """Read the generations, strongly consistent.

        Raises Unavailable.
        """
        with failures_as_unavailable(self.table):
            reply = self.client.get_item(TableName=self.table, Key={self.key: {"S": self.place}}, ConsistentRead=True)
        item = reply.get("Item")
        if item is None:
            return Generations()
        candidate = item.get("Beside")
        live, newest = int(item["Live"]["N"]), int(item["Newest"]["N"])
        return Generations(live, None if candidate is None else int(candidate["N"]), item["IsWhole"]["BOOL"], newest)

    def change(self, before: Generations, after: Generations) -> None:
        """Replace the generations.

        Raises GenerationsMoved or Unavailable.
        """
        item = {self.key: {"S": self.place}, **_attributes(after)}
        known = {f":{name}": value for name, value in _attributes(before).items()}
        condition = " AND ".join(f"{name[1:]} = {name}" for name in known)
        if before.candidate is None:
            condition += " AND attribute_not_exists(Beside)"
        if before == Generations():
            condition = f"attribute_not_exists({self.key}) OR ({condition})"
        found = write_if(
            self.client.put_item,
            TableName=self.table,
            Item=item,
            ConditionExpression=condition,
            ExpressionAttributeValues=known,
        )
        if found is not None:
            raise GenerationsMoved(f"The generations of {self.table} are not {asdict(before)} any more.")


def _attributes(generations: Generations) -> dict[str, Any]:
    item: dict[str, Any] = {
        "Live": {"N": str(generations.live)},
        "IsWhole": {"BOOL": generations.is_complete},
        "Newest": {"N": str(generations.newest)},
    }
    return item if generations.candidate is None else item | {"Beside": {"N": str(generations.candidate)}}
