"""Remembers one mail: whether it was tried, taken, or ended otherwise. It has ids, and nothing that it says."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.mails.kinds import MailKind

PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
"""A mail that was not taken is tried again after these times, and after the last one for as long as it is tried."""

TRIED_FOR = timedelta(days=3)


class MailStatus(StrEnum):
    WAITING = "waiting"
    """It is to be tried at `due_at`."""

    TRYING = "trying"
    """It is being sent, or whoever sent it has died; what became of it is looked into at `due_at`."""

    SENT = "sent"
    BOUNCED = "bounced"
    """It was sent, and there is nobody at its address."""

    SKIPPED = "skipped"
    """It was not to be sent any more."""

    REFUSED = "refused"
    """It will never be taken, or was tried for too long."""


class MailKey(NamedTuple):
    """Names a mail by what it is about, so that the same cause always names the same mail.

    `stream_id` is an order, or the team of an invitation. `about` is a payment, refund, link, invitation or concert,
    and `number` tells apart what the mails about a concert are about.
    """

    kind: MailKind
    stream_id: UUID
    about: UUID | None = None
    number: int = 0

    @property
    def mail_id(self) -> UUID:
        return uuid5(self.stream_id, f"mail/{self.kind}/{self.about or ''}/{self.number}")


@dataclass(frozen=True, slots=True)
class Mail:
    """`recipient` is the key under which the address is sealed, `address` a digest that only that key can make."""

    key: MailKey
    created_at: datetime
    status: MailStatus = MailStatus.WAITING
    attempts: int = 0
    changed_at: datetime | None = None
    due_at: datetime | None = None
    recipient: str = ""
    address: str = ""
    provider_id: str = ""
    reason: str = ""

    @property
    def is_over(self) -> bool:
        return self.status not in {MailStatus.WAITING, MailStatus.TRYING}

    def may_be_tried(self, now: datetime) -> bool:
        """Tell whether a worker may send it now: no other is about to, and its time has come."""
        return not self.is_over and (self.due_at is None or self.due_at <= now)

    def tried(self, now: datetime, told_within: timedelta, recipient: str, address: str) -> "Mail":
        """Return the mail as it is marked before it is sent."""
        return replace(
            self,
            status=MailStatus.TRYING,
            attempts=self.attempts + 1,
            changed_at=now,
            due_at=now + told_within,
            recipient=recipient,
            address=address,
        )

    def not_taken(self, now: datetime, reason: str) -> "Mail":
        """Return it waiting for its next attempt, or refused if it was tried for long enough."""
        if self.is_given_up(now):
            return self.ended(MailStatus.REFUSED, now, reason)
        pause = PAUSES[min(self.attempts, len(PAUSES)) - 1]
        return replace(self, status=MailStatus.WAITING, changed_at=now, due_at=now + pause, reason=reason)

    def sent(self, now: datetime, provider_id: str) -> "Mail":
        return replace(self.ended(MailStatus.SENT, now), provider_id=provider_id)

    def ended(self, status: MailStatus, now: datetime, reason: str = "") -> "Mail":
        return replace(self, status=status, changed_at=now, due_at=None, reason=reason)

    def is_given_up(self, now: datetime) -> bool:
        """Tell whether it was tried for long enough."""
        return self.attempts > 0 and now >= self.created_at + TRIED_FOR

    def again(self, now: datetime) -> "Mail":
        """Return it as if it had never been tried, because an operator wants it sent once more."""
        return Mail(self.key, now, due_at=now)

    def to_state(self) -> JsonObject:
        """Return the mail as JSON."""
        kind, stream_id, about, number = self.key
        return {
            "kind": kind,
            "stream_id": str(stream_id),
            "about": None if about is None else str(about),
            "number": number,
            "created_at": format_instant(self.created_at),
            "status": self.status,
            "attempts": self.attempts,
            "changed_at": None if self.changed_at is None else format_instant(self.changed_at),
            "due_at": None if self.due_at is None else format_instant(self.due_at),
            "recipient": self.recipient,
            "address": self.address,
            "provider_id": self.provider_id,
            "reason": self.reason,
        }

    @classmethod
    def from_state(cls, state: JsonObject) -> "Mail":
        about = state["about"]
        key = MailKey(
            MailKind(state["kind"]), UUID(state["stream_id"]), None if about is None else UUID(about), state["number"]
        )
        return cls(
            key,
            datetime.fromisoformat(state["created_at"]),
            MailStatus(state["status"]),
            state["attempts"],
            _instant(state["changed_at"]),
            _instant(state["due_at"]),
            state["recipient"],
            state["address"],
            state["provider_id"],
            state["reason"],
        )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
