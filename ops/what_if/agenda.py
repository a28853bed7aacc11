"""Keeps what is still to happen in a replay, in the order in which it happens."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from ops.what_if.demand import Step


class Entry(NamedTuple):
    """A step and its place; `is_new` tells that the log does not have the step, or not at this time."""

    at: datetime
    number: int
    step: Step
    is_new: bool = False


class Agenda:
    """Yields steps in their sequence, and puts others among them by time, until the end of the recording.

    A step of the sequence has its own time, which the clocks of containers may set back a little; for its place among
    others it counts as late as what came before it.
    """

    def __init__(self, steps: Sequence[Step], until: datetime) -> None:
        self._until = until
        self._entries: list[Entry] = []
        latest = datetime.min.replace(tzinfo=until.tzinfo)
        for number, step in enumerate(steps):
            latest = max(latest, step.at)
            self._entries.append(Entry(latest, number, step))
        self._number = len(steps)
        heapify(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        while self._entries:
            yield heappop(self._entries)

    def add(self, step: Step) -> None:
        """Let the step happen at its time, unless nobody knows what happened by then."""
        if step.at <= self._until:
            heappush(self._entries, Entry(step.at, self._number, step, is_new=True))
            self._number += 1
