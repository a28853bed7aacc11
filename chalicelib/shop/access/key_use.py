"""Remembers when API keys were last used: outside the log, and not at every request."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chalicelib.platform.brief_cache import BriefCache
from chalicelib.platform.counters.port import Counters
from chalicelib.platform.errors import Unavailable

NOTED_EVERY = timedelta(hours=1)
REMEMBERED = timedelta(days=800)
"""Longer than any key lasts."""


class KeyUse:
    """Notes at most once an hour and container that a key was used; all keys of an organiser share one item."""

    def __init__(self, counters: Counters, clock: Callable[[], datetime]) -> None:
        self._counters = counters
        self._clock = clock
        self._noted = BriefCache(lambda _: True, clock, NOTED_EVERY)

    def note(self, organiser_id: UUID, key_id: UUID) -> None:
        """Note that the key is in use. A request does not fail because that could not be written down."""
        if self._noted.find(key_id):
            return
        now = self._clock()
        with suppress(Unavailable):
            self._counters.put(_name(organiser_id), str(key_id), int(now.timestamp()), now + REMEMBERED)
            self._noted.get_fresh(key_id)

    def last_used(self, organiser_id: UUID) -> Mapping[UUID, datetime]:
        """Return when each key of the organiser was last seen in use, to the hour. Raises Unavailable."""
        counts = self._counters.find(_name(organiser_id), self._clock())
        noted = counts.taken if counts is not None else {}
        return {UUID(key_id): datetime.fromtimestamp(at, UTC) for key_id, at in noted.items()}


def _name(organiser_id: UUID) -> str:
    return f"api-keys {organiser_id}"
