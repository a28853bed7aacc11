"""From the log's DynamoDB stream to the event bus."""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import sleep
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.platform import logs, metrics
from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import Parking, UnreadableRecord
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import from_item

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
    """Puts every insert on the bus, keyed by AggregateId, in order. At least once: a batch that failed comes again.

    An insert that is no event of ours is kept aside as it came, under the consumer `forwarder`. What no command ever
    does, a change or a removal, is not forwarded: it counts as `TamperedRecords`, on which there is an alarm.
    """

    name = "forwarder"

    def __init__(
        self,
        client: "KinesisClient",
        bus: str,
        parking: Parking,
        clock: Callable[[], datetime],
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self._client = client
        self._bus = bus
        self._parking = parking
        self._clock = clock
        self._pause = pause

    def forward(self, records: Iterable[LogRecord]) -> dict[str, Any]:
        """Returns what Lambda wants to know: the first record that could not be put, if any."""
        inserted: list[tuple[LogRecord, StoredEvent]] = []
        for record in records:
            with logs.about(**_place_of(record)):
                try:
                    event = self._event_in(record)
                except Unavailable:
                    logger.warning("an unreadable item cannot be kept yet", exc_info=True)
                    return failed_from(inserted[0][0].sequence_number if inserted else record.sequence_number)
            if event is not None:
                inserted.append((record, event))
        for chunk in _chunks(inserted):
            undelivered = self._put(chunk)
            if undelivered is not None:
                return failed_from(undelivered.sequence_number)
        return succeeded()

    def redrive_record(self, record: UnreadableRecord) -> bool:
        """Try an unreadable item again; whether it is on the bus now. Raises Unavailable."""
        try:
            event = from_item(json.loads(record.data)["NewImage"])
        except (KeyError, ValueError, TypeError):
            return False
        again = LogRecord(record.sequence_number, "INSERT", {}, None)
        if any(self._put(chunk) for chunk in _chunks([(again, event)])):
            raise Unavailable("The event bus does not take the event.")
        self._parking.forget(record)
        return True

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

    def _event_in(self, record: LogRecord) -> StoredEvent | None:
        """The event that was inserted, None for anything else. Raises Unavailable if that cannot be kept aside."""
        if record.event_name != "INSERT":
            logger.critical("tampering: %s of %s", record.event_name, record.keys)
            metrics.count("TamperedRecords")
            return None
        try:
            return from_item(record.new_image or {})
        except (KeyError, ValueError, TypeError) as error:
            self._keep(record, error)
            logger.critical("tampering: %s is no event", record.keys, exc_info=True)
            return None

    def _keep(self, record: LogRecord, error: Exception) -> None:
        data = json.dumps({"Keys": record.keys, "NewImage": record.new_image}, ensure_ascii=False).encode()
        reason = f"{type(error).__name__}: {error}"[:1000]
        kept_at = format_instant(self._clock())
        self._parking.keep(UnreadableRecord(self.name, "", record.sequence_number, data, reason, kept_at))


def _place_of(record: LogRecord) -> dict[str, str]:
    """Stream and version, for the log."""
    keys = {"stream": "AggregateId", "version": "AggregateVersion"}
    return {fact: value for fact, key in keys.items() for value in record.keys.get(key, {}).values()}


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
