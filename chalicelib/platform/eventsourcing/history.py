"""Shows a stream as it was at an instant, or at one of its versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.platform.errors import LogDamaged, NotFound
from chalicelib.platform.eventsourcing.codec import RecordedEvent, recorded
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.eventsourcing.stored import StoredEvent


@dataclass(frozen=True, slots=True)
class History:
    """The beginning of a stream, one event at least, and the instant at which clocks are to be read."""

    events: list[RecordedEvent]
    at: datetime

    @property
    def version(self) -> int:
        return self.events[-1].version


@dataclass(frozen=True, slots=True)
class PointInTime:
    """The instant or the version as of which a stream is read; exactly one of them is given.

    `as_of` includes every event of its millisecond. With `version`, clocks stand at the instant of that event.
    """

    as_of: datetime | None = None
    version: int | None = None

    def of(self, stream: Sequence[StoredEvent]) -> History:
        """Return the part of a complete stream that had happened by then.

        Raises NotFound, with facts, for an instant before the first event, or a version that the stream never had.
        """
        if not stream:
            raise NotFound("There is no such stream.")
        included = [event for event in stream if self._includes(event)]
        if self.version is not None and (not included or included[-1].aggregate_version != self.version):
            versions = {"first_version": stream[0].aggregate_version, "last_version": stream[-1].aggregate_version}
            raise NotFound(f"There is no version {self.version}.", version=self.version, **versions)
        if not included:
            first = format_instant(created_at(stream[0]))
            raise NotFound(f"There is nothing before {first}, when it was created.", first_event_at=first)
        at = created_at(included[-1]) if self.as_of is None else self.as_of
        return History([recorded(event) for event in included], at)

    def _includes(self, event: StoredEvent) -> bool:
        if self.version is not None:
            return event.aggregate_version <= self.version
        return self.as_of is None or created_at(event) <= self.as_of


def created_at(event: StoredEvent) -> datetime:
    """Return the instant at which the event was appended.

    Raises LogDamaged.
    """
    try:
        return as_utc(datetime.fromisoformat(event.created))
    except ValueError as error:
        raise LogDamaged(f"`Created` of event {event.aggregate_version} is not an instant.") from error
