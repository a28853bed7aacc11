"""Names the files of the archive: `events/date=2030-06-15/<name>.parquet`, as Hive, Athena, Spark and DuckDB read it.

A name never stands for two contents. So a file that comes again, or that somebody deletes after it was merged into
another, takes nothing with it.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

ARCHIVE = "archive"
"""The consumer's name, under which records that are no event are stored."""

PREFIX = "events/"
NO_DAY = "__HIVE_DEFAULT_PARTITION__"
"""Hive's name for no value: it is the day of imported events whose `Created` is not an instant."""

_PARTITION = f"{PREFIX}date="


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """Names a file of the archive, with its day and its `size` in bytes."""

    key: str
    size: int

    @property
    def day(self) -> str:
        return self.key.removeprefix(_PARTITION).partition("/")[0]

    def is_until(self, last: date) -> bool:
        """Tell whether its events are of this day or before it."""
        return self.day != NO_DAY and self.day <= last.isoformat()


class Files(Protocol):
    """Holds the files of the archive. Every method may raise Unavailable."""

    def put(self, key: str, content: Path) -> None: ...

    def fetch(self, key: str, target: Path) -> None: ...

    def listed(self) -> list[ArchivedFile]:
        """List all files by key, which is day by day."""

    def delete(self, keys: list[str]) -> None: ...


def day_of(created: str) -> str:
    """Return the day in UTC, as `2030-06-15`; an instant without an offset counts as UTC."""
    try:
        instant = datetime.fromisoformat(created)
        return (instant if instant.tzinfo is None else instant.astimezone(UTC)).date().isoformat()
    except (ValueError, OverflowError):
        return NO_DAY


def key_of_batch(day: str, shard_id: str, first: str, last: str) -> str:
    """Name a file for a range of sequence numbers, so that a batch that comes again overwrites itself."""
    return f"{_PARTITION}{day}/{shard_id}-{first}-{last}.parquet"


def key_of_content(day: str, content: Path) -> str:
    """Name a file for its content, so that the same events from the log or from other files overwrite themselves."""
    with content.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return f"{_PARTITION}{day}/day-{digest[:32]}.parquet"
