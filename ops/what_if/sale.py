"""Defines a sale that can be replayed."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.shop.concerts.concert import Concert
from ops.what_if.demand import Step
from ops.what_if.extraction import steps_of
from ops.what_if.recording import Recording
from ops.what_if.sequence import in_sequence


@dataclass(frozen=True, slots=True)
class Sale:
    """The steps of a concert's sale in an order in which they can have happened, until `until`."""

    concert: Concert
    steps: list[Step]
    until: datetime

    @classmethod
    def of(cls, recording: Recording) -> "Sale":
        """Find the steps of what was recorded.

        Raises LogDamaged.
        """
        return cls(recording.concert, in_sequence(steps_of(recording)), recording.until)
