"""Defines a letter: what a mail says, before it is text or HTML."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chalicelib.platform.mail.message import Attachment
from chalicelib.platform.privacy.sealed import Sealed


class Fact(NamedTuple):
    """One line of a table, such as when something is."""

    label: str
    value: str


class Section(NamedTuple):
    """What is told of one concert."""

    title: str
    facts: tuple[Fact, ...]


class Button(NamedTuple):
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """Is written in one language; `notes` stand below the rest."""

    language: str
    subject: str
    paragraphs: tuple[str, ...]
    sections: tuple[Section, ...] = ()
    button: Button | None = None
    notes: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()


Open = Callable[[Sealed], Mapping[str, str] | None]
"""Opens what is sealed; None of whoever is erased."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """A letter to whom `to` names, because of what happened at `happened_at`."""

    to: Sealed
    letter: Letter
    happened_at: datetime


class NotToBeSent(Exception):
    """The mail has no reason any more; the message says why, and names nobody."""


class Links(NamedTuple):
    """Makes the addresses in mails: `shop` is where the pages of the shop are, `api` where the API is."""

    shop: str
    api: str

    def order(self, order_id: UUID, link: str | None) -> str:
        """Return the address of an order; the link of a guest is in the part that is sent to no server."""
        return f"{self.shop}/orders/{order_id}" + ("" if link is None else f"#link={link}")

    def invitation(self, organiser_id: UUID, invitation_id: UUID, secret: str) -> str:
        return f"{self.shop}/invitations/{invitation_id}#organiser={organiser_id}&secret={secret}"

    def unsubscribe(self, token: str) -> str:
        return f"{self.api}/unsubscribe/{token}"
