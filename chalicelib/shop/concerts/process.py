"""The process of a concert: what takes longer than a commit is brought to its end, whoever crashed in between.

A cancellation: its sales stop, and every order of it is refunded or cancelled. A change of capacity: every pool has its
part, or none.
"""

from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.processes.process import FROM_THE_BEGINNING, Step
from chalicelib.platform.processes.work import Task
from chalicelib.shop.concerts.events import (
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCapacityChanged,
    ConcertCapacityChangeRefused,
    ConcertCapacityChangeStarted,
    ConcertEvent,
)

RESUME_CONCERT = "resume_concert"

FINISHED_WITHIN = timedelta(minutes=1)
"""A request is dead by then: API Gateway gives it 29 s."""


class ConcertProcess:
    """Its state is what was begun and when. A cancellation begins its work at once, a change of capacity is the work of
    its request; both are begun again until they are completed: whatever message was lost, the watchdog has the work
    done anew. Every part of it may be repeated."""

    aggregate_type = ConcertEvent.aggregate_type
    since = FROM_THE_BEGINNING

    def react(self, state: JsonObject, recorded: RecordedEvent) -> Step:
        begun = format_instant(as_utc(recorded.created))
        match recorded.event:
            case ConcertCancelled():
                task = self.overdue(recorded.stream_id, f"{recorded.stream_id}:{recorded.version}")
                return _step({"cancelling": begun}, task)
            case ConcertCapacityChangeStarted():
                return _step(state | {"changing_capacity": begun})
            case ConcertCapacityChanged() | ConcertCapacityChangeRefused():
                return _step({name: at for name, at in state.items() if name != "changing_capacity"})
            case ConcertCancellationCompleted():
                return _step({})
        return _step(state)

    def overdue(self, stream_id: UUID, cause: str) -> Task:
        return Task(RESUME_CONCERT, stream_id, cause)


def _step(state: JsonObject, *tasks: Task) -> Step:
    first = min((datetime.fromisoformat(begun) for begun in state.values()), default=None)
    return Step(state, None if first is None else first + FINISHED_WITHIN, tasks)
