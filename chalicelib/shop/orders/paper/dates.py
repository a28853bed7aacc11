"""Writes a concert's dates as people read them: at the venue's clock, in the language of the paper."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from types import ModuleType

_NEXT_MORNING = timedelta(hours=12)
"""What ends so soon on the next day is the same evening still."""


@dataclass(frozen=True, slots=True)
class PrintedDates:
    """Has the words of a date, which are empty but for `date` where there is none yet."""

    date: str
    time: str = ""
    zone: str = ""


def dates_of(starts_at: datetime | None, ends_at: datetime | None, zone: tzinfo, words: ModuleType) -> PrintedDates:
    """Return the date, the hours, and at whose clock these are."""
    if starts_at is None:
        return PrintedDates(words.TEXTS["no_date"])
    start = starts_at.astimezone(zone)
    end = None if ends_at is None else ends_at.astimezone(zone)
    return PrintedDates(_date(start, words), _hours(start, end, words), words.TEXTS["zone"].format(zone=zone))


def _date(at: datetime, words: ModuleType) -> str:
    return f"{words.DAYS[at.weekday()]} {at.day} {words.MONTHS[at.month - 1]} {at.year}"


def _hours(start: datetime, end: datetime | None, words: ModuleType) -> str:
    if end is None or end <= start:
        return str(words.TEXTS["from"].format(time=f"{start:%H:%M}"))
    is_one_evening = end.date() == start.date() or end - start <= _NEXT_MORNING
    until = f"{end:%H:%M}" if is_one_evening else f"{_date(end, words)}, {end:%H:%M}"
    return str(words.TEXTS["from_until"].format(time=f"{start:%H:%M}", end=until))
