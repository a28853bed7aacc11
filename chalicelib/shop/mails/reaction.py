"""Has mails sent for events; whether there is anything to be said is found out by the task."""

from datetime import UTC, datetime

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.processes.work import Task
from chalicelib.shop.access.events import AccountEvent, MemberInvited, PersonErased, TeamEvent
from chalicelib.shop.concerts.events import (
    ConcertCancelled,
    ConcertEvent,
    ConcertMoved,
    ConcertPostponed,
    ConcertPublished,
)
from chalicelib.shop.mails import task_kinds as kinds
from chalicelib.shop.orders.events import (
    BuyerErased,
    OrderConfirmed,
    OrderEvent,
    OrderLinkIssued,
    PaymentFailed,
    RefundCompleted,
    RefundRecorded,
)


class MailReaction:
    """Sends one task for an event, and none for all others. Nothing is written or sent here."""

    aggregate_types = frozenset(base.aggregate_type for base in (OrderEvent, ConcertEvent, TeamEvent, AccountEvent))
    since = datetime(2026, 11, 28, tzinfo=UTC)

    def react(self, recorded: RecordedEvent) -> tuple[Task, ...]:
        stream, cause = recorded.stream_id, f"{recorded.stream_id}:{recorded.version}"
        match recorded.event:
            case OrderConfirmed():
                return (Task(kinds.MAIL_CONFIRMATION, stream, cause),)
            case RefundCompleted() | RefundRecorded() as event:
                return (Task(kinds.MAIL_REFUND, stream, cause, event.refund_id),)
            case PaymentFailed() as event:
                return (Task(kinds.MAIL_FAILED_PAYMENT, stream, cause, event.payment_id),)
            case OrderLinkIssued() as event:
                return (Task(kinds.MAIL_LINK, stream, cause, event.link_id),)
            case MemberInvited() as event:
                return (Task(kinds.MAIL_INVITATION, stream, cause, event.invitation_id),)
            case ConcertPublished():
                return (Task(kinds.SET_REMINDER, stream, cause),)
            case ConcertMoved() | ConcertPostponed() | ConcertCancelled():
                return (Task(kinds.MAIL_CHANGE, stream, cause),)
            case PersonErased() | BuyerErased():
                return (Task(kinds.FORGET_MAILS, stream, cause),)
        return ()
