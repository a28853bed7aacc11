"""What each step of a visit costs, as measured by `python -m benchmarks.plan_counts` on the local stack."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("measured.json")


@dataclass(frozen=True)
class Spent:
    """On DynamoDB, over all tables."""

    requests: int
    reads: int
    """Of the requests."""
    read_units: float
    write_units: float


@dataclass(frozen=True)
class Step:
    """One request of a buyer, answered by the API, and what the followers of the log then do with its events."""

    api: Spent
    followers: Spent
    log_units: dict[str, int]
    """Write units in the log, by aggregate type."""
    answer_kilobytes: int
    """Of the body, rounded up."""
    records: int
    """On the event bus: one for each event."""
    record_bytes: int
    record_kilobytes: int
    """Each record rounded up, as Kinesis on demand bills it."""

    @property
    def log_write_units(self) -> int:
        return sum(self.log_units.values())


@dataclass(frozen=True)
class Measured:
    steps: dict[str, Step]

    def __getitem__(self, name: str) -> Step:
        return self.steps[name]


@cache
def measured() -> Measured:
    return Measured({name: _step(step) for name, step in json.loads(FILE.read_text())["steps"].items()})


def _step(step: dict[str, Any]) -> Step:
    return Step(**{**step, "api": Spent(**step["api"]), "followers": Spent(**step["followers"])})
