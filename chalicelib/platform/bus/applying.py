"""Applies the next events of a stream to one generation of a read model, up to a poison event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from chalicelib.platform.bus.projection import PositionMoved, Projection
from chalicelib.platform.errors import LogDamaged, Unavailable
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import StoredEvent


@dataclass(frozen=True, slots=True)
class Poison:
    """Names the event that could not be applied, the newest that was to be applied, and the reason.

    `event` is None if the log itself cannot be read there.
    """

    version: int
    newest: int
    error: Exception
    event: StoredEvent | None = None


class Applied(NamedTuple):
    """Holds the events that were applied, and the poison that stopped the others."""

    events: Sequence[StoredEvent]
    poison: Poison | None = None


def apply_next(
    store: EventStore,
    to: Projection,
    stream_id: UUID,
    position: int,
    arrived: Sequence[StoredEvent],
    up_to: int | None = None,
) -> Applied:
    """Apply what follows `position`: what has arrived if it has no gap, otherwise what the log has.

    Raises:
        PositionMoved: another consumer was first.
        Unavailable: a server is away.
    """
    try:
        events = _following(store, stream_id, position, arrived)
    except LogDamaged as error:
        newest = max((event.aggregate_version for event in arrived), default=position + 1)
        return Applied((), Poison(position + 1, newest, error))
    return _apply(to, stream_id, position, [one for one in events if up_to is None or one.aggregate_version <= up_to])


def _following(
    store: EventStore, stream_id: UUID, position: int, arrived: Sequence[StoredEvent]
) -> Sequence[StoredEvent]:
    # A gap is no error: the bus may deliver again, and a stream that was just released has its events in the log only.
    # The log then gives all that follows, also what has not arrived yet, which is skipped when it does.
    fresh = {event.aggregate_version: event for event in arrived if event.aggregate_version > position}
    if fresh and sorted(fresh) == list(range(position + 1, position + 1 + len(fresh))):
        return [fresh[version] for version in sorted(fresh)]
    return store.read(stream_id, position)


def _apply(to: Projection, stream_id: UUID, position: int, events: Sequence[StoredEvent]) -> Applied:
    """Apply all events at once; if that fails, one by one up to the one that cannot be."""
    try:
        to.apply(stream_id, position, [recorded(event) for event in events])
    except (PositionMoved, Unavailable):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it must stop this stream only
        if len(events) == 1:
            return Applied((), _poison(events[0], events, error))
        return _apply_singly(to, stream_id, position, events)
    return Applied(events)


def _apply_singly(to: Projection, stream_id: UUID, position: int, events: Sequence[StoredEvent]) -> Applied:
    for index, event in enumerate(events):
        try:
            to.apply(stream_id, position, [recorded(event)])
        except (PositionMoved, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - as above
            return Applied(events[:index], _poison(event, events, error))
        position = event.aggregate_version
    return Applied(events)


def _poison(event: StoredEvent, events: Sequence[StoredEvent], error: Exception) -> Poison:
    return Poison(event.aggregate_version, events[-1].aggregate_version, error, event)
