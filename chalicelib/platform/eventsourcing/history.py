"""Looking back: a stream as it was at an instant, or at one of its versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.platform.errors import LogDamaged, NotFound
from chalicelib.platform.eventsourcing.codec import RecordedEvent, recorded
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.eventsourcing.stored import StoredEvent


@dataclass(frozen=True, slots=True)
class Past:
    """The beginning of a stream, one event at least, and the instant at which clocks are to be read."""

    events: list[RecordedEvent]
    at: datetime

    @property
    def version(self) -> int:
        return self.events[-1].version


@dataclass(frozen=True, slots=True)
class PointInTime:
    """`as_of` includes every event of its millisecond; `version` is looked at when it was new. One of them is given."""

    as_of: datetime | None = None
    version: int | None = None

    def of(self, stream: Sequence[StoredEvent]) -> Past:
        """Raises NotFound, with the facts, for a moment before the stream's first event and a version it never had."""
        if not stream:
            raise NotFound("There is no such stream.")
        kept = [event for event in stream if self._includes(event)]
        if self.version is not None and (not kept or kept[-1].aggregate_version != self.version):
            versions = {"first_version": stream[0].aggregate_version, "last_version": stream[-1].aggregate_version}
            raise NotFound(f"There is no version {self.version}.", version=self.version, **versions)
        if not kept:
            raise NotFound("It did not exist yet.", first_event_at=format_instant(created_at(stream[0])))
        at = created_at(kept[-1]) if self.as_of is None else self.as_of
        return Past([recorded(event) for event in kept], at)

    def _includes(self, event: StoredEvent) -> bool:
        if self.version is not None:
            return event.aggregate_version <= self.version
        return self.as_of is None or created_at(event) <= self.as_of


def created_at(event: StoredEvent) -> datetime:
    """When the log took the event. Raises LogDamaged."""
    try:
        return as_utc(datetime.fromisoformat(event.created))
    except ValueError as error:
        raise LogDamaged(f"Created of event {event.aggregate_version} is no instant.") from error
