"""Archives events as the bus brings them."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chalicelib.platform import metrics
from chalicelib.platform.archive.layout import ARCHIVE, Files, key_of_batch
from chalicelib.platform.archive.parquet import Spool, ensure_fits
from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.message import from_bus
from chalicelib.platform.bus.parking import Parking, UnreadableRecord, reason_of
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.stored import StoredEvent

logger = logging.getLogger(__name__)


class Archivist:
    """Writes one file for each batch and day.

    Delivery is at least once. A batch that comes again overwrites its files. One that comes again in other parts leaves
    events in two files, and readers take each once. Every event is archived, also one that this version of the code
    does not know. A record that is not an event is stored as it came, under the consumer `archive`, and the rest of its
    batch is archived.
    """

    def __init__(self, files: Files, parking: Parking, clock: Callable[[], datetime]) -> None:
        self._files = files
        self._parking = parking
        self._clock = clock

    def archive(self, records: Iterable[BusRecord]) -> dict[str, Any]:
        """Archive one batch, which is from one shard, and return the reply for Lambda."""
        batch = list(records)
        read = [self._read(record) for record in batch]
        try:
            self._write(batch, [event for event in read if isinstance(event, StoredEvent)])
            for record in read:
                if isinstance(record, UnreadableRecord):
                    self._store_unreadable(record)
        except Unavailable:
            logger.warning("events cannot be archived now, the batch will come again", exc_info=True)
            return failed_from(batch[0].sequence_number)
        return succeeded()

    def redrive_record(self, record: UnreadableRecord) -> bool:
        """Try an unreadable record again, and return whether it is archived now.

        Raises:
            Unavailable: the archive cannot be reached.
        """
        again = BusRecord(record.sequence_number, record.data, record.shard_id)
        event = self._read(again)
        if isinstance(event, UnreadableRecord):
            return False
        self._write([again], [event])
        self._parking.discard_unreadable(record)
        return True

    def _write(self, batch: Sequence[BusRecord], events: Sequence[StoredEvent]) -> None:
        with TemporaryDirectory() as name:
            directory = Path(name)
            spool = Spool(directory)
            spool.add(events)
            for day in spool.days():
                file = directory / "file.parquet"
                spool.write(day, file)
                first, last = batch[0], batch[-1]
                key = key_of_batch(day, first.shard_id, first.sequence_number, last.sequence_number)
                self._files.put(key, file)

    def _read(self, record: BusRecord) -> StoredEvent | UnreadableRecord:
        try:
            event = from_bus(record.data)
            ensure_fits(event)
        except Exception as error:  # noqa: BLE001 - anybody may write to a bus: whatever it is, it must not stop the shard
            place, parked_at = (record.shard_id, record.sequence_number), format_instant(self._clock())
            return UnreadableRecord(ARCHIVE, *place, record.data, reason_of(error), parked_at)
        return event

    def _store_unreadable(self, record: UnreadableRecord) -> None:
        self._parking.store_unreadable(record)
        logger.error("%s: bus record %s is no event: %s", ARCHIVE, record.sequence_number, record.error)
        metrics.count("UnreadableRecords")
