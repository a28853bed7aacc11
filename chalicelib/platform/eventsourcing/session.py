"""Defines the session, which is one attempt of one command: what it has read, and what it wants to append."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, cast
from uuid import UUID

from chalicelib.platform.errors import PreconditionFailed
from chalicelib.platform.eventsourcing.aggregate import Aggregate, Folded, State
from chalicelib.platform.eventsourcing.codec import Origin, RecordedEvent, encode, recorded
from chalicelib.platform.eventsourcing.epoch_cache import CachedResult, EpochCache
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.streams import Change, Streams
from chalicelib.platform.ids import IdKey


class Load(Enum):
    """Says how a session reads a stream, and so what a decision may rest on. The names follow Equinox's load options.

    `CACHED` takes what this container knows, and reads only a stream that it does not know. The commit proves the state
    current if the session appends to the stream; otherwise, and before a refusal, the command runs again on what the
    log has.

    `ASSUME_EMPTY` does the same, but takes an unknown stream for empty without reading it, as one whose id was just
    made. If the stream does exist, the append fails, and the command runs again on what is there.

    `ALLOW_STALE` is for one stream among several to choose from. If the commit appends to another one, the state may
    have been old; only a refusal, or a command that appends nothing, has it read again.

    `FRESH` reads the log, also where this session has read the stream before. It is for a stream that the command
    consults and does not change: nothing else proves that state current.
    """

    CACHED = auto()
    ASSUME_EMPTY = auto()
    ALLOW_STALE = auto()
    FRESH = auto()


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that is decided and not yet in the log."""

    aggregate: Aggregate[Any]
    stream_id: UUID
    event: Event


@dataclass(frozen=True, slots=True)
class Caused:
    """The version to which a request has brought a stream, and the hash of its body, if its events say so."""

    version: int
    request_hash: str | None


