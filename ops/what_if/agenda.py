"""Keeps what is still to happen in a replay, in the order in which it happens."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import heapify, heappop, heappush

from ops.what_if.demand import Step


class Agenda:
    """Yields steps in their sequence, and puts others among them by time, until the end of the recording.

    A step of the sequence has its own time, which the clocks of containers may set back a little; for its place among
    others it counts as late as what came before it.
    """

    def __init__(self, steps: Sequence[Step], until: datetime) -> None:
        self._until = until
        self._steps: list[tuple[datetime, int, Step]] = []
        latest = datetime.min.replace(tzinfo=until.tzinfo)
        for number, step in enumerate(steps):
            latest = max(latest, step.at)
            self._steps.append((latest, number, step))
        self._number = len(steps)
        heapify(self._steps)

    def __iter__(self) -> Iterator[Step]:
        while self._steps:
            yield heappop(self._steps)[-1]

    def add(self, step: Step) -> None:
        """Let the step happen at its time, unless nobody knows what happened by then."""
        if step.at <= self._until:
            heappush(self._steps, (step.at, self._number, step))
            self._number += 1
