"""Mails to buyers and to who is invited: decided by events, written from the log, sent once."""

from chalicelib.platform.function import Function, Need, Schedule
from chalicelib.platform.manifest import Context

CONTEXT = Context(
    __name__,
    aggregates=("recipient.RECIPIENT",),
    routes=("api.routes",),
    reactions=("reaction.MailReaction",),
    tasks={
        "mail_confirmation": "tasks.mail_confirmation",
        "mail_refund": "tasks.mail_refund",
        "mail_failed_payment": "tasks.mail_failed_payment",
        "mail_link": "tasks.mail_link",
        "mail_invitation": "tasks.mail_invitation",
        "mail_change": "tasks.mail_change",
        "set_reminder": "tasks.set_reminder",
        "remind": "tasks.remind",
        "spread_mails": "tasks.spread_mails",
        "send_mail": "tasks.send_mail",
        "forget_mails": "tasks.forget_mails",
        "record_sent_mail": "tasks.record_sent_mail",
        "record_bounced_mail": "tasks.record_bounced_mail",
        "record_unwanted_mail": "tasks.record_unwanted_mail",
    },
    queue="MailQueue",
    functions=(
        Function(
            "retry_mails",
            "Clock → mail queue: what is to be sent now, or again",
            Schedule(),
            frozenset({Need.OVERDUE_MAILS, Need.ENQUEUE_MAILS}),
            makes=("mails", "mail_queue"),
            run="schedules.retry_mails",
        ),
    ),
)
