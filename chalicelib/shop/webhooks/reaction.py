"""Has events announced that some receiver may want to hear of; whether any does is found out by the task."""

from datetime import UTC, datetime

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.processes.work import Task
from chalicelib.shop.access.events import AccountEvent, PersonErased
from chalicelib.shop.concerts.events import ConcertEvent
from chalicelib.shop.orders.events import (
    BuyerErased,
    OfflineScanRecorded,
    OrderConfirmed,
    OrderEvent,
    OrderSettled,
    RefundCompleted,
    RefundRecorded,
    TicketCheckedIn,
    TicketEvent,
    TicketRevoked,
    TicketsMoved,
)
from chalicelib.shop.webhooks.events import ConcertSoldOut, SoldOutEvent, WebhookEndpointEvent, WebhookReplayRequested
from chalicelib.shop.webhooks.messages import CHANGES
from chalicelib.shop.webhooks.task_kinds import (
    ANNOUNCE_CONCERT,
    ANNOUNCE_ERASURE,
    ANNOUNCE_ORDER,
    REPLAY_WEBHOOKS,
)


class WebhookReaction:
    """Sends one task for an event, and none for all others. No HTTP request is made here."""

    aggregate_types = frozenset(
        base.aggregate_type
        for base in (OrderEvent, TicketEvent, ConcertEvent, AccountEvent, SoldOutEvent, WebhookEndpointEvent)
    )
    since = datetime(2026, 11, 28, tzinfo=UTC)

    def react(self, recorded: RecordedEvent) -> tuple[Task, ...]:
        stream, cause = recorded.stream_id, f"{recorded.stream_id}:{recorded.version}"
        match recorded.event:
            case OrderConfirmed() | RefundCompleted() | RefundRecorded() | OrderSettled():
                return (Task(ANNOUNCE_ORDER, stream, cause),)
            case TicketsMoved() | BuyerErased():
                return (Task(ANNOUNCE_ORDER, stream, cause),)
            case TicketCheckedIn() | OfflineScanRecorded(direction="in") | TicketRevoked() as event:
                return (Task(ANNOUNCE_ORDER, event.order_id, cause, about=stream),)
            case PersonErased():
                return (Task(ANNOUNCE_ERASURE, stream, cause),)
            case ConcertSoldOut() as event:
                return (Task(ANNOUNCE_CONCERT, event.concert_id, cause, about=stream),)
            case WebhookReplayRequested() as event:
                return (Task(REPLAY_WEBHOOKS, stream, cause, about=event.replay_id),)
            case event if type(event) in CHANGES:
                return (Task(ANNOUNCE_CONCERT, stream, cause),)
        return ()
