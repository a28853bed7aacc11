"""Makes the bytes of a mail: text, HTML and attachments, with headers that nobody's name can add to."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID

ID_HEADER = "X-Cloudbash-Mail"
LONGEST_NAME = 200
LONGEST_SUBJECT = 200


class MailUnwritable(ValueError):
    """The mail has an address to which nothing can be sent."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail; `kind` is its media type, such as `application/pdf`."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail to one person; `key` is that under which the address is sealed, and says whose mail it is.

    `id` is the same whenever the same mail is tried again. With `unsubscribe_url`, one request there ends such mails.
    """

    id: UUID
    key: str
    sender_name: str
    sender_address: str
    name: str
    address: str
    language: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()
    unsubscribe_url: str = ""


def to_bytes(mail: OutgoingMail, now: datetime) -> bytes:
    """Return the mail as it is sent.

    Raises MailUnwritable.
    """
    message = EmailMessage(SMTP)
    try:
        message["From"] = _address(mail.sender_name, mail.sender_address)
        message["To"] = _address(mail.name, mail.address)
    except (ValueError, IndexError, MessageError) as error:
        raise MailUnwritable(str(error)) from None
    message["Subject"] = one_line(mail.subject, LONGEST_SUBJECT)
    message["Date"] = format_datetime(now)
    message["Auto-Submitted"] = "auto-generated"
    message[ID_HEADER] = str(mail.id)
    if mail.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    for attachment in mail.attachments:
        main, _, sub = attachment.kind.partition(";")[0].partition("/")
        coded = {"charset": "utf-8"} if main == "text" else None
        message.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name, params=coded)
    message["Content-Language"] = mail.language  # last, because contents take such headers with them
    return message.as_bytes()


def one_line(text: str, longest: int) -> str:
    """Return the text on one line, not longer than this, without what no reader sees or what reorders the rest."""
    shown = "".join(" " if one in _REORDERING or unicodedata.category(one) in _UNSEEN else one for one in text)
    line = " ".join(shown.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


_UNSEEN = frozenset({"Cc", "Cn", "Co", "Cs", "Zl", "Zp"})
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _address(name: str, address: str) -> Address:
    return Address(one_line(name, LONGEST_NAME), addr_spec=address)
