"""Says when a published concert is found: by the days on which it takes place, and by whether it is over.

The conditions are about a concert `c` at a venue `v`. Days are those of the venue that the concert shows.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

NIGHT = "interval '6 hours'"
"""What ends in the small hours belongs to the day before, and is not found on the next one."""


class When(StrEnum):
    UPCOMING = "upcoming"
    PAST = "past"
    ALL = "all"


class Dates(Protocol):
    """Declares what this module reads of a search; without `now`, `when` does not filter."""

    @property
    def date_from(self) -> date | None: ...

    @property
    def date_to(self) -> date | None: ...

    @property
    def when(self) -> When: ...

    @property
    def now(self) -> datetime | None: ...


def _day(instant: str) -> str:
    return f"({instant} at time zone coalesce(c.venue_search_time_zone, v.search_time_zone, 'UTC'))::date"


_LONGEST = """
(select coalesce(max(l.lasts), interval '0') + interval '1 day' from concerts l where l.status = 'published')"""
"""How long the longest concert lasts: what is not over has not begun sooner than that. A day more, because a day of an
interval has 23 to 25 hours in the time zone of the server."""

# A local day begins at most 14 hours before, and ends at most 12 hours after, the same day in UTC. So these conditions
# follow from those about local days, whatever the time zone, and an index on the beginning (`sort_at`) serves them.
_FROM_THE_BEGINNING = f"c.sort_at >= (%(date_from)s::date - 1)::timestamp at time zone 'UTC' - {_LONGEST}"
_TO_THE_END = "c.sort_at < (%(date_to)s::date + 2)::timestamp at time zone 'UTC'"

_FILTERS = {
    "date_from": (
        f"greatest({_day('c.starts_at')}, {_day(f'(c.ends_at - {NIGHT})')}) >= %(date_from)s",
        _FROM_THE_BEGINNING,
    ),
    "date_to": (f"{_day('c.starts_at')} <= %(date_to)s", _TO_THE_END),
}
_WHEN: Mapping[When, tuple[str, ...]] = {
    When.UPCOMING: ("c.over_at > %(now)s", f"c.sort_at > %(now)s - {_LONGEST}"),
    When.PAST: ("c.over_at <= %(now)s", "c.sort_at <= %(now)s"),
    When.ALL: (),
}


def conditions_of(search: Dates) -> list[str]:
    """Return the conditions on the dates; their parameters have the names of the search's fields."""
    named = [name for name in _FILTERS if getattr(search, name) is not None]
    conditions = [condition for name in named for condition in _FILTERS[name]]
    return conditions if search.now is None else [*conditions, *_WHEN[search.when]]


def is_latest_first(search: Dates) -> bool:
    """Tell whether the list begins with the latest concert: of those that are over, the last is the most wanted."""
    return search.now is not None and search.when is When.PAST
