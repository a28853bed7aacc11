"""Says under which rules a sale is replayed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Rules:
    """What is other than it was; None, and a ticket type without a capacity, are as they were in the log.

    `max_per_customer` and `max_per_order` hold for every ticket type. `capacities` are those of ticket types from the
    first to the last minute, whatever was changed meanwhile. `cool_down` is the stage's, and counts only where
    `hold_for` is another one: else the log says whose holding period went on. `patience` is for how long a customer
    who finds too few tickets tries again.
    """

    hold_for: timedelta | None = None
    pay_within: timedelta | None = None
    max_per_customer: int | None = None
    max_per_order: int | None = None
    capacities: Mapping[UUID, int] = field(default_factory=dict)
    cool_down: timedelta = timedelta(minutes=15)
    patience: timedelta = timedelta()


AS_IT_WAS = Rules()
