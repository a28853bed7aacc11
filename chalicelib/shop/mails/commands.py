"""Records what came back of mails, and what recipients do not want."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.mails.mail import Mail
from chalicelib.shop.mails.recipient import RECIPIENT, Recipient
from chalicelib.shop.mails.recipient import recipient_stream as stream_of


def recipient_stream(recipient_id: UUID) -> UUID:
    """Return the id of the stream of whoever has the address that is sealed under this key."""
    return stream_of(recipient_id)


def find_recipient(repository: Repository, recipient_id: UUID) -> Recipient:
    """Return what is known of a recipient: one read.

    Raises Unavailable.
    """
    return repository.load(RECIPIENT, stream_of(recipient_id))[0]


def record_bounce(repository: Repository, origin: Origin, mail: Mail) -> None:
    """Record that nothing can be delivered to the address of a mail.

    Raises Unavailable.
    """
    key = UUID(mail.recipient)
    _change(repository, origin, key, lambda recipient, now: recipient.record_bounce(key, mail, now))


def record_complaint(repository: Repository, origin: Origin, mail: Mail) -> None:
    """Record that a mail was called unwanted.

    Raises Unavailable.
    """
    key = UUID(mail.recipient)
    _change(repository, origin, key, lambda recipient, now: recipient.record_complaint(key, mail, now))


def unsubscribe(repository: Repository, origin: Origin, recipient_id: UUID) -> None:
    """Send no more reminders to somebody.

    Raises Unavailable.
    """
    _change(repository, origin, recipient_id, lambda recipient, now: recipient.unsubscribe(recipient_id, now))


def _change(
    repository: Repository,
    origin: Origin,
    recipient_id: UUID,
    decide: Callable[[Recipient, datetime], Sequence[Event]],
) -> None:
    stream_id = stream_of(recipient_id)

    def command(session: Session) -> None:
        session.append(RECIPIENT, stream_id, *decide(session.load(RECIPIENT, stream_id), session.now))

    repository.execute(command, origin)
