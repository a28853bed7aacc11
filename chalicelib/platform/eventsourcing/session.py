"""One attempt of one command: what it has read, and what it wants to append."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast
from uuid import UUID

from chalicelib.platform.errors import PreconditionFailed
from chalicelib.platform.eventsourcing.aggregate import Aggregate, State
from chalicelib.platform.eventsourcing.cache import Folded
from chalicelib.platform.eventsourcing.codec import Head, Origin, RecordedEvent, encode, recorded
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.marks import Mark, Marks
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import StoredEvent


class Streams(Protocol):
    """What a session asks of the repository that runs it."""

    choices: dict[UUID, UUID]
    """What commands of this container chose last among streams that would all do, by what they chose for."""

    @property
    def store(self) -> EventStore: ...

    def cached(self, aggregate: Aggregate[Any], stream_id: UUID) -> Folded | None:
        """What this container knows of the stream without asking; it may be old."""

    def refresh(self, aggregate: Aggregate[State], stream_id: UUID) -> Folded:
        """The stream as it is in the log now."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that is decided and not yet in the log."""

    aggregate: Aggregate[Any]
    stream_id: UUID
    event: Event


@dataclass(frozen=True, slots=True)
class Change:
    """A stream as it stood before and as it will stand after a commit."""

    aggregate: Aggregate[Any]
    before: Head
    after: Folded

    @property
    def snapshot_is_due(self) -> bool:
        every = self.aggregate.snapshot_every
        return every is not None and (self.after.head.version + 1) // every > (self.before.version + 1) // every


