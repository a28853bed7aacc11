"""From the log's DynamoDB stream to the event bus."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import sleep
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.delivery.batch import failed_from, succeeded
from chalicelib.delivery.bus import to_bus
from chalicelib.eventsourcing.dynamodb_json import from_item
from chalicelib.eventsourcing.stored import StoredEvent

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

logger = logging.getLogger(__name__)

MAX_RECORDS = 500
MAX_BYTES = 4_500_000
"""`PutRecords` takes 500 records and 5 MiB; the keys count as well."""

ATTEMPTS = 5
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of the log's stream. Only INSERT is legitimate: the log is append-only."""

    sequence_number: str
    event_name: str
    keys: dict[str, Any]
    new_image: dict[str, Any] | None


class Forwarder:
    """Puts every insert on the bus, keyed by AggregateId, in order. At least once: a batch that failed comes again."""

    def __init__(self, client: "KinesisClient", bus: str, pause: Callable[[float], None] = sleep) -> None:
        self._client = client
        self._bus = bus
        self._pause = pause

    def forward(self, records: Iterable[LogRecord]) -> dict[str, Any]:
        """Returns what Lambda wants to know: the first record that could not be put, if any."""
        inserted = [readable for record in records if (readable := self._readable(record))]
        for chunk in _chunks(inserted):
            undelivered = self._put(chunk)
            if undelivered is not None:
                return failed_from(undelivered.sequence_number)
        return succeeded()

    def probe(self) -> object:
        """Ask the bus whether it is there; raises what the SDK raises."""
        return self._client.describe_stream_summary(StreamName=self._bus)

    def _put(self, chunk: "list[tuple[LogRecord, PutRecordsRequestEntryTypeDef]]") -> LogRecord | None:
        """Put the records, repeating only those that were refused. Returns the first one that never got through."""
        for attempt in range(ATTEMPTS):
            try:
                reply = self._client.put_records(StreamName=self._bus, Records=[entry for _, entry in chunk])
            except (BotoCoreError, ClientError):
                logger.warning("the event bus refused a request", exc_info=True)
            else:
                results = zip(chunk, reply["Records"], strict=True)
                chunk = [pair for pair, result in results if "ErrorCode" in result]
            if not chunk:
                return None
            if attempt < ATTEMPTS - 1:
                self._pause(_PAUSE_SECONDS * 2**attempt)
        return chunk[0][0]

    def _readable(self, record: LogRecord) -> tuple[LogRecord, StoredEvent] | None:
        """The event that was inserted. Anything else is no event of ours, and nothing that a retry could mend."""
        if record.event_name != "INSERT" or record.new_image is None:
            logger.critical("tampering: %s of %s in the event log", record.event_name, record.keys)
            return None
        try:
            return record, from_item(record.new_image)
        except (KeyError, ValueError, TypeError):
            logger.critical("tampering: %s in the event log is no event", record.keys, exc_info=True)
            return None


def _chunks(
    records: Sequence[tuple[LogRecord, StoredEvent]],
) -> "Iterable[list[tuple[LogRecord, PutRecordsRequestEntryTypeDef]]]":
    chunk: list[tuple[LogRecord, PutRecordsRequestEntryTypeDef]] = []
    size = 0
    for record, event in records:
        data, key = to_bus(event), str(event.aggregate_id)
        length = len(data) + len(key)
        if chunk and (len(chunk) == MAX_RECORDS or size + length > MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append((record, {"Data": data, "PartitionKey": key}))
        size += length
    if chunk:
        yield chunk
