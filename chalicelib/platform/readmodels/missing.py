"""Reads the events that a read model lacks of the streams that a reader names, in two requests to the log at most."""

from collections.abc import Collection, Mapping
from uuid import UUID

from chalicelib.platform.errors import ReadModelBehind
from chalicelib.platform.eventsourcing.codec import RecordedEvent, aggregate_type_of, recorded
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.readmodels.min_versions import MinVersions

MAX_EVENTS = 100
"""The most events that one reader has folded in: as many as one request to DynamoDB finds by their places."""


def newest_missing(
    log: EventStore, followed: Collection[str], positions: Mapping[UUID, int], min_versions: MinVersions
) -> dict[UUID, StoredEvent]:
    """Return the events that the reader has seen last and the read model lacks, by stream; remember the lag.

    One item is looked at for each stream that may be behind, all in one request. A stream of a type that is not
    followed, and a version that the log does not have, count for nothing.
    Raises Unavailable.
    """
    behind = {key: version for key, version in min_versions.named.items() if positions.get(key, -1) < version}
    found = log.pick(list(behind.items())) if behind else {}
    newest = {stream_id: event for (stream_id, _), event in found.items() if aggregate_type_of(event) in followed}
    for stream_id in min_versions.named:
        if stream_id in positions or stream_id in newest:
            min_versions.lacks(stream_id, positions.get(stream_id, -1))
    return newest


def missing_events(
    log: EventStore, followed: Collection[str], positions: Mapping[UUID, int], min_versions: MinVersions
) -> dict[UUID, list[RecordedEvent]]:
    """Return what a read model at these positions lacks of the named streams, up to the versions that were named.

    Raises ReadModelBehind, if that is more than one request may fold in, LogDamaged or Unavailable.
    """
    newest = newest_missing(log, followed, positions, min_versions)
    first = {key: positions.get(key, -1) + 1 for key in newest}
    if sum(event.aggregate_version + 1 - first[key] for key, event in newest.items()) > MAX_EVENTS:
        raise ReadModelBehind(f"The read model lacks more than {MAX_EVENTS} events that were seen; try again later.")
    places = [(key, version) for key, event in newest.items() for version in range(first[key], event.aggregate_version)]
    found = log.pick(places) if places else {}
    older = {key: [found[place] for place in places if place[0] == key and place in found] for key in newest}
    return {key: [recorded(event) for event in [*older[key], last]] for key, last in newest.items()}
