"""Names the kinds of mails; the names are part of their ids and never change."""

from enum import StrEnum


class MailKind(StrEnum):
    CONFIRMATION = "confirmation"
    REFUND = "refund"
    PAYMENT_FAILED = "payment_failed"
    LINK = "link"
    INVITATION = "invitation"
    CONCERT_MOVED = "concert_moved"
    CONCERT_POSTPONED = "concert_postponed"
    CONCERT_CANCELLED = "concert_cancelled"
    REMINDER = "reminder"


TO_UNSUBSCRIBE_FROM = frozenset({MailKind.REMINDER})
"""Nobody has to have these to make use of what they bought."""
