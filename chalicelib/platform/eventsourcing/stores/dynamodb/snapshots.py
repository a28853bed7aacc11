"""Stores snapshots in DynamoDB: one item per stream, the newest."""

from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.aws.conditional import write_if
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.eventsourcing.snapshots import Snapshot
from chalicelib.platform.failures import Failure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class DynamoDBSnapshots:
    """Stores one snapshot per stream, the newest.

    A snapshot that is too large for an item raises Unavailable, as a transient failure does: no snapshot is stored, and
    the stream is read from the log.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def find(self, stream_id: UUID) -> Snapshot | None:
        with failures_as_unavailable(self._table):
            reply = self._client.get_item(TableName=self._table, Key={"StreamId": {"S": str(stream_id)}})
        item = reply.get("Item")
        if item is None:
            return None
        return Snapshot(
            stream_id,
            int(item["Version"]["N"]),
            item["Created"]["S"],
            item["ChainHash"]["S"],
            item["Shape"]["S"],
            item["State"]["S"],
        )

    def save(self, snapshot: Snapshot) -> None:
        version = {"N": str(snapshot.version)}
        item = {
            "StreamId": {"S": str(snapshot.stream_id)},
            "Version": version,
            "Created": {"S": snapshot.created},
            "ChainHash": {"S": snapshot.chain_hash},
            "Shape": {"S": snapshot.shape},
            "State": {"S": snapshot.state},
        }
        with failures_as_unavailable(self._table, otherwise=Failure.TRANSIENT):
            write_if(
                self._client.put_item,
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(StreamId) OR Version < :version",
                ExpressionAttributeValues={":version": version},
            )
