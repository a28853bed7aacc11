"""Defines where and when somebody checks tickets in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform.errors import InvalidInput

BEFORE_THE_START, AFTER_THE_END = timedelta(hours=12), timedelta(hours=6)
"""The hours of a door that was granted without hours of its own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Names a concert, or all concerts of an organiser."""

    concert_id: UUID | None = None
    organiser_id: UUID | None = None

    @property
    def id(self) -> UUID:
        """Return the id of the concert or organiser; the nil UUID of a place that an imported stream does not name."""
        return self.concert_id or self.organiser_id or UUID(int=0)


@dataclass(frozen=True, slots=True)
class DoorHours:
    """Says when a door is open to its staff; an end that is None follows the concert's schedule.

    A supervisor may let people in whom the rules refuse.
    """

    opens_at: datetime | None = None
    closes_at: datetime | None = None
    is_supervisor: bool = False

    def ensure_some(self) -> None:
        """Check that the hours end after they begin.

        Raises InvalidInput.
        """
        if self.opens_at is not None and self.closes_at is not None and self.closes_at <= self.opens_at:
            raise InvalidInput("`closes_at` is not after `opens_at`.", (("#/closes_at", "must be after opens_at"),))

    def around(self, starts_at: datetime | None, ends_at: datetime | None) -> "DoorHours":
        """Return the hours at a concert of this schedule."""
        return DoorHours(
            self.opens_at or (None if starts_at is None else starts_at - BEFORE_THE_START),
            self.closes_at or (None if ends_at is None else ends_at + AFTER_THE_END),
            self.is_supervisor,
        )

    def include(self, now: datetime) -> bool:
        """Tell whether the door is open; without a beginning and an end it never is."""
        return self.opens_at is not None and self.closes_at is not None and self.opens_at <= now < self.closes_at

    def lets(self, now: datetime, as_supervisor: bool) -> bool:
        """Tell whether somebody with these hours may act at the door now."""
        return self.include(now) and (self.is_supervisor or not as_supervisor)
