"""Decides which mails somebody still gets: none to an address that bounced, no reminders to who wants none."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.mails.events import MailBounced, MailComplained, RemindersUnsubscribed
from chalicelib.shop.mails.kinds import TO_UNSUBSCRIBE_FROM, MailKind
from chalicelib.shop.mails.mail import Mail


@dataclass(frozen=True, slots=True)
class Recipient:
    """`bounced` has digests of addresses. A corrected address is another one, and is written to again."""

    bounced: frozenset[str] = frozenset()
    complaints: frozenset[UUID] = frozenset()
    wants_no_reminders: bool = False

    def refuses(self, kind: MailKind, address: str) -> str:
        """Return why a mail is not to be sent, or an empty text."""
        if address in self.bounced:
            return "bounced"
        return "unsubscribed" if kind in TO_UNSUBSCRIBE_FROM and self.wants_no_reminders else ""

    def record_bounce(self, recipient_id: UUID, mail: Mail, now: datetime) -> list[Event]:
        """Record that the address of a mail does not exist; hearing of it again changes nothing."""
        if mail.address in self.bounced:
            return []
        bounced = MailBounced(
            recipient_id=recipient_id,
            mail_id=mail.key.mail_id,
            kind=mail.key.kind,
            subject_id=mail.key.stream_id,
            address=mail.address,
            at=now,
        )
        return [bounced]

    def record_complaint(self, recipient_id: UUID, mail: Mail, now: datetime) -> list[Event]:
        """Record that a mail was called unwanted; hearing of it again changes nothing."""
        if mail.key.mail_id in self.complaints:
            return []
        complained = MailComplained(
            recipient_id=recipient_id,
            mail_id=mail.key.mail_id,
            kind=mail.key.kind,
            subject_id=mail.key.stream_id,
            at=now,
        )
        return [complained]

    def unsubscribe(self, recipient_id: UUID, now: datetime) -> list[Event]:
        """Want no more reminders; wanting it again changes nothing."""
        return [] if self.wants_no_reminders else [RemindersUnsubscribed(recipient_id=recipient_id, at=now)]


def evolve(recipient: Recipient, event: Event) -> Recipient:
    match event:
        case MailBounced():
            return replace(recipient, bounced=recipient.bounced | {event.address})
        case MailComplained():
            complaints = recipient.complaints | {event.mail_id}
            return replace(recipient, complaints=complaints, wants_no_reminders=True)
        case RemindersUnsubscribed():
            return replace(recipient, wants_no_reminders=True)
    return recipient


def recipient_stream(recipient_id: UUID) -> UUID:
    """Return the id of the stream of a recipient, which follows from the key of the address."""
    return uuid5(recipient_id, "recipient")


RECIPIENT = Aggregate("Recipient", Recipient(), evolve)
