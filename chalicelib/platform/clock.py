"""The clock, the one place that asks for the time."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)
