"""Records the shop's answers and their times, and summarises them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

GAVE_UP = 0
"""A request has this status if the client did not wait for its answer, or lost it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Records one answer. `code` is the problem's, `outcome` explains a missing answer; a success has neither."""

    step: str
    status: int
    code: str
    seconds: float
    has_retry_after: bool = False

    @property
    def accepted(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_busy(self) -> bool:
        """Tell whether this is the only answer above 499 that the shop may give: try again, after this time."""
        return self.status == HTTPStatus.SERVICE_UNAVAILABLE and self.code == "busy" and self.has_retry_after

    @property
    def is_failure(self) -> bool:
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not self.is_busy


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the percentile by nearest rank."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def by_step(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    """Summarise each step, in the order of the first answers. Abandoned requests have no latency."""
    steps: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        steps[answer.step].append(answer)
    return [_row(step, given) for step, given in steps.items()]


def _row(step: str, answers: list[Answer]) -> dict[str, Any]:
    times = sorted(answer.seconds * 1000 for answer in answers if answer.status != GAVE_UP) or [0.0]
    return {
        "step": step,
        "requests": len(answers),
        "accepted": sum(answer.accepted for answer in answers),
        "busy": sum(answer.is_busy for answer in answers),
        "p50_ms": round(percentile(times, 50), 1),
        "p90_ms": round(percentile(times, 90), 1),
        "p99_ms": round(percentile(times, 99), 1),
        "max_ms": round(times[-1], 1),
    }


def by_code(answers: Iterable[Answer]) -> dict[str, int]:
    """Count the answers by status and code: `{"201": 430, "409 sold_out": 70, …}`."""
    counts = Counter(f"{answer.status or 'none'} {answer.code}".strip() for answer in answers)
    return dict(sorted(counts.items()))
