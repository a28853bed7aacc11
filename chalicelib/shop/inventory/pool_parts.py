"""Defines the parts of a pool's state."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Hold(NamedTuple):
    quantity: int
    expires_at: datetime
    cart_id: UUID
    order_id: UUID | None = None
    ticket_type_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PoolCapacityChange:
    """The pool's part of the last change of its type's quantity; `by` is 0 if it gave its part back."""

    id: UUID
    by: int
