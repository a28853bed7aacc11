"""Defines the port of the log's change feed: what was appended lately, by whomever."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.stored import StoredEvent

Seen = Mapping[str, str]
"""How far each part of the feed has been read; empty means from the oldest change that the feed still has."""


class ChangesLost(CloudbashError):
    """The feed no longer has all changes since the place that was read to."""

    code = "changes_lost"


class LogChange(NamedTuple):
    """One appended event, and when the store took it: its own time, whatever clock the event is from."""

    event: StoredEvent
    written_at: datetime


class ChangesPage(NamedTuple):
    """Some changes, and how far the feed has been read with them."""

    changes: list[LogChange]
    seen: Seen


class ChangeFeed(Protocol):
    """Remembers for a day at least what was appended. It is independent of the bus and of who forwards to it."""

    def changes(self, seen: Seen, until: datetime) -> Iterator[ChangesPage]:
        """Read every change after `seen` that was written before `until`, page by page, and no stream's out of order.

        A part in which nothing was written for long may be left for a later call.

        Raises:
            ChangesLost: there may have been changes that the feed has forgotten.
            Unavailable: the store is away.
        """
