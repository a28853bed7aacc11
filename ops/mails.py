"""Defines the commands on mails: what became of those of an order, and sending one again."""

import argparse
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib import composition
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.processes.work import Task
from chalicelib.shop.mails.known import keys_of_order
from chalicelib.shop.mails.mail import Mail
from chalicelib.shop.mails.mail_store import change_mail, find_mails
from chalicelib.shop.mails.task_kinds import SEND_MAIL
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from datetime import datetime


def mails(options: argparse.Namespace) -> Report:
    """Show what became of the mails about an order."""
    shop = composition.current()
    keys = keys_of_order(shop, options.order)
    found = {mail.key: mail for mail in find_mails(shop.mails, (key.mail_id for key in keys))}
    return Report([_row(found[key]) for key in keys if key in found])


def resend_mail(options: argparse.Namespace) -> Report:
    """Send a mail again that was sent, refused or skipped."""
    shop, now = composition.current(), composition.current().clock()
    mail = change_mail(shop.mails, options.mail, lambda known: known.again(now))
    if mail is None:
        raise NotFound("Nothing is known of such a mail.")
    shop.mail_queue.send([Task(SEND_MAIL, options.mail, "an operator")])
    return Report([_row(mail)])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    showing = commands.add_parser("mails", help=mails.__doc__)
    showing.add_argument("order", type=UUID, metavar="ORDER", help="name the order")
    showing.set_defaults(command=mails)
    resending = commands.add_parser("resend-mail", help=resend_mail.__doc__)
    resending.add_argument("mail", type=UUID, metavar="MAIL", help="name the mail, as `mails` lists it")
    resending.set_defaults(command=resend_mail)


def _row(mail: Mail) -> dict[str, str]:
    return {
        "mail": str(mail.key.mail_id),
        "kind": mail.key.kind,
        "status": mail.status,
        "reason": mail.reason or "-",
        "attempts": str(mail.attempts),
        "changed": _text(mail.changed_at),
        "next": _text(mail.due_at),
        "provider's id": mail.provider_id or "-",
    }


def _text(instant: "datetime | None") -> str:
    return "-" if instant is None else format_instant(instant)
