"""Reads the clock; nothing else in the code asks for the time."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time of this machine, in UTC."""
    return datetime.now(UTC)
