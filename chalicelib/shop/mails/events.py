"""Defines the events of those who get mails: what came back, and what they do not want."""

from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event, Instant


class RecipientEvent(Event, aggregate="Recipient"):
    """Base of the events of one recipient, known by the key under which the address is sealed."""


class MailBounced(RecipientEvent, stored_as="Cloudbash.Domain.Mails.Events.MailBouncedEvent"):
    """Records that nothing can be delivered to an address, as a mail to it has shown.

    `address` is a digest of it under the recipient's key. `subject_id` is the order, or team, that the mail was about.
    """

    recipient_id: UUID
    mail_id: UUID
    kind: str
    subject_id: UUID
    address: str
    at: Instant


class MailComplained(RecipientEvent, stored_as="Cloudbash.Domain.Mails.Events.MailComplainedEvent"):
    """Records that the recipient told the own provider that a mail was not wanted, and gets no more reminders."""

    recipient_id: UUID
    mail_id: UUID
    kind: str
    subject_id: UUID
    at: Instant


class RemindersUnsubscribed(RecipientEvent, stored_as="Cloudbash.Domain.Mails.Events.RemindersUnsubscribedEvent"):
    """Records that the recipient wants no more reminders."""

    recipient_id: UUID
    at: Instant
