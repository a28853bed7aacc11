"""Caches results that were computed from many streams, each valid until one of them changes in a way that matters.

A result is stored outside the log under a key of its own, together with an epoch. An append may raise the epoch in its
own transaction. A result is stored under the epoch at which its computation began, and is void once that epoch is over.
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CachedResult:
    """A result with its epoch; `value` is None if there is no result for this epoch."""

    epoch: int = 0
    value: str | None = None


class EpochCache(Protocol):
    """Stores results with their epochs. Every method may raise Unavailable."""

    def find_result(self, key: UUID) -> CachedResult:
        """Read the result as it is now, strongly consistent; a key that was never used has epoch 0."""

    def store_result(self, key: UUID, epoch: int, value: str) -> bool:
        """Store the result if the epoch is still this one; return whether it was."""
