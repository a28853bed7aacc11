"""Defines what the sandbox remembers: payments, and what took money of them back."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from chalicelib.platform.money import Money


class Decision(StrEnum):
    """What became of an entry. The last five are of money that goes back; they say what happens at `due_at`."""

    UNDECIDED = "undecided"
    REQUIRES_ACTION = "requires_action"
    CHARGED = "charged"
    DECLINED = "declined"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    REFUND_WILL_FAIL = "refund_will_fail"
    REFUND_WILL_BOUNCE = "refund_will_bounce"
    DISPUTE_WILL_BE_WON = "dispute_will_be_won"
    DISPUTE_WILL_BE_LOST = "dispute_will_be_lost"

    @property
    def is_open(self) -> bool:
        """Tells whether it can still be decided."""
        return self in {Decision.UNDECIDED, Decision.REQUIRES_ACTION}


DISPUTES = frozenset({Decision.DISPUTE_WILL_BE_WON, Decision.DISPUTE_WILL_BE_LOST})


@dataclass(frozen=True, slots=True)
class Entry:
    """A payment, or what took money of the payment `refund_of` back: a refund, or a dispute.

    What is undecided is decided at `due_at`. `made_for` is our id of a refund, and `failures` how many tries had failed
    before it.
    """

    id: UUID
    amount: Money
    decision: Decision
    due_at: datetime
    order_id: UUID | None = None
    refund_of: UUID | None = None
    token: str = ""
    made_for: UUID | None = None
    failures: int = 0

    def moved(self, now: datetime) -> Decimal:
        """Return what it took, or less than nothing for what it gave back, as of this time."""
        is_over = now >= self.due_at
        match self.decision:
            case Decision.CHARGED:
                return self.amount.amount
            case Decision.REFUNDED | Decision.DISPUTE_WILL_BE_LOST:
                return -self.amount.amount
            case Decision.REFUND_WILL_BOUNCE | Decision.DISPUTE_WILL_BE_WON | Decision.REFUND_WILL_FAIL:
                return Decimal(0) if is_over else -self.amount.amount
        return Decimal(0)


class Ledger(Protocol):
    """What the provider remembers. Every method may raise Unavailable."""

    def find(self, entry_id: UUID) -> Entry | None: ...

    def record(self, entry: Entry) -> Entry:
        """Keep the entry unless there is one of this id; returns the one that stands."""

    def decide(self, entry: Entry, decision: Decision) -> Entry:
        """Decide an entry that is open, once; returns it as it stands."""

    def list_due(self, since: datetime, until: datetime) -> Iterator[Entry]:
        """List the entries that are due at `since` or later and before `until`, in no order."""


class MemoryLedger:
    """For tests without servers."""

    def __init__(self) -> None:
        self.entries: dict[UUID, Entry] = {}

    def find(self, entry_id: UUID) -> Entry | None:
        return self.entries.get(entry_id)

    def record(self, entry: Entry) -> Entry:
        return self.entries.setdefault(entry.id, entry)

    def decide(self, entry: Entry, decision: Decision) -> Entry:
        if self.entries[entry.id].decision.is_open:
            self.entries[entry.id] = replace(entry, decision=decision)
        return self.entries[entry.id]

    def list_due(self, since: datetime, until: datetime) -> Iterator[Entry]:
        return iter([entry for entry in self.entries.values() if since <= entry.due_at < until])
