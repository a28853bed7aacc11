"""Has the letter of a mail written, by its kind, from the log as it is now."""

from collections.abc import Callable, Mapping
from functools import partial

from chalicelib.shop.mails import about_concerts, about_teams
from chalicelib.shop.mails.about_orders import OrderWriter, WritingServices
from chalicelib.shop.mails.kinds import MailKind
from chalicelib.shop.mails.letters import Addressed
from chalicelib.shop.mails.mail import MailKey

Write = Callable[[WritingServices, MailKey], Addressed]


def write(shop: WritingServices, key: MailKey) -> Addressed:
    """Write the letter.

    Raises NotToBeSent or Unavailable.
    """
    return _WRITTEN_BY[key.kind](shop, key)


def _of_order(method: Callable[[OrderWriter, MailKey], Addressed], shop: WritingServices, key: MailKey) -> Addressed:
    return method(OrderWriter(shop, key.stream_id), key)


def _of_change(shop: WritingServices, key: MailKey) -> Addressed:
    return about_concerts.about_change(OrderWriter(shop, key.stream_id), shop.event_store, key)


def _of_reminder(shop: WritingServices, key: MailKey) -> Addressed:
    return about_concerts.reminder(OrderWriter(shop, key.stream_id), shop.clock(), key)


_WRITTEN_BY: Mapping[MailKind, Write] = {
    MailKind.CONFIRMATION: partial(_of_order, OrderWriter.confirmation),
    MailKind.REFUND: partial(_of_order, OrderWriter.refund),
    MailKind.PAYMENT_FAILED: partial(_of_order, OrderWriter.payment_failed),
    MailKind.LINK: partial(_of_order, OrderWriter.link),
    MailKind.INVITATION: about_teams.invitation,
    MailKind.CONCERT_MOVED: _of_change,
    MailKind.CONCERT_POSTPONED: _of_change,
    MailKind.CONCERT_CANCELLED: _of_change,
    MailKind.REMINDER: _of_reminder,
}
