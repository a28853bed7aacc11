"""Stores notes in an item of a table that holds documents."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.platform.aws.failures import failures_as_unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True)
class Notebook:
    """Stores, in one item of a table, what one run of its owner leaves for the next."""

    client: "DynamoDBClient"
    table: str
    key: str
    name: str

    def read(self) -> dict[str, str]:
        """Read what was written last, strongly consistent; `{}` if nothing ever was.

        Raises Unavailable.
        """
        with failures_as_unavailable(self.table):
            reply = self.client.get_item(TableName=self.table, Key={self.key: {"S": self.name}}, ConsistentRead=True)
        notes: dict[str, str] = json.loads(reply["Item"]["Notes"]["S"]) if "Item" in reply else {}
        return notes

    def write(self, notes: Mapping[str, str]) -> None:
        """Replace what was written.

        Raises Unavailable.
        """
        item = {self.key: {"S": self.name}, "Notes": {"S": json.dumps(notes)}}
        with failures_as_unavailable(self.table):
            self.client.put_item(TableName=self.table, Item=item)
