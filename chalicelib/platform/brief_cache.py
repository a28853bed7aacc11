"""Remembers for a short while what was read, so that a busy container does not read it at each request."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

Value = TypeVar("Value")

MOST = 10_000
"""How many values one cache holds; a full one is emptied, because what is in it is soon read again anyway."""


class BriefCache(Generic[Value]):
    """Holds values by id, each for `lasts` after it was read."""

    def __init__(self, read: Callable[[UUID], Value], clock: Callable[[], datetime], lasts: timedelta) -> None:
        self._read = read
        self._clock = clock
        self._lasts = lasts
        self._found: dict[UUID, tuple[datetime, Value]] = {}

    def get(self, key: UUID) -> Value:
        """Return the value as it was at most `lasts` ago. Raises what reading it raises."""
        found = self.find(key)
        return self.get_fresh(key) if found is None else found

    def find(self, key: UUID) -> Value | None:
        """Return the value if it was read at most `lasts` ago, without reading it."""
        found = self._found.get(key)
        return found[1] if found is not None and self._clock() - found[0] < self._lasts else None

    def get_fresh(self, key: UUID) -> Value:
        """Return the value as it is now. Raises what reading it raises."""
        began = self._clock()
        value = self._read(key)
        if len(self._found) >= MOST:
            self._found.clear()
        self._found[key] = began, value
        return value
