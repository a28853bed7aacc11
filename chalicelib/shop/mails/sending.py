"""Sends a mail once, as far as its provider allows: it is marked before it is sent, and the mark is asked first.

A worker that dies between the mark and the answer leaves a mail of which nobody knows whether it was taken. Then the
provider is asked, or has told by an event; only what it has not taken within `tells_within` is sent again (ADR 84).
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from chalicelib.platform import metrics
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.mail.message import MailUnwritable, OutgoingMail, to_bytes
from chalicelib.platform.mail.port import MailRefused, MailSender, OutcomeUnknown
from chalicelib.platform.processes.process import Instances
from chalicelib.shop.mails.about_orders import WritingServices
from chalicelib.shop.mails.commands import find_recipient
from chalicelib.shop.mails.kinds import TO_UNSUBSCRIBE_FROM
from chalicelib.shop.mails.letters import Addressed, NotToBeSent
from chalicelib.shop.mails.mail import Mail, MailKey, MailStatus
from chalicelib.shop.mails.mail_store import change_mail, find_mail, save_mail
from chalicelib.shop.mails.rendering import render
from chalicelib.shop.mails.unsubscribing import token_for
from chalicelib.shop.mails.writing import write

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault

HISTORY_AFTER = timedelta(days=7)
"""What happened so long before its mail is first looked at is history, and is not told: an old log mails nobody."""


class MailingServices(WritingServices, Protocol):
    """Declares what sending uses of a container."""

    @property
    def mails(self) -> Instances: ...

    @property
    def mail_sender(self) -> MailSender: ...

    @property
    def mail_from(self) -> tuple[str, str]:
        """Return the name and the address under which mails are sent."""

    @property
    def vault(self) -> "PersonVault": ...


def send_mail(shop: MailingServices, key: MailKey) -> None:
    """Send a mail that is not sent yet, and wait for nothing: what cannot be done now is left to the next attempt.

    Raises Unavailable.
    """
    mail, version = find_mail(shop.mails, key.mail_id)
    now = shop.clock()
    mail = mail or Mail(key, now)
    if mail.may_be_tried(now):
        _Attempt(shop, mail, version, now).make()


def have_mail_sent(shop: MailingServices, key: MailKey, at: datetime) -> None:
    """Have a mail sent at this time, unless anything is known of it already.

    Raises Unavailable.
    """
    if find_mail(shop.mails, key.mail_id)[0] is None:
        _save(shop, Mail(key, shop.clock(), due_at=at), -1)


def _save(shop: MailingServices, mail: Mail, expected: int) -> bool:
    """Store the mail, and tell whether nobody has changed it meanwhile."""
    try:
        save_mail(shop.mails, mail, expected)
    except PositionMoved:
        return False
    return True


class _Attempt:
    """One worker's attempt to send one mail."""

    def __init__(self, shop: MailingServices, mail: Mail, version: int, now: datetime) -> None:
        self._shop = shop
        self._mail = mail
        self._version = version
        self._now = now

    def make(self) -> None:
        if self._mail.status is MailStatus.TRYING:
            provider_id = self._shop.mail_sender.find(self._mail.key.mail_id)
            if provider_id is not None:
                self._end(self._mail.sent(self._now, provider_id))
                return
            if self._mail.is_given_up(self._now):
                self._end(self._mail.ended(MailStatus.REFUSED, self._now, "unknown"))
                return
        try:
            self._send(self._written())
        except NotToBeSent as reason:
            self._end(self._mail.ended(MailStatus.SKIPPED, self._now, str(reason)))

    def _written(self) -> Addressed:
        addressed = write(self._shop, self._mail.key)
        if self._mail.attempts == 0 and self._now - addressed.happened_at > HISTORY_AFTER:
            raise NotToBeSent("history")
        return addressed

    def _send(self, addressed: Addressed) -> None:
        """Mark the mail, then send it.

        Raises NotToBeSent.
        """
        outgoing, digest = self._outgoing(addressed)
        try:
            content = to_bytes(outgoing, self._now)
        except MailUnwritable:
            raise NotToBeSent("not an address") from None
        told_within = self._shop.mail_sender.tells_within
        marked = self._mail.tried(self._now, told_within, addressed.to.key, digest)
        if _save(self._shop, marked, self._version):
            self._mail, self._version = marked, self._version + 1
            self._give(outgoing, content)

    def _give(self, outgoing: OutgoingMail, content: bytes) -> None:
        now = self._now
        try:
            provider_id = self._shop.mail_sender.send(outgoing, content)
        except OutcomeUnknown:
            metrics.count("MailsUnknown")
        except MailRefused as refusal:
            metrics.count("MailsRefused")
            self._note(self._mail.ended(MailStatus.REFUSED, now, str(refusal)))
        except Unavailable as error:
            self._note(self._mail.not_taken(now, error.code))
        else:
            metrics.count("MailsSent")
            self._note(self._mail.sent(now, provider_id))
            self._forget_copies_of_erased(UUID(outgoing.key))

    def _outgoing(self, addressed: Addressed) -> tuple[OutgoingMail, str]:
        """Return the mail with its address, and a digest of that.

        Raises NotToBeSent for who is erased, has no address, or is not to be written to.
        """
        shop, letter = self._shop, addressed.letter
        opened = shop.vault.open(addressed.to)
        if opened is None:
            raise NotToBeSent("erased")
        address = opened.get("email", "")
        if not address:
            raise NotToBeSent("no address")
        digest = self._digest(addressed, address)
        if refusal := find_recipient(shop.repository, UUID(addressed.to.key)).refuses(self._mail.key.kind, digest):
            raise NotToBeSent(refusal)
        sender_name, sender_address = shop.mail_from
        unsubscribe_url = self._unsubscribe_url(UUID(addressed.to.key))
        rendered = render(letter, opened.get("name", ""), sender_name, unsubscribe_url)
        outgoing = OutgoingMail(
            self._mail.key.mail_id,
            addressed.to.key,
            sender_name,
            sender_address,
            opened.get("name", ""),
            address,
            letter.language,
            letter.subject,
            rendered.text,
            rendered.html,
            letter.attachments,
            unsubscribe_url,
        )
        return outgoing, digest

    def _unsubscribe_url(self, recipient_id: UUID) -> str:
        """Return where to end such mails, for those that somebody need not have.

        Raises NotToBeSent where nobody has said yet at which address the API is.
        """
        if self._mail.key.kind not in TO_UNSUBSCRIBE_FROM:
            return ""
        links = self._shop.mail_links
        if not links.api:
            raise NotToBeSent("no way to unsubscribe")
        return links.unsubscribe(token_for(recipient_id, self._shop.ids))

    def _digest(self, addressed: Addressed, address: str) -> str:
        digest = self._shop.vault.find_digest(UUID(addressed.to.key), address.lower())
        if digest is None:
            raise NotToBeSent("erased")
        return digest

    def _note(self, mail: Mail) -> None:
        """Store what became of the attempt, unless the provider's own event came first, or somebody tries again."""

        def note(known: Mail) -> Mail | None:
            is_ours = mail.status is MailStatus.SENT or known.attempts == mail.attempts
            return mail if is_ours and not known.is_over else None

        change_mail(self._shop.mails, mail.key.mail_id, note)

    def _end(self, mail: Mail) -> None:
        _save(self._shop, mail, self._version)

    def _forget_copies_of_erased(self, person_id: UUID) -> None:
        """Delete copies again, if the person was erased while the mail was written."""
        sender = self._shop.mail_sender
        if sender.keeps_copies and not self._shop.vault.knows(person_id):
            sender.forget(self._shop.vault.knows)
