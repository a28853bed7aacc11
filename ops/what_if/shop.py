"""Runs commands of the shop on a virtual clock, over states in memory: nothing is read, and nothing is stored."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from chalicelib.platform.eventsourcing.aggregate import Aggregate, Folded, State
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.stored import Head
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore

Result = TypeVar("Result")


class ReplayRepository(Repository):
    """Keeps every stream as it stands, and hands each event to `watch`. No command meets a race, or a cold cache."""

    def __init__(self, watch: Callable[[UUID, Event], None]) -> None:
        super().__init__(MemoryEventStore(), lambda: self.clock)
        self.clock = datetime.min.replace(tzinfo=UTC)
        self._standing: dict[tuple[str, UUID], Folded] = {}
        self._watch_stream = watch

    def execute(self, command: Callable[[Session], Result], origin: Origin) -> Result:  # noqa: ARG002 - nothing is stored
        """Run the command once, and keep what it has appended unless it is refused."""
        session = Session(self, self.now(), self._ids, frozenset(), frozenset(), {})
        result = command(session)
        for pending in session.pending:
            key, stream_id = (pending.aggregate.name, pending.stream_id), pending.stream_id
            head = Head(session.version(stream_id))
            self._standing[key] = Folded(session.load(pending.aggregate, stream_id), head)
            self._watch_stream(stream_id, pending.event)
        return result

    def cached(self, aggregate: Aggregate[Any], stream_id: UUID) -> Folded:
        return self._standing.get((aggregate.name, stream_id)) or Folded(aggregate.initial, Head())

    def refresh(self, aggregate: Aggregate[State], stream_id: UUID) -> Folded:
        return self.cached(aggregate, stream_id)

    def states(self, aggregate: Aggregate[State]) -> Mapping[UUID, State]:
        """Return every stream of the aggregate as it stands."""
        return {key: folded.state for (name, key), folded in self._standing.items() if name == aggregate.name}
