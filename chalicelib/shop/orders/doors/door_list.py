"""Reads what a door must know of a concert's tickets without a network: all of it once, and then what has changed."""

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.errors import InvalidInput
from chalicelib.shop.orders.doors import statements

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.postgres.pool import Reader

LONGEST_LIST = 10_000
_EVERYTHING = "0"
_FIRST = UUID(int=0)
_CURSOR = re.compile(r"([0-9]{1,9})/([0-9]{1,18})/([0-9]{0,18})/([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class ListCursor:
    """Names a place in the changes: `since` a transaction, `after` a ticket, and `then` where the next delta begins."""

    generation: int
    since: str
    then: str = ""
    after: UUID = _FIRST

    @property
    def text(self) -> str:
        parts = (str(self.generation), self.since, self.then, self.after.hex)
        return urlsafe_b64encode("/".join(parts).encode()).decode()

    @classmethod
    def of(cls, text: str) -> "ListCursor":
        """Read a cursor.

        Raises InvalidInput.
        """
        try:
            found = _CURSOR.fullmatch(urlsafe_b64decode(text.encode()).decode())
        except ValueError:
            found = None
        if found is None:
            reason = "did not come from this API"
            raise InvalidInput(f"The cursor {reason}.", (("?since", reason),))
        generation, since, then, after = found.groups()
        return cls(int(generation), since, then, UUID(after))


@dataclass(frozen=True, slots=True)
class DoorList:
    """A part of the list. `is_delta` tells whether it changes what the device has, or begins anew."""

    entries: list[list[Any]]
    next: ListCursor
    is_delta: bool
    is_complete: bool


def read_list(sales: "Reader", concert_id: UUID, cursor: ListCursor | None, limit: int) -> DoorList:
    """Return the entries after the cursor: `[ticket, serial, state, gate, seconds]`, by ticket.

    A change that was under way when a cursor was given comes in the next part, and one that was not may come twice. A
    cursor of another generation of the read model, or of a server that was restored since, begins anew.
    Raises Unavailable.
    """
    [now] = sales.fetch_all(statements.POSITION, {})
    if cursor is None or cursor.generation != now["generation"] or int(cursor.since) > int(now["last"]):
        cursor = ListCursor(now["generation"], _EVERYTHING)
    then = cursor.then or now["position"]
    parameters = {
        "concert_id": concert_id,
        "since": cursor.since,
        "is_delta": cursor.since != _EVERYTHING,
        "after": cursor.after,
        "rows": limit + 1,
    }
    rows = sales.fetch_all(statements.ENTRIES, parameters)
    is_complete, page = len(rows) <= limit, rows[:limit]
    following = ListCursor(cursor.generation, then) if is_complete else None
    if is_complete and not rows and cursor.after == _FIRST and cursor.since != _EVERYTHING:
        following = cursor  # nothing is new: the same question has the same answer
    after = page[-1]["id"] if page else cursor.after
    return DoorList(
        [_entry(row) for row in page],
        following or ListCursor(cursor.generation, cursor.since, then, after),
        cursor.since != _EVERYTHING or cursor.after != _FIRST,
        is_complete,
    )


def etag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def ticket_name(ticket_id: UUID) -> str:
    """Return a ticket's id in 22 characters of base64url."""
    return urlsafe_b64encode(ticket_id.bytes).rstrip(b"=").decode()


def _entry(row: Any) -> list[Any]:
    at: datetime | None = row["inside_since"] or row["checked_in_at"]
    seconds = None if at is None else int(at.timestamp())
    return [ticket_name(row["id"]), row["serial"] or 0, _state(row), row["gate"], seconds]


def _state(row: Any) -> str:
    if row["is_revoked"]:
        return "revoked"
    if row["inside_since"] is not None:
        return "in"
    return "out" if row["checked_in_at"] is not None else "new"
