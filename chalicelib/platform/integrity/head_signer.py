"""Signs the heads of streams as the bus brings them."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.message import from_bus
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.integrity.heads import Archive
from chalicelib.platform.integrity.statement import (
    FIRST,
    Signer,
    Statement,
    StreamHead,
    digest_of,
    heads_of,
    to_document,
)

_ATTEMPTS = 3
"""How often another head signer of the same shard may be first before the batch has to come again."""

logger = logging.getLogger(__name__)


class HeadSigner:
    """Puts one signed document into the bucket for each batch.

    A batch that comes again is signed again, which does no harm: the events were there.
    """

    def __init__(self, archive: Archive, signer: Signer, clock: Callable[[], datetime]) -> None:
        self._archive = archive
        self._signer = signer
        self._clock = clock
        self._last: dict[str, tuple[int, str]] = {}

    def sign(self, records: Iterable[BusRecord]) -> dict[str, Any]:
        """Sign one batch, which is from one shard, and return the reply for Lambda."""
        batch = list(records)
        heads = heads_of(event for record in batch if (event := _event_in(record)))
        try:
            if heads:
                self._append(batch[0].shard_id, heads)
        except Unavailable:
            logger.warning("heads cannot be signed now, the batch will come again", exc_info=True)
            return failed_from(batch[0].sequence_number)
        return succeeded()

    def _append(self, shard_id: str, heads: tuple[StreamHead, ...]) -> None:
        for _ in range(_ATTEMPTS):
            # What this container remembers spares a read of the bucket. It is forgotten before the write, so that after
            # a lost race, or a reply that never came, the next try asks the bucket.
            known = self._last.pop(shard_id, None)
            number, previous = known or self._end_of(shard_id)
            statement = Statement(shard_id, number + 1, previous, format_instant(self._clock()), heads)
            document = to_document(statement, self._signer)
            if self._archive.put(shard_id, statement.number, document):
                self._last[shard_id] = statement.number, digest_of(document)
                return
        raise Unavailable(f"Other head signers keep signing shard {shard_id}.")

    def _end_of(self, shard_id: str) -> tuple[int, str]:
        newest = self._archive.newest(shard_id)
        return (newest.number, digest_of(newest.document)) if newest else (-1, FIRST)


def _event_in(record: BusRecord) -> StoredEvent | None:
    """Return the event, or None for a record that is not one: the projections store that as unreadable."""
    try:
        event = from_bus(record.data)
        event.expected_hash()
    except Exception:
        logger.warning("bus record %s is no event", record.sequence_number, exc_info=True)
        return None
    return event
