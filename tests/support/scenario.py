"""Given some history, when a decision is asked for, then these events follow, or this refusal; and then this view."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, Generic
from uuid import UUID

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.aggregate import Aggregate, State
from chalicelib.platform.eventsourcing.codec import RecordedEvent, decode, recorded
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.readmodels.postgres.tables import Project, fold_changes
from tests.support.stored import store_all

_ANY_STREAM = UUID("57ea4000-0000-4000-8000-000000000000")


def given(aggregate: Aggregate[State], *history: Event) -> "Scenario[State]":
    """The state after `history`, which must be the same whether the events come from a decision or from the log."""
    state = aggregate.fold(history)
    assert aggregate.fold(as_read(history)) == state
    return Scenario(state)


def as_read(events: Sequence[Event]) -> list[Event]:
    """The events as they are after a round trip through the log."""
    return [decode(item) for item in store_all(_ANY_STREAM, events)]


@dataclass(frozen=True)
class Scenario(Generic[State]):
    state: State

    def when(self, decide: Callable[[State], Sequence[Event]]) -> "Outcome":
        try:
            return Outcome(tuple(decide(self.state)))
        except CloudbashError as refusal:
            return Outcome((), refusal)


@dataclass(frozen=True)
class Outcome:
    events: tuple[Event, ...]
    refusal: CloudbashError | None = None

    def then(self, *expected: Event) -> None:
        if self.refusal is not None:
            raise self.refusal
        assert list(self.events) == list(expected)
        assert as_read(self.events) == list(expected)

    def then_nothing(self) -> None:
        self.then()

    def then_refuses(self, error: type[CloudbashError], **facts: Any) -> None:
        assert type(self.refusal) is error, f"{self.refusal!r} {self.events}"
        assert self.refusal.facts == facts


ViewFold = Callable[[JsonObject | None, RecordedEvent], JsonObject]
"""What a read model of any store makes of one event more."""


def given_view(fold: ViewFold, *history: Event, stream_id: UUID = _ANY_STREAM) -> "View":
    """What a read model holds of a stream with this history, as it comes from the log."""
    events = [recorded(stored) for stored in store_all(stream_id, history)]
    return View(reduce(fold, events, None))


def rows_of(project: Project) -> ViewFold:
    """A projection into tables as a fold: rows by table and id, without what is null."""
    return partial(fold_changes, project)


@dataclass(frozen=True)
class View:
    contents: JsonObject | None

    def then(self, expected: JsonObject | None) -> None:
        """It is this, whole."""
        assert self.contents == expected

    def then_shows(self, **members: Any) -> None:
        """It has these members, whatever it has beside them."""
        assert self.contents is not None
        assert {name: self.contents.get(name) for name in members} == members
