"""Reads the event bus on Kinesis as Lambda does, in place of the event source mappings."""

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from local.resources import ACCOUNT, REGION, Aws
from local.streams import READ_AT_ONCE, Page, Record, Shard, present, stream_errors

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import RecordTypeDef as KinesisRecord

INVOKER = f"arn:aws:iam::{ACCOUNT}:role/local-pump"
DECLARED_BY = "KinesisEventConfig"
"""Chalice declares a function of the bus with this class."""


def bus_of(aws: Aws, name: str) -> "KinesisStream":
    return KinesisStream(aws.kinesis, name)


class KinesisStream:
    name = "Kinesis stream"

    def __init__(self, client: "KinesisClient", stream_name: str) -> None:
        self._client = client
        self._stream_name = stream_name
        self._arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{stream_name}"

    def shards(self) -> Iterator[Shard]:
        arguments: dict[str, str] = {"StreamName": self._stream_name}
        while True:
            answer = self._client.list_shards(**arguments)  # type: ignore[arg-type]  # one of two optional keys
            for shard in answer["Shards"]:
                yield Shard(shard["ShardId"], present(shard.get("ParentShardId"), shard.get("AdjacentParentShardId")))
            if "NextToken" not in answer:
                return
            arguments = {"NextToken": answer["NextToken"]}

    def iterator(self, shard_id: str, after: str | None) -> str:
        kind: Literal["TRIM_HORIZON", "AFTER_SEQUENCE_NUMBER"] = "AFTER_SEQUENCE_NUMBER" if after else "TRIM_HORIZON"
        position = {"StartingSequenceNumber": after} if after else {}
        with stream_errors():
            answer = self._client.get_shard_iterator(
                StreamName=self._stream_name,
                ShardId=shard_id,
                ShardIteratorType=kind,
                **position,  # type: ignore[arg-type]  # one optional key
            )
        return answer["ShardIterator"]

    def read(self, shard_id: str, iterator: str) -> Page:
        with stream_errors():
            answer = self._client.get_records(ShardIterator=iterator, Limit=READ_AT_ONCE)
        return Page([self._record(shard_id, record) for record in answer["Records"]], answer.get("NextShardIterator"))

    def _record(self, shard_id: str, record: "KinesisRecord") -> Record:
        sequence_number = record["SequenceNumber"]
        body = {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": sequence_number,
                "data": base64.b64encode(record["Data"]).decode(),
                "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard_id}:{sequence_number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": INVOKER,
            "awsRegion": REGION,
            "eventSourceARN": self._arn,
        }
        return Record(sequence_number, body)
