"""Describes a pass of the reconciler, which goes on over several runs, and the notes by which it does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, Self
from uuid import uuid4

from chalicelib.platform.eventsourcing.changes import Seen


class Notes(Protocol):
    """Stores what one run leaves for the next."""

    def read(self) -> Mapping[str, str]: ...

    def write(self, notes: Mapping[str, str]) -> None: ...


@dataclass(frozen=True)
class Pass:
    """One pass, over the whole log if it `is_complete`, otherwise over what changed.

    Over the log it goes on after `cursor`, empty before the first page and after the last; over the changes after
    `seen`. It `is_clean` as long as every read model could be asked; otherwise the next pass begins again at `since`,
    the changes from `changes_since` on. The last clean complete pass began at `complete_at`.
    """

    id: str = ""
    began: str = ""
    cursor: str = ""
    is_done: bool = True
    is_repair: bool = False
    is_complete: bool = True
    is_clean: bool = True
    complete_at: str = ""
    changes_since: str = ""
    seen: Seen = field(default_factory=dict)
    since: Seen = field(default_factory=dict)

    @classmethod
    def from_notes(cls, notes: Mapping[str, str]) -> Self:
        """Read what the last run left; an empty note means no. Older code left passes over the whole log only."""
        if not notes:
            return cls()
        return cls(
            id=notes["id"],
            began=notes["began"],
            cursor=notes["cursor"],
            is_done=bool(notes["is_done"]),
            is_repair=bool(notes["is_mending"]),
            is_complete=bool(notes.get("is_complete", "yes")),
            is_clean=bool(notes.get("is_clean", "yes")),
            complete_at=notes.get("complete_at", ""),
            changes_since=notes.get("changes_since", ""),
            seen=json.loads(notes.get("seen", "{}")),
            since=json.loads(notes.get("since", "{}")),
        )

    def to_notes(self) -> dict[str, str]:
        return {
            "id": self.id,
            "began": self.began,
            "cursor": self.cursor,
            "is_done": _yes(self.is_done),
            "is_mending": _yes(self.is_repair),
            "is_complete": _yes(self.is_complete),
            "is_clean": _yes(self.is_clean),
            "complete_at": self.complete_at,
            "changes_since": self.changes_since,
            "seen": json.dumps(self.seen),
            "since": json.dumps(self.since),
        }

    def followed_by(self, began: str, *, is_complete: bool, is_repair: bool) -> Self:
        """Return the next pass, which begins where this one has left something to look at.

        After one over the whole log, the changes are read from the oldest that there is.
        """
        return replace(
            self,
            id=str(uuid4()),
            began=began,
            cursor="",
            is_done=False,
            is_repair=is_repair,
            is_complete=is_complete,
            is_clean=True,
            seen={} if is_complete else self.since,
            since={} if is_complete else self.since,
        )

    def ended(self) -> Self:
        """Return the pass as it is noted at its end."""
        if not self.is_clean:
            return self
        if self.is_complete:
            return replace(self, complete_at=self.began, changes_since=self.began)
        return replace(self, since=self.seen, changes_since=self.began)


def _yes(value: bool) -> str:
    return "yes" if value else ""
