"""The tasks of the mail queue; each may come twice, late, or half done."""

from datetime import timedelta
from typing import Protocol

from chalicelib.platform import metrics
from chalicelib.platform.processes.work import Task
from chalicelib.shop.mails import reminding
from chalicelib.shop.mails.about_concerts import last_change
from chalicelib.shop.mails.commands import record_bounce, record_complaint
from chalicelib.shop.mails.kinds import MailKind
from chalicelib.shop.mails.mail import MailKey, MailStatus
from chalicelib.shop.mails.mail_store import change_mail, find_mail
from chalicelib.shop.mails.sending import HISTORY_AFTER, have_mail_sent
from chalicelib.shop.mails.sending import send_mail as send
from chalicelib.shop.mails.spreading import SpreadingServices, begin_spread, take_step
from chalicelib.shop.mails.task_kinds import FORGET_MAILS
from chalicelib.shop.orders.commands import details_of_order

PAYS_AGAIN_WITHIN = timedelta(minutes=3)
"""Who is told of a failed payment at the checkout tries another card at once, and needs no mail."""

KEYS_ARE_GONE_WITHIN = timedelta(minutes=3)
AGAIN = "again"


class MailTaskServices(SpreadingServices, Protocol):
    """Declares what these tasks use of a container."""


def mail_confirmation(shop: MailTaskServices, task: Task) -> None:
    """Send the buyer of a confirmed order the tickets, and see to it that there will be reminders.

    Concerts may have been published before there were any.
    """
    send(shop, MailKey(MailKind.CONFIRMATION, task.stream_id))
    for concert_id in sorted(details_of_order(shop.event_store, task.stream_id).concert_ids):
        reminding.set_timer(shop, concert_id)


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


def mail_invitation(shop: MailTaskServices, task: Task) -> None:
    """Send somebody an invitation to a team."""
    send(shop, MailKey(MailKind.INVITATION, task.stream_id, task.subject))


def mail_change(shop: MailTaskServices, task: Task) -> None:
    """Tell everybody with tickets that a concert was moved, postponed or cancelled: of the last change alone."""
    reminding.set_timer(shop, task.stream_id)
    change = last_change(shop.event_store, task.stream_id)
    if change is not None and shop.clock() - change.at <= HISTORY_AFTER:
        begin_spread(shop, change.kind, task.stream_id, change.number, task.cause)


def set_reminder(shop: MailTaskServices, task: Task) -> None:
    """Set the timer of a concert that is on sale."""
    reminding.set_timer(shop, task.stream_id)


def remind(shop: MailTaskServices, task: Task) -> None:
    """Have the reminders of a concert sent, if their time has come."""
    reminding.remind(shop, task.stream_id, task.cause)


def spread_mails(shop: MailTaskServices, task: Task) -> None:
    """Name some more of the mails about a concert."""
    take_step(shop, task.stream_id, task.cause)


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
