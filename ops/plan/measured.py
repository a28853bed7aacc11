"""Reads what each step of a visit costs, as `python -m benchmarks.plan_counts` measured it on the local stack."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("measured.json")


@dataclass(frozen=True)
class Spent:
    """Counts what was spent on DynamoDB, over all tables."""

    requests: int
    reads: int
    """So many of the requests are reads."""
    read_units: float
    write_units: float


@dataclass(frozen=True)
class Step:
    """Counts what one request of a buyer costs: the API's answer, and what the log's followers do with its events."""

    api: Spent
    followers: Spent
    log_units: dict[str, int]
    """It has the write units in the log, by aggregate type."""
    answer_kilobytes: int
    """It is the size of the body, rounded up."""
    records: int
    """The event bus gets one record for each event."""
    record_bytes: int
    record_kilobytes: int
    """Each record is rounded up, as Kinesis on demand bills it."""

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
