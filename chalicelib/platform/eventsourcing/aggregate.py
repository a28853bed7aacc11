"""Defines an aggregate for the rest of the code: a name, an initial state and a fold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, TypeVar
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stored import Head

State = TypeVar("State")


@dataclass(frozen=True, eq=False)
class Aggregate(Generic[State]):
    """Folds the events of one stream into a state.

    A folded state never changes again, so it may be cached and shared between threads.

    `evolve` never raises on history, has no side effect, and ignores events it does not know. Where there is a `copy`,
    `evolve` changes the state in place, which is the fold's own copy: so a fold copies what has grown large once, not
    at every event. `owner` names the person who may see and manage the stream, where there is one. `snapshot_every`
    says after how many events a snapshot is due; None for aggregates whose streams stay short.
    """

    name: str
    initial: State
    evolve: Callable[[State, Event], State]
    owner: Callable[[State], UUID | None] = lambda _: None
    snapshot_every: int | None = None
    copy: Callable[[State], State] = lambda state: state

    def fold(self, events: Iterable[Event], state: State | None = None) -> State:
        """Return the state after the events; the one given, or the initial one, stays as it was."""
        return reduce(self.evolve, events, self.copy(self.initial if state is None else state))


@dataclass(frozen=True, slots=True)
class Folded:
    """A stream's state, and where the stream ends."""

    state: Any
    head: Head
