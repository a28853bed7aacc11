"""Puts the steps of a sale into one order in which they can have happened, whatever the containers' clocks said."""

from collections import defaultdict
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from uuid import UUID

from chalicelib.platform.errors import LogDamaged
from ops.what_if.demand import Step
from ops.what_if.extraction import Found


def in_sequence(found: Sequence[Found]) -> list[Step]:
    """Sort the steps by their times, but never against the versions of a stream.

    A step is one commit, so the commits' real order respects the versions of all streams at once, and there is at least
    one such order. Clocks of containers differ by less than what matters to anybody.

    Raises:
        LogDamaged: the versions contradict each other.
    """
    followers, waits_for = _constraints(found)
    ready = [(found[number].step.at, number) for number in range(len(found)) if not waits_for[number]]
    heapify(ready)
    steps = []
    while ready:
        _, number = heappop(ready)
        steps.append(found[number].step)
        for follower in followers[number]:
            waits_for[follower] -= 1
            if not waits_for[follower]:
                heappush(ready, (found[follower].step.at, follower))
    if len(steps) < len(found):
        raise LogDamaged("The versions of the sale's streams contradict each other.")
    return steps


def _constraints(found: Sequence[Found]) -> tuple[dict[int, list[int]], list[int]]:
    """Return for each step those that must come later, and how many it has to wait for."""
    by_stream: defaultdict[UUID, list[tuple[int, int]]] = defaultdict(list)
    for number, one in enumerate(found):
        for stream_id, version in one.places:
            by_stream[stream_id].append((version, number))
    followers: defaultdict[int, list[int]] = defaultdict(list)
    waits_for = [0] * len(found)
    causes = {place: number for number, one in enumerate(found) for place in one.places}
    for number, one in enumerate(found):
        for place in one.after:
            followers[causes[place]].append(number)
            waits_for[number] += 1
    for places in by_stream.values():
        places.sort()
        for (_, before), (_, after) in pairwise(places):
            if before != after:
                followers[before].append(after)
                waits_for[after] += 1
    return followers, waits_for
