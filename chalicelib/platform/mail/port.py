"""Defines the port through which mails leave."""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from chalicelib.platform.mail.message import OutgoingMail


class MailRefused(Exception):
    """The provider will never take this mail; the message says why, and names nobody."""


class OutcomeUnknown(Exception):
    """Whether the provider has taken the mail is not known."""


class MailSender(Protocol):
    """Gives mails to whoever delivers them."""

    @property
    def tells_within(self) -> timedelta:
        """Return after which time a mail of which nothing was heard has not been taken."""

    @property
    def keeps_copies(self) -> bool:
        """Tell whether mails stay where they were sent, and have to be deleted with the person."""

    def send(self, mail: OutgoingMail, content: bytes) -> str:
        """Send the mail once, and return the provider's id of it.

        Raises:
            MailRefused: it will never be taken.
            OutcomeUnknown: it may have been taken.
            Unavailable: it was not taken, and may be later.
        """

    def find(self, mail_id: UUID) -> str | None:
        """Return the provider's id of a mail that was taken; None if it was not, or the provider cannot be asked.

        Raises Unavailable.
        """

    def forget(self, is_known: Callable[[UUID], bool]) -> None:
        """Delete the copies of mails to everybody whose key is not known any more."""


class NoSender:
    """Refuses every mail, where nobody has said who sends them."""

    tells_within = timedelta()
    keeps_copies = False

    def send(self, mail: OutgoingMail, content: bytes) -> str:  # noqa: ARG002 - the port has it
        raise MailRefused("no sender is set")

    def find(self, mail_id: UUID) -> str | None:  # noqa: ARG002 - the port has it
        return None

    def forget(self, is_known: Callable[[UUID], bool]) -> None:
        """Do nothing: there are no copies."""
