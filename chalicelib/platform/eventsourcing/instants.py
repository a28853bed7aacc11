"""Formats instants as the log has them.

The module stands apart from the events, so that a function which only passes events on does not import pydantic.
"""

from datetime import UTC, datetime


def as_utc(instant: datetime) -> datetime:
    """Return the same instant in UTC and in whole milliseconds, rounded down, as the log will have it.

    An instant without an offset, as the original wrote them, counts as UTC.
    Raises ValueError for one that has no UTC, at the very beginning or end of the calendar.
    """
    excess = instant.microsecond % 1000
    if excess:
        instant = instant.replace(microsecond=instant.microsecond - excess)
    if instant.tzinfo is UTC:
        return instant
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of range") from error


def format_instant(instant: datetime) -> str:
    """Format an instant as ISO 8601 in UTC with milliseconds and `Z`, the one form that is stored and sent.

    All instants of this form have one length, so they sort as texts.
    """
    in_utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return in_utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
