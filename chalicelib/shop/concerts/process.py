"""Defines the process of a concert, which finishes what takes more than one commit, even after a crash.

A cancellation is finished when its sales have stopped and every order of it is refunded or cancelled, a change of
capacity when every pool has its part, or none has, and a change of terms when every pool has the newest.
"""

from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.processes.process import FROM_THE_BEGINNING, Step
from chalicelib.platform.processes.work import Task
from chalicelib.shop.concerts.events import (
    ConcertAreaCapacityChanged,
    ConcertAreaCapacityChangeRefused,
    ConcertAreaCapacityChangeStarted,
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCapacityChanged,
    ConcertCapacityChangeRefused,
    ConcertCapacityChangeStarted,
    ConcertEvent,
    ConcertTermsApplied,
    ConcertTermsChanged,
)
from chalicelib.shop.concerts.publication import CHANGED_IN_THE_REQUEST

RESUME_CONCERT = "resume_concert"

_TERMS = "changing_terms:"
"""Before a version of the terms, of which some pool may have older ones."""

FINISHED_WITHIN = timedelta(minutes=1)
"""The request that began the work has ended by then: API Gateway gives it 29 s."""


class ConcertProcess:
    """Remembers what was begun and when, and sends a task for it until it is completed.

    A cancellation's task is sent at once, and so is that of terms for more pools than a request changes. A change of
    capacity, or of the terms of few pools, is done by its request, and by a task only if that has not finished in time.
    Whatever message is lost, the watchdog sends another. Every part of the work may be repeated.
    """

    aggregate_type = ConcertEvent.aggregate_type
    since = FROM_THE_BEGINNING

    def react(self, state: JsonObject, recorded: RecordedEvent) -> Step:
        begun = format_instant(as_utc(recorded.created))
        match recorded.event:
            case ConcertCancelled():
                task = self.overdue(recorded.stream_id, f"{recorded.stream_id}:{recorded.version}")
                return _step({"cancelling": begun}, task)
            case ConcertCapacityChangeStarted() | ConcertAreaCapacityChangeStarted():
                return _step(state | {"changing_capacity": begun})
            case (
                ConcertCapacityChanged()
                | ConcertCapacityChangeRefused()
                | ConcertAreaCapacityChanged()
                | ConcertAreaCapacityChangeRefused()
            ):
                return _step({name: at for name, at in state.items() if name != "changing_capacity"})
            case ConcertTermsChanged() as event:
                task = self.overdue(recorded.stream_id, f"{recorded.stream_id}:{recorded.version}")
                tasks = [task] if event.pool_count > CHANGED_IN_THE_REQUEST else []
                return _step(state | {f"{_TERMS}{event.terms_version}": begun}, *tasks)
            case ConcertTermsApplied() as event:
                return _step({name: at for name, at in state.items() if not _is_applied(name, event.terms_version)})
            case ConcertCancellationCompleted():
                return _step({})
        return _step(state)

    def overdue(self, stream_id: UUID, cause: str) -> Task:
        return Task(RESUME_CONCERT, stream_id, cause)

    def retry_at(self, _: JsonObject, now: datetime) -> datetime:
        return now + FINISHED_WITHIN


def _is_applied(name: str, terms_version: int) -> bool:
    return name.startswith(_TERMS) and int(name.removeprefix(_TERMS)) <= terms_version


def _step(state: JsonObject, *tasks: Task) -> Step:
    first = min((datetime.fromisoformat(begun) for begun in state.values()), default=None)
    return Step(state, None if first is None else first + FINISHED_WITHIN, tasks)
