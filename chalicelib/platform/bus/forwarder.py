"""Forwards events from the log's DynamoDB stream to the event bus."""

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.platform import logs, metrics
from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import Parking, UnreadableRecord, reason_of
from chalicelib.platform.bus.port import BusMessage, EventBus
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import from_item

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of the log's stream. Only INSERT is legitimate: the log is append-only."""

    sequence_number: str
    event_name: str
    keys: dict[str, Any]
    new_image: dict[str, Any] | None


class Forwarder:
    """Puts every insert on the bus, keyed by AggregateId, in order and at least once: a failed batch comes again.

    An insert that is no event is stored as it came, under the consumer `forwarder`. A change or a removal, which no
    command ever makes, is not forwarded: it counts as `TamperedRecords`, on which there is an alarm.
    """

    name = "forwarder"

    def __init__(self, bus: EventBus, parking: Parking, clock: Callable[[], datetime]) -> None:
        self._bus = bus
        self._parking = parking
        self._clock = clock

    def forward(self, records: Iterable[LogRecord]) -> dict[str, Any]:
        """Forward one batch; return the reply for Lambda, with the first record that the bus did not take."""
        sequence_numbers: list[str] = []
        messages: list[BusMessage] = []
        for record in records:
            with logs.about(**_place_of(record)):
                try:
                    event = self._event_in(record)
                except Unavailable:
                    logger.warning("an unreadable item cannot be stored yet", exc_info=True)
                    return failed_from(sequence_numbers[0] if sequence_numbers else record.sequence_number)
            if event is not None:
                sequence_numbers.append(record.sequence_number)
                messages.append(_message_of(event))
        undelivered = self._bus.publish(messages)
        return succeeded() if undelivered is None else failed_from(sequence_numbers[undelivered])

    def redrive_record(self, record: UnreadableRecord) -> bool:
        """Try an unreadable item again, and tell whether it is on the bus now.

        Raises Unavailable.
        """
        try:
            event = from_item(json.loads(record.data)["NewImage"])
        except (KeyError, ValueError, TypeError):
            return False
        if self._bus.publish([_message_of(event)]) is not None:
            raise Unavailable("The event bus does not take the event.")
        self._parking.discard_unreadable(record)
        return True

    def _event_in(self, record: LogRecord) -> StoredEvent | None:
        """Return the event that was inserted, None for anything else.

        Raises Unavailable if an unreadable item cannot be stored.
        """
        if record.event_name != "INSERT":
            logger.critical("tampering: %s of %s", record.event_name, record.keys)
            metrics.count("TamperedRecords")
            return None
        try:
            return from_item(record.new_image or {})
        except (KeyError, ValueError, TypeError) as error:
            self._store_unreadable(record, error)
            logger.critical("tampering: %s is no event", record.keys, exc_info=True)
            return None

    def _store_unreadable(self, record: LogRecord, error: Exception) -> None:
        data = json.dumps({"Keys": record.keys, "NewImage": record.new_image}, ensure_ascii=False).encode()
        parked_at = format_instant(self._clock())
        self._parking.store_unreadable(
            UnreadableRecord(self.name, "", record.sequence_number, data, reason_of(error), parked_at)
        )


def _place_of(record: LogRecord) -> dict[str, str]:
    """Name stream and version, for the lines of the log."""
    keys = {"stream": "AggregateId", "version": "AggregateVersion"}
    return {fact: value for fact, key in keys.items() for value in record.keys.get(key, {}).values()}


def _message_of(event: StoredEvent) -> BusMessage:
    return BusMessage(str(event.aggregate_id), to_bus(event))
