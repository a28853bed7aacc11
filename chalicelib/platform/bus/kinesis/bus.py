"""Publishes to Kinesis, probes it, and replays what it holds."""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from time import sleep
from typing import TYPE_CHECKING, Any

from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.bus.port import BusMessage, BusRecord
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.failures import Failure

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

logger = logging.getLogger(__name__)

MAX_RECORDS = 500
MAX_BYTES = 4_500_000
"""`PutRecords` takes 500 records and 5 MiB; the keys count as well."""

ATTEMPTS = 5
_PAUSE_SECONDS = 0.05
_READ_AT_ONCE = 500

_Entry = tuple[int, "PutRecordsRequestEntryTypeDef"]
"""A message with its index among those to be published."""


class KinesisBus:
    """Publishes to one Kinesis data stream; the key of a message is its partition key."""

    def __init__(self, client: "KinesisClient", stream: str, pause: Callable[[float], None] = sleep) -> None:
        self.client = client
        self._stream = stream
        self._pause = pause

    def publish(self, messages: Sequence[BusMessage]) -> int | None:
        """Publish as the port says; stop at the first request of which Kinesis does not take all."""
        # Within a request Kinesis may refuse a record and take a later one of the same stream. Consumers then see them
        # out of order, and read what is missing from the log.
        for chunk in _chunks(messages):
            undelivered = self._put(chunk)
            if undelivered is not None:
                return undelivered
        return None

    def probe(self) -> object:
        return self.client.describe_stream_summary(StreamName=self._stream)

    def replay(self, since: datetime | None) -> Iterator[Sequence[BusRecord]]:
        start: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if since is not None:
            start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": since}
        for page in self.client.get_paginator("list_shards").paginate(StreamName=self._stream):
            for shard in page["Shards"]:
                reply = self.client.get_shard_iterator(StreamName=self._stream, ShardId=shard["ShardId"], **start)
                yield from self._read_shard(reply["ShardIterator"])

    def _read_shard(self, first_iterator: str) -> Iterator[Sequence[BusRecord]]:
        iterator: str | None = first_iterator
        while iterator:
            reply = self.client.get_records(ShardIterator=iterator, Limit=_READ_AT_ONCE)
            yield [BusRecord(record["SequenceNumber"], record["Data"]) for record in reply["Records"]]
            is_at_end = not reply["Records"] and not reply.get("MillisBehindLatest")
            iterator = None if is_at_end else reply.get("NextShardIterator")

    def _put(self, chunk: list[_Entry]) -> int | None:
        """Put the records, repeating only those that were refused; return the index of the first never taken."""
        for attempt in range(ATTEMPTS):
            try:
                chunk = self._put_once(chunk)
            except Unavailable:
                logger.warning("the event bus refused a request", exc_info=True)
            if not chunk:
                return None
            if attempt < ATTEMPTS - 1:
                self._pause(_PAUSE_SECONDS * 2**attempt)
        return chunk[0][0]

    def _put_once(self, chunk: list[_Entry]) -> list[_Entry]:
        """Send the records once, and return those that were not taken.

        Raises Unavailable if Kinesis refuses the request, for whatever reason.
        """
        with failures_as_unavailable("The event bus", otherwise=Failure.MISCONFIGURED):
            reply = self.client.put_records(StreamName=self._stream, Records=[entry for _, entry in chunk])
        return _not_taken(chunk, reply.get("Records", []))


def _not_taken(chunk: list[_Entry], results: Sequence[Any]) -> list[_Entry]:
    """Return what was refused, and what an answer that is cut short does not mention."""
    refused = [entry for entry, result in zip(chunk, results, strict=False) if "SequenceNumber" not in result]
    return refused + chunk[len(results) :]


def _chunks(messages: Sequence[BusMessage]) -> Iterator[list[_Entry]]:
    chunk: list[_Entry] = []
    size = 0
    for index, message in enumerate(messages):
        length = len(message.data) + len(message.key.encode())
        if chunk and (len(chunk) == MAX_RECORDS or size + length > MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append((index, {"Data": message.data, "PartitionKey": message.key}))
        size += length
    if chunk:
        yield chunk
