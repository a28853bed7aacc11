"""What the shop answered, how long it took, and what that comes to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

GAVE_UP = 0
"""The status of a request whose answer the client did not wait for, or lost."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`code` is the problem's, `outcome` for what had no answer, and empty for a success."""

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
        """The one answer above 499 that the shop may give: come back, and when."""
        return self.status == HTTPStatus.SERVICE_UNAVAILABLE and self.code == "busy" and self.has_retry_after

    @property
    def is_failure(self) -> bool:
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not self.is_busy


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest rank."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def by_step(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    """Per step, in the order of the first answers. Requests that the client gave up on have no latency."""
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
    """How often each status and code was answered: `{"201": 430, "409 sold_out": 70, …}`."""
    counts = Counter(f"{answer.status or 'none'} {answer.code}".strip() for answer in answers)
    return dict(sorted(counts.items()))
