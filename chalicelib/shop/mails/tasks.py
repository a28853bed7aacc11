"""The tasks of the mail queue; each may come twice, late, or half done."""

from datetime import timedelta
from typing import Protocol

from chalicelib.platform import metrics
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.mails.commands import record_bounce, record_complaint
from chalicelib.shop.mails.kinds import MailKind
from chalicelib.shop.mails.mail import MailKey, MailStatus
from chalicelib.shop.mails.mail_store import change_mail, find_mail
from chalicelib.shop.mails.sending import MailingServices, have_mail_sent
from chalicelib.shop.mails.sending import send_mail as send
from chalicelib.shop.mails.task_kinds import FORGET_MAILS

PAYS_AGAIN_WITHIN = timedelta(minutes=3)
"""Who is told of a failed payment at the checkout tries another card at once, and needs no mail."""

KEYS_ARE_GONE_WITHIN = timedelta(minutes=3)
AGAIN = "again"


class MailTaskServices(MailingServices, Protocol):
    """Declares what these tasks use of a container."""

    @property
    def mail_queue(self) -> WorkQueue: ...


def mail_confirmation(shop: MailTaskServices, task: Task) -> None:
    """Send the buyer of a confirmed order the tickets."""
    send(shop, MailKey(MailKind.CONFIRMATION, task.stream_id))


def mail_refund(shop: MailTaskServices, task: Task) -> None:
    """Tell the buyer of money that went back."""
    send(shop, MailKey(MailKind.REFUND, task.stream_id, task.subject))


def mail_failed_payment(shop: MailTaskServices, task: Task) -> None:
    """Tell the buyer in a while that a payment failed, if nothing was paid by then."""
    key = MailKey(MailKind.PAYMENT_FAILED, task.stream_id, task.subject)
    have_mail_sent(shop, key, shop.clock() + PAYS_AGAIN_WITHIN)


def mail_link(shop: MailTaskServices, task: Task) -> None:
    """Send a guest the new link to an order."""
    send(shop, MailKey(MailKind.LINK, task.stream_id, task.subject))


def send_mail(shop: MailTaskServices, task: Task) -> None:
    """Send a mail that is known already, if its time has come."""
    mail, _ = find_mail(shop.mails, task.stream_id)
    if mail is not None:
        send(shop, mail.key)


def record_sent_mail(shop: MailTaskServices, task: Task) -> None:
    """End a mail that the provider says it has taken, whatever became of who sent it; the cause is its id there."""
    now = shop.clock()
    change_mail(shop.mails, task.stream_id, lambda mail: None if mail.is_over else mail.sent(now, task.cause))


def record_bounced_mail(shop: MailTaskServices, task: Task) -> None:
    """Write no more to an address that does not exist."""
    now = shop.clock()
    mail = change_mail(shop.mails, task.stream_id, lambda one: one.ended(MailStatus.BOUNCED, now))
    if mail is not None and mail.recipient:
        metrics.count("MailsBounced")
        record_bounce(shop.repository, task.origin, mail)


def record_unwanted_mail(shop: MailTaskServices, task: Task) -> None:
    """Send no more reminders to who called a mail unwanted."""
    mail, _ = find_mail(shop.mails, task.stream_id)
    if mail is not None and mail.recipient:
        metrics.count("MailsUnwanted")
        record_complaint(shop.repository, task.origin, mail)


def forget_mails(shop: MailTaskServices, task: Task) -> None:
    """Delete the copies of mails to erased people, and once more when all of their keys are gone."""
    if not shop.mail_sender.keeps_copies:
        return
    shop.mail_sender.forget(shop.vault.knows)
    if task.cause != AGAIN:
        shop.mail_queue.send([Task(FORGET_MAILS, task.stream_id, AGAIN)], KEYS_ARE_GONE_WITHIN)