class Session:
    """All that is appended in one session is committed together or not at all.

    `now` has milliseconds, as the log has. `contended` holds the streams whose race was just lost: a command that may
    choose avoids them.
    """

    def __init__(
        self,
        repository: Streams,
        now: datetime,
        stale: frozenset[UUID],
        contended: frozenset[UUID],
        known_marks: dict[UUID, Mark],
    ) -> None:
        self.now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self.contended = contended
        self.pending: list[Pending] = []
        self.raising: set[UUID] = set()
        self._repository = repository
        self._stale = stale
        self._known_marks = known_marks
        self._seen: dict[UUID, Folded] = {}
        self._heads: dict[UUID, Head] = {}
        self._unproven: set[UUID] = set()
        self._considered: set[UUID] = set()

    @property
    def unproven(self) -> frozenset[UUID]:
        """The streams used as cached or assumed: what a refusal, or a "nothing to do", may wrongly rest on."""
        return frozenset(self._unproven)

    @property
    def doubtful(self) -> frozenset[UUID]:
        """Those of them that the commit would not prove current, since nothing is appended to them."""
        return self.unproven - self._considered - {pending.stream_id for pending in self.pending}

    def get(self, aggregate: Aggregate[State], stream_id: UUID, *, assume_new: bool = False) -> State:
        """The stream's state, with what this session appended. `assume_new` spares the read for a stream whose id was
        just made: if it does exist, the append fails and the command is run again on what is there."""
        self._considered.discard(stream_id)
        return self._state_of(aggregate, stream_id, assume_new)

    def consider(self, aggregate: Aggregate[State], stream_id: UUID) -> State:
        """The state of one stream among several to choose from. If another is chosen in the end, it may have been old:
        only a refusal needs to know better."""
        if stream_id not in self._seen:
            self._considered.add(stream_id)
        return self._state_of(aggregate, stream_id, assume_new=False)

    def read(self, aggregate: Aggregate[State], stream_id: UUID) -> State:
        """The state as it is in the log now, for a stream that this command consults and does not change. What it read
        of it before is read again: other things that it has read since may be newer."""
        is_changed = any(pending.stream_id == stream_id for pending in self.pending)
        if not is_changed:
            self._unproven.discard(stream_id)
            self._seen.pop(stream_id, None)
        self._stale = self._stale | {stream_id}
        return self.get(aggregate, stream_id)

    def peek(self, aggregate: Aggregate[State], stream_id: UUID) -> State | None:
        """The state as this container knows it, without asking; only to choose by, never to decide on."""
        folded = self._seen.get(stream_id) or self._repository.cached(aggregate, stream_id)
        return None if folded is None else cast(State, folded.state)

    @property
    def choices(self) -> dict[UUID, UUID]:
        """See `Streams.choices`: a hint to choose by, never to decide on."""
        return self._repository.choices

    def append(self, aggregate: Aggregate[State], stream_id: UUID, *events: Event) -> None:
        """Add events to the commit; `get` answers with them applied."""
        state = self.get(aggregate, stream_id)
        head = self._seen[stream_id].head
        self.pending += (Pending(aggregate, stream_id, event) for event in events)
        version = head.version + len(events)
        self._seen[stream_id] = Folded(aggregate.fold(events, state), Head(version, head.created, head.chain_hash))

    def raise_epoch(self, key: UUID) -> None:
        """Void what was remembered under this mark, in the transaction of the commit."""
        self.raising.add(key)

    def find_mark(self, key: UUID) -> Mark:
        """The mark as it was when this command first asked for it, and anew after a lost race."""
        if key not in self._known_marks:
            self._known_marks[key] = self.marks.find_mark(key)
        return self._known_marks[key]

    @property
    def marks(self) -> Marks:
        """To be read and kept outside the commit: a verdict is true whether the command succeeds or not."""
        return self._repository.store

    def rely_on_mark(self) -> None:
        """The refusal that follows rests on a mark that was just read, and not on the streams considered before."""
        self._unproven -= self._considered

    def version(self, stream_id: UUID) -> int:
        """The stream's version once this session is committed; -1 for a stream without events."""
        return self._seen[stream_id].head.version

    def ensure_version(self, stream_id: UUID, expected: int | None) -> None:
        """Raises PreconditionFailed unless the stream, before this session's events, has the expected version."""
        actual = self._heads[stream_id].version
        if expected is not None and actual != expected:
            raise PreconditionFailed(f"The version is {actual}, not {expected}.", version=actual)

    def version_caused_by(self, stream_id: UUID, causation_id: str) -> int | None:
        """The version to which this cause brought the stream, read from the log; None if it never did."""
        caused = [event for event in self._repository.store.read(stream_id) if event.causation_id == causation_id]
        return caused[-1].aggregate_version if caused else None

    def find_recorded(self, stream_id: UUID, matches: Callable[[Event], bool]) -> RecordedEvent | None:
        """The first event of the stream that matches, read from the log: how a repeated request meets its own event."""
        events = map(recorded, self._repository.store.read(stream_id))
        return next((event for event in events if matches(event.event)), None)

    def encoded(self, origin: Origin, new_id: Callable[[], UUID]) -> tuple[list[StoredEvent], dict[UUID, Change]]:
        """The pending events as items, and what they change by stream."""
        heads = dict(self._heads)
        items = []
        for pending in self.pending:
            head = heads[pending.stream_id]
            item = encode(pending.event, pending.stream_id, head, origin, new_id(), self.now)
            heads[pending.stream_id] = Head.of(item)
            items.append(item)
        changed = {pending.stream_id: pending.aggregate for pending in self.pending}
        return items, {
            key: Change(aggregate, self._heads[key], Folded(self._seen[key].state, heads[key]))
            for key, aggregate in changed.items()
        }

    def _state_of(self, aggregate: Aggregate[State], stream_id: UUID, assume_new: bool) -> State:
        if stream_id not in self._seen:
            self._seen[stream_id] = self._open(aggregate, stream_id, assume_new)
            self._heads[stream_id] = self._seen[stream_id].head
        return cast(State, self._seen[stream_id].state)

    def _open(self, aggregate: Aggregate[Any], stream_id: UUID, assume_new: bool) -> Folded:
        if stream_id in self._stale:
            return self._repository.refresh(aggregate, stream_id)
        known = self._repository.cached(aggregate, stream_id)
        if known is None and not assume_new:
            return self._repository.refresh(aggregate, stream_id)
        self._unproven.add(stream_id)
        return known or Folded(aggregate.initial, Head())
