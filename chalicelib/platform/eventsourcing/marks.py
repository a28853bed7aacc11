"""What was computed from many streams and may be relied on until one of them changes in a way that matters.

A mark lies beside the log under a key of its own. It has an epoch, which an append may raise in its own transaction,
and a verdict, which is remembered under the epoch at which its computation began and is void once that was raised.
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Mark:
    """`verdict` is None if there is none for this epoch."""

    epoch: int = 0
    verdict: str | None = None


class Marks(Protocol):
    """Every method may raise Unavailable."""

    def find_mark(self, key: UUID) -> Mark:
        """The mark as it is now, strongly consistent; a key never used has epoch 0."""

    def keep_verdict(self, key: UUID, epoch: int, verdict: str) -> bool:
        """Remember the verdict if the epoch is still this one; says whether it was."""
