"""Keeps the messages of one order, or one concert, to one endpoint in order: each waits for the one before it.

A group stores no messages: it knows how far the receiver has been told, and the rest is in the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.webhooks.messages import WebhookMessage

PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
)
"""A message that failed is sent again after these times, and after the last one for as long as it is tried."""

TRIED_FOR = timedelta(days=3)
LEASE = timedelta(minutes=2)
"""Longer than one worker sends without saying that it goes on, which it says after every message."""


class Source(StrEnum):
    ORDER = "order"
    CONCERT = "concert"
    TEST = "test"


class GroupKey(NamedTuple):
    """Names a group: one order or concert, for one endpoint of the organiser whose endpoints have this id."""

    endpoints_id: UUID
    endpoint_id: UUID
    source: Source
    key: UUID

    @property
    def group_id(self) -> UUID:
        return uuid5(self.endpoint_id, f"group/{self.key}")


@dataclass(frozen=True, slots=True)
class MessageGroup:
    """`done` has, by stream, the place of the last message that is sent or given up; events before `since` are history.

    `leased_until` is set while a worker sends, `retry_at` while the first message waits to be sent again.
    """

    named: GroupKey
    since: datetime
    done: Mapping[UUID, int] = field(default_factory=dict)
    attempts: int = 0
    failed_at: datetime | None = None
    retry_at: datetime | None = None
    leased_until: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        """Return when the watchdog has to look after the group, if nothing happens before."""
        return self.leased_until or self.retry_at

    def may_be_sent(self, now: datetime) -> bool:
        """Tell whether a worker may send now: no other does, and no message waits to be sent again."""
        return self.due_at is None or self.due_at <= now

    def following(self, *streams: UUID) -> "MessageGroup":
        return replace(self, done={**dict.fromkeys(streams, -1), **self.done})

    def leased(self, now: datetime) -> "MessageGroup":
        return replace(self, leased_until=now + LEASE)

    def released(self, retry_at: datetime | None = None) -> "MessageGroup":
        return replace(self, leased_until=None, retry_at=retry_at)

    def is_unsent(self, message: WebhookMessage) -> bool:
        return message.at >= self.since and message.place > self.done.get(message.stream_id, -1)

    def past(self, message: WebhookMessage) -> "MessageGroup":
        """Return the group with the message behind it, sent or given up."""
        done = {**self.done, message.stream_id: message.place}
        return replace(self, done=done, attempts=0, failed_at=None, retry_at=None)

    def failed(self, now: datetime) -> "MessageGroup":
        """Return the group with one more attempt to send its first message."""
        return replace(self, attempts=self.attempts + 1, failed_at=self.failed_at or now)

    def next_attempt_at(self, now: datetime) -> datetime | None:
        """Return when to send the message again that has just failed; None if it was tried for three days."""
        first = self.failed_at or now
        if now >= first + TRIED_FOR:
            return None
        pause = PAUSES[min(self.attempts, len(PAUSES)) - 1]
        return min(now + pause, first + TRIED_FOR)

    def rewound(self, since: datetime, places: Mapping[UUID, int]) -> "MessageGroup":
        """Return the group with everything since an instant before it again.

        `places` has, by stream, the last place before that instant. What was not sent yet stays to be sent.
        """
        done = {**self.done, **{key: min(self.done.get(key, place), place) for key, place in places.items()}}
        return replace(self, done=done, since=min(self.since, since))

    def to_state(self) -> JsonObject:
        """Return the group as JSON."""
        endpoints_id, endpoint_id, source, key = self.named
        return {
            "endpoints_id": str(endpoints_id),
            "endpoint_id": str(endpoint_id),
            "source": source,
            "key": str(key),
            "since": format_instant(self.since),
            "done": {str(stream): place for stream, place in self.done.items()},
            "attempts": self.attempts,
            "failed_at": _text(self.failed_at),
            "retry_at": _text(self.retry_at),
            "leased_until": _text(self.leased_until),
        }

    @classmethod
    def from_state(cls, state: JsonObject) -> "MessageGroup":
        named = GroupKey(
            UUID(state["endpoints_id"]), UUID(state["endpoint_id"]), Source(state["source"]), UUID(state["key"])
        )
        return cls(
            named,
            datetime.fromisoformat(state["since"]),
            {UUID(stream): place for stream, place in state["done"].items()},
            state["attempts"],
            _instant(state["failed_at"]),
            _instant(state["retry_at"]),
            _instant(state["leased_until"]),
        )


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
