"""The tasks of the mail queue; each may come twice, late, or half done."""

from datetime import timedelta
from typing import Protocol

from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.mails.kinds import MailKind
from chalicelib.shop.mails.mail import MailKey
from chalicelib.shop.mails.mail_store import find_mail
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


def forget_mails(shop: MailTaskServices, task: Task) -> None:
    """Delete the copies of mails to erased people, and once more when all of their keys are gone."""
    if not shop.mail_sender.keeps_copies:
        return
    shop.mail_sender.forget(shop.vault.knows)
    if task.cause != AGAIN:
        shop.mail_queue.send([Task(FORGET_MAILS, task.stream_id, AGAIN)], KEYS_ARE_GONE_WITHIN)
