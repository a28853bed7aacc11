"""Instants as the log has them; apart from the events, so that who only passes events on needs no pydantic."""

from datetime import UTC, datetime


def as_utc(instant: datetime) -> datetime:
    """The same instant in UTC and in whole milliseconds, as the log will have it; one without an offset, as the
    original wrote them, is taken as UTC. Raises ValueError for one that has no UTC."""
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
    """ISO 8601 in UTC with milliseconds and `Z`, the one form in which instants are stored and sent."""
    in_utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return in_utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
