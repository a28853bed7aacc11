"""Offers the time zones on which Python, Postgres and browsers agree: those of a place in the time zone database.

Others have names that these read differently: Postgres takes `CET` and `EST` for abbreviations, without summer time.
The list is derived by `tests/contract/test_time_zones.py`.
"""

from functools import cache
from pathlib import Path

AREAS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
"""The first parts of the names of places; `Etc`, `US` and others are not."""

LIST = Path(__file__).with_name("time_zones.txt")


@cache
def time_zones() -> frozenset[str]:
    """Return the names that a venue may have."""
    return frozenset(LIST.read_text(encoding="ascii").split())
