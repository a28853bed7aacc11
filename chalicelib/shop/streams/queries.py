"""Reads one stream of the log, event by event."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.errors import Forbidden, LogDamaged, NotFound, TooMuchToRead
from chalicelib.platform.eventsourcing.aggregate import Aggregate, Folded
from chalicelib.platform.eventsourcing.codec import aggregate_type_of, decode
from chalicelib.platform.eventsourcing.diff import changes_between
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.history import created_at
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.streams import Streams

LOOKED_AT_MOST = 1000
"""Events that one page may look at in search of a type: a page may be short, or empty, and still have a next one."""

FOLDED_AT_MOST = 2000
"""Events beside its own that a page may read to know the states between which its events made their changes."""

_SLICE = 100
_SEARCHED = 500
"""The events that one request reads in search of a type."""

_PROBES = 99
"""The versions that one request looks at in search of an instant: it takes two for 9,801 events, three for 970,299."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Says which events to list; both instants are included.

    `type` is the stored name, or its last part as the code has it: `ConcertPublished`.
    """

    type: str | None = None
    from_version: int = 0
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, event: StoredEvent) -> bool:
        return self.type is None or self.type in {event.event_type, short_name(event.event_type)}

    def is_past(self, event: StoredEvent) -> bool:
        return self.until is not None and created_at(event) > self.until


@dataclass(frozen=True, slots=True)
class EventPage:
    """Holds one page: `next_after` is the version to go on after, None on the last page.

    `version` is that of the whole stream.
    """

    events: list[StoredEvent]
    next_after: int | None
    version: int


@dataclass(frozen=True, slots=True)
class LogView:
    """Gives access to the log and to the states that its streams fold to."""

    repository: Streams
    aggregates: Mapping[str, Aggregate[Any]]

    @property
    def store(self) -> EventStore:
        return self.repository.store

    def with_changes(self, events: Sequence[StoredEvent]) -> list[JsonObject]:
        """Return the events of a page, in order, each with its `changes`.

        A change is known only with the state before it. So what lies before and between these events is read and
        folded, from a snapshot on if there is one, and FOLDED_AT_MOST events in all, as long as the call may read the
        log: further on, `changes` is None.
        """
        if not events:
            return []
        fold = _Fold.before(self, events[0])
        return [as_item(event) | {"changes": fold.changes_of(event)} for event in events]


class _Fold:
    """Folds a stream from one listed event to the next, with no more than FOLDED_AT_MOST events between them."""

    def __init__(self, log: LogView, aggregate: Aggregate[Any] | None, known: Folded) -> None:
        self._store = log.store
        self._aggregate = aggregate
        self._state = known.state
        self._version = known.head.version
        self._left = FOLDED_AT_MOST

    @classmethod
    def before(cls, log: LogView, event: StoredEvent) -> "_Fold":
        aggregate = log.aggregates.get(aggregate_type_of(event))
        if aggregate is None:
            return cls(log, None, Folded(None, Head(event.aggregate_version - 1)))
        nothing = Folded(aggregate.initial, Head())
        if event.aggregate_version <= _SLICE:
            return cls(log, aggregate, nothing)
        taken = log.repository.snapshot(aggregate, event.aggregate_id)
        is_before = taken is not None and taken.head.version < event.aggregate_version
        return cls(log, aggregate, taken if taken is not None and is_before else nothing)

    def changes_of(self, event: StoredEvent) -> list[JsonObject] | None:
        """Return what the event changed, or None if that would take more events than may be read."""
        missing = event.aggregate_version - self._version - 1
        if missing > self._left:
            self._left = 0
            return None
        if missing and self._aggregate is not None:
            self._left -= missing
            try:
                between = self._store.read_slice(event.aggregate_id, self._version, missing)
            except TooMuchToRead:
                self._left = 0
                return None
            # An imported stream may begin late, and then its beginning is read once more.
            earlier = [one for one in between if one.aggregate_version < event.aggregate_version]
            self._state = self._aggregate.fold(_readable(earlier), self._state)
        before, self._state = self._state, _evolved(self._aggregate, self._state, event)
        self._version = event.aggregate_version
        return changes_between(before, self._state)


def list_events(
    log: LogView, actor: Actor, stream_id: UUID, wanted: Wanted, limit: int, after: int | None = None
) -> EventPage:
    """Return a page of a stream's events: operators may see every stream, organisers their own.

    It costs as much in a long stream as in a short one.

    Raises:
        NotFound: there is no such stream.
        Forbidden: the stream belongs to another organiser.
        Unavailable: the log is away.
    """
    newest = log.store.read_last(stream_id, 1)
    if not newest:
        raise NotFound("There is no such stream.")
    if Role.OPERATOR not in actor.roles:
        _ensure_owner(log, aggregate_type_of(newest[0]), stream_id, actor)
    version = newest[0].aggregate_version
    if after is None:
        after = wanted.from_version - 1
        if wanted.since is not None:
            after = _last_before(log.store, stream_id, wanted.since, after, version)
    events, next_after = _search(log.store, stream_id, wanted, limit, after, version)
    return EventPage(events, next_after, version)


def _search(
    store: EventStore, stream_id: UUID, wanted: Wanted, limit: int, after: int, version: int
) -> tuple[list[StoredEvent], int | None]:
    found: list[StoredEvent] = []
    looked_at = 0
    while after < version and looked_at < LOOKED_AT_MOST:
        for event in store.read_slice(stream_id, after, limit if wanted.type is None else _SEARCHED):
            if wanted.is_past(event):
                return found, None
            after, looked_at = event.aggregate_version, looked_at + 1
            if wanted.matches(event):
                found.append(event)
            if len(found) == limit:
                return found, after if after < version else None
    return found, after if after < version else None


def _last_before(store: EventStore, stream_id: UUID, since: datetime, low: int, high: int) -> int:
    """Find the version, between `low` and `high`, after which events are of `since` or later.

    `Created` never decreases within a stream, so each request for some of the versions leaves the gap between two.
    """
    while low < high:
        count = min(_PROBES, high - low)
        probes = [low + (high - low) * place // count for place in range(1, count + 1)]
        found = store.pick([(stream_id, version) for version in probes])
        for version in probes:
            event = found.get((stream_id, version))
            if event is not None and created_at(event) >= since:
                high = version - 1
                break
            low = version
    return low


def history(stored: Sequence[StoredEvent], aggregates: Mapping[str, Aggregate[Any]]) -> list[JsonObject]:
    """Return every event as it is stored, in order, each with what it changed; personal data stays ciphertext.

    Raises:
        NotFound: the stream has no events.
    """
    if not stored:
        raise NotFound("There is no such stream.")
    aggregate = aggregates.get(aggregate_type_of(stored[0]))
    state = aggregate.initial if aggregate else None
    items = []
    for event in stored:
        before, state = state, _evolved(aggregate, state, event)
        items.append(as_item(event) | {"changes": changes_between(before, state)})
    return items


def short_name(event_type: str) -> str:
    """Return `ConcertPublished` for `Cloudbash.Domain.Concerts.Events.ConcertPublishedEvent`."""
    return event_type.rsplit(".", 1)[-1].removesuffix("Event")


def _ensure_owner(log: LogView, aggregate_type: str, stream_id: UUID, actor: Actor) -> None:
    aggregate = log.aggregates.get(aggregate_type)
    owner = aggregate.owner(log.repository.load(aggregate, stream_id)[0]) if aggregate else None
    if not actor.works_for(owner):
        raise Forbidden("This stream belongs to somebody else.")


def _evolved(aggregate: Aggregate[Any] | None, state: Any, event: StoredEvent) -> Any:
    """Return the state after the event; an event that cannot be read is shown and changes nothing."""
    if aggregate is None:
        return state
    try:
        return aggregate.fold([decode(event)], state)
    except LogDamaged:
        return state


def _readable(stored: Sequence[StoredEvent]) -> Iterator[Event]:
    for event in stored:
        with suppress(LogDamaged):
            yield decode(event)


def as_item(event: StoredEvent) -> JsonObject:
    """Show the event as it is stored, with personal data as ciphertext."""
    return {
        "aggregate_id": str(event.aggregate_id),
        "aggregate_version": event.aggregate_version,
        "aggregate_type": aggregate_type_of(event),
        "created": event.created,
        "event_type": event.event_type,
        "schema_version": event.schema_version,
        "actor_id": event.actor_id,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
        "data": _data(event),
    }


def _data(event: StoredEvent) -> Any:
    try:
        return from_json(event.data)
    except ValueError:
        return event.data
