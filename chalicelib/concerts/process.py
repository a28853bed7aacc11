"""The process that cancels a concert: its sales stop, and every order of it is refunded or cancelled."""

from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.concerts.events import ConcertCancellationCompleted, ConcertCancelled, ConcertEvent
from chalicelib.eventsourcing.codec import RecordedEvent
from chalicelib.eventsourcing.event import JsonObject, as_utc, format_instant
from chalicelib.processes.process import FROM_THE_BEGINNING, Step
from chalicelib.processes.work import Kind, Task

FINISHED_WITHIN = timedelta(minutes=1)


class ConcertCancellation:
    """Begins at once, and again until it is completed: whatever message was lost, the watchdog has its work done anew.
    Every part of it may be repeated."""

    aggregate_type = ConcertEvent.aggregate_type
    since = FROM_THE_BEGINNING

    def react(self, state: JsonObject, recorded: RecordedEvent) -> Step:
        match recorded.event:
            case ConcertCancelled():
                cancelled_at = as_utc(recorded.created)
                task = self.overdue(recorded.stream_id, f"{recorded.stream_id}:{recorded.version}")
                state = {"cancelling": format_instant(cancelled_at)}
                return Step(state, cancelled_at + FINISHED_WITHIN, (task,))
            case ConcertCancellationCompleted():
                return Step({})
        cancelling = state.get("cancelling")
        return Step(state, datetime.fromisoformat(cancelling) + FINISHED_WITHIN if cancelling else None)

    def overdue(self, stream_id: UUID, cause: str) -> Task:
        return Task(Kind.CANCEL_CONCERT, stream_id, cause)