class Session:
    """Reads streams and collects events for one attempt; the events are committed together or not at all.

    `now` has milliseconds, as the log has. What begins with `hint` may be old, incomplete or gone: a command may choose
    by it what to try first, and never decide on it. `hint_contended` holds the streams whose race was just lost, and
    `hint_choices` what commands of this container chose last, by what they chose for.
    """

    def __init__(
        self,
        streams: Streams,
        now: datetime,
        ids: Callable[[], IdKey],
        stale: frozenset[UUID],
        contended: frozenset[UUID],
        cached_results: dict[UUID, CachedResult],
    ) -> None:
        self.now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self.hint_choices = streams.hint_choices
        self.hint_contended = contended
        self.epoch_cache: EpochCache = streams.store
        self.pending: list[Pending] = []
        self.raising: set[UUID] = set()
        self._ids = ids
        self._streams = streams
        self._stale = stale
        self._cached_results = cached_results
        self._seen: dict[UUID, Folded] = {}
        self._heads: dict[UUID, Head] = {}
        self._request_hashes: dict[UUID, str] = {}
        self._unproven: set[UUID] = set()
        self._allowed_stale: set[UUID] = set()

    @property
    def ids(self) -> IdKey:
        """Return the key from which ids follow.

        Raises Unavailable: it is read at its first use in a container.
        """
        return self._ids()

    @property
    def unproven(self) -> frozenset[UUID]:
        """Return the streams used as cached or assumed, on which a refusal or a "nothing to do" may wrongly rest."""
        return frozenset(self._unproven)

    @property
    def doubtful(self) -> frozenset[UUID]:
        """Return the unproven streams that the commit would not prove current, since nothing is appended to them."""
        return self.unproven - self._allowed_stale - {pending.stream_id for pending in self.pending}

    def load(self, aggregate: Aggregate[State], stream_id: UUID, how: Load = Load.CACHED) -> State:
        """Return the stream's state, with what this session appended. `Load` says what may rest on it."""
        if how is Load.FRESH:
            self._forget(stream_id)
        # The strictest use counts: a stream that was only one of several choices is not, once a decision rests on it.
        if how is not Load.ALLOW_STALE:
            self._allowed_stale.discard(stream_id)
        elif stream_id not in self._seen:
            self._allowed_stale.add(stream_id)
        folded = self._seen.get(stream_id)
        if folded is None:
            folded = self._seen[stream_id] = self._open(aggregate, stream_id, how)
            self._heads[stream_id] = folded.head
        return cast(State, folded.state)

    def hint_state(self, aggregate: Aggregate[State], stream_id: UUID) -> State | None:
        """Return the state as this container knows it, without asking the log; None if it does not know the stream."""
        folded = self._seen.get(stream_id) or self._streams.cached(aggregate, stream_id)
        return None if folded is None else cast(State, folded.state)

    def append(self, aggregate: Aggregate[State], stream_id: UUID, *events: Event) -> None:
        """Add events to the commit; from then on `load` returns the state with them."""
        state = self.load(aggregate, stream_id)
        if not events:
            return
        head = self._seen[stream_id].head
        self.pending += (Pending(aggregate, stream_id, event) for event in events)
        version = head.version + len(events)
        # Only the version of this head is right before the commit encodes the events. `_heads` has the head to append
        # after, as it is in the log.
        self._seen[stream_id] = Folded(aggregate.fold(events, state), Head(version, head.created, head.chain_hash))

    def raise_epoch(self, key: UUID) -> None:
        """Void the cached result of this key, in the transaction of the commit."""
        self.raising.add(key)

    def cached_result(self, key: UUID) -> CachedResult:
        """Return the result as this command first read it; after a lost race it is read anew.

        `epoch_cache` reads and stores results outside the commit: they are true whether the command succeeds or not.
        Raises Unavailable.
        """
        if key not in self._cached_results:
            self._cached_results[key] = self.epoch_cache.find_result(key)
        return self._cached_results[key]

    def rely_on_cached_result(self) -> None:
        """Say that the refusal that follows rests on a cached result, and not on states that may be stale."""
        self._unproven -= self._allowed_stale

    def version(self, stream_id: UUID) -> int:
        """Return the stream's version once this session is committed; -1 for a stream without events."""
        return self._seen[stream_id].head.version

    def ensure_version(self, stream_id: UUID, expected: int | None) -> None:
        """Check that the stream, before this session's events, has the expected version.

        Raises PreconditionFailed.
        """
        actual = self._heads[stream_id].version
        if expected is not None and actual != expected:
            raise PreconditionFailed(f"The version is {actual}, and the request expects {expected}.", version=actual)

    def find_caused(self, stream_id: UUID, causation_id: str) -> Caused | None:
        """Read from the log to what this cause brought the stream; None if it never did.

        Raises Unavailable.
        """
        caused = [event for event in self._streams.store.read(stream_id) if event.causation_id == causation_id]
        if not caused:
            return None
        hashes = (event.request_hash for event in caused)
        return Caused(caused[-1].aggregate_version, next(filter(None, hashes), None))

    def note_request(self, stream_id: UUID, request_hash: str) -> None:
        """Store the hash of the request's body with what is appended to the stream: the request may come again."""
        self._request_hashes[stream_id] = request_hash

    def find_recorded(self, stream_id: UUID, matches: Callable[[Event], bool]) -> RecordedEvent | None:
        """Read the first event that matches from the log: so a repeated request finds its own event.

        Raises LogDamaged or Unavailable.
        """
        events = map(recorded, self._streams.store.read(stream_id))
        return next((event for event in events if matches(event.event)), None)

    def commit(self, origin: Origin, new_id: Callable[[], UUID]) -> None:
        """Append the pending events to the log in one transaction, and remember the streams as they stand then.

        Raises ConcurrencyError, CommitTooLarge or Unavailable.
        """
        items, changes = self._encoded(origin, new_id)
        self._streams.store.append(items, self.raising)
        for stream_id, change in changes.items():
            self._streams.remember(stream_id, change)

    def _encoded(self, origin: Origin, new_id: Callable[[], UUID]) -> tuple[list[StoredEvent], dict[UUID, Change]]:
        """Return the pending events as items, and what they change by stream."""
        items: list[StoredEvent] = []
        changes: dict[UUID, Change] = {}
        heads = dict(self._heads)
        for pending in self.pending:
            stream_id = pending.stream_id
            request_hash = self._request_hashes.get(stream_id, "")
            item = encode(pending.event, stream_id, heads[stream_id], origin, new_id(), self.now, request_hash)
            heads[stream_id] = Head.of(item)
            after = Folded(self._seen[stream_id].state, heads[stream_id])
            changes[stream_id] = Change(pending.aggregate, self._heads[stream_id], after)
            items.append(item)
        return items, changes

    def _forget(self, stream_id: UUID) -> None:
        """Have the stream read from the log when it is next loaded, unless this session has appended to it.

        What else the session has read since may be newer than what it knows of the stream. Once there are pending
        events, their place depends on the state that was read, so that state stays, unproven until the commit.
        """
        if not any(pending.stream_id == stream_id for pending in self.pending):
            self._unproven.discard(stream_id)
            self._seen.pop(stream_id, None)
        self._stale = self._stale | {stream_id}

    def _open(self, aggregate: Aggregate[Any], stream_id: UUID, how: Load) -> Folded:
        if stream_id not in self._stale:
            known = self._streams.cached(aggregate, stream_id)
            if known is None and how is Load.ASSUME_EMPTY:
                known = Folded(aggregate.initial, Head())
            if known is not None:
                self._unproven.add(stream_id)
                return known
        return self._streams.refresh(aggregate, stream_id)
