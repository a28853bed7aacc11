"""Compares a sale as the log has it with the sale that other rules make of it."""

from dataclasses import dataclass
from uuid import UUID

from ops.progress import progress
from ops.what_if.outcome import Outcome, measure
from ops.what_if.recording import Recording
from ops.what_if.replay import Replayed, replay
from ops.what_if.rules import AS_IT_WAS, Rules
from ops.what_if.sale import Sale


@dataclass(frozen=True, slots=True)
class Deviation:
    """The first event of a pool that the replay under the old rules did not make as the log has it."""

    pool_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A sale as it was and as it would have been; with a deviation the replay is no good for this log."""

    recording: Recording
    rules: Rules
    deviation: Deviation | None
    was: Outcome
    would_be: Outcome
    replayed: Replayed

    @property
    def events(self) -> int:
        """Return how many events the pools have in the log."""
        return sum(len(events) for events in self.recording.stock.values())

    @property
    def changed(self) -> dict[UUID, tuple[int, int]]:
        """Return for each customer whom the rules touch the tickets of then and now."""
        customers = sorted(self.was.tickets.keys() | self.would_be.tickets.keys())
        pairs = {key: (self.was.tickets[key], self.would_be.tickets[key]) for key in customers}
        return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def compare(recording: Recording, rules: Rules) -> Comparison:
    """Replay the sale twice, under the rules of then and under the others, and measure all of it.

    Raises LogDamaged.
    """
    sale = Sale.of(recording)
    with progress("Replaying", 2 * len(sale.steps), "steps") as advance:
        deviation = first_deviation(recording, replay(sale, AS_IT_WAS, lambda: advance("as it was", 1)))
        otherwise = replay(sale, rules, lambda: advance("what if", 1))
    return Comparison(
        recording,
        rules,
        deviation,
        measure(recording.stock, recording.customers, recording.until),
        measure(otherwise.pools, otherwise.customers, recording.until),
        otherwise,
    )


def first_deviation(recording: Recording, again: Replayed) -> Deviation | None:
    """Find where a replay under the rules of then is not what the log has; None if it is the same, event for event."""
    for key, events in recording.stock.items():
        made = again.pools[key]
        for index in range(max(len(events), len(made))):
            if events[index : index + 1] != made[index : index + 1]:
                return Deviation(key, recording.pools[key][0] + index)
    return None
