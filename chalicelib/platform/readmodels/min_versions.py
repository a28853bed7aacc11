"""Reading your own writes: what an answer must reflect, and how far its read model was from that."""

from collections.abc import Mapping
from uuid import UUID


class MinVersions:
    """The versions that a reader has seen, by stream, and what was found out on the way to the answer.

    `lag` says, of every named stream that the read model follows, how many of the versions asked for it lacked.
    """

    def __init__(self, named: Mapping[UUID, int]) -> None:
        self.named = named
        self.lag: dict[UUID, int] = {}

    def lacks(self, stream_id: UUID, position: int) -> bool:
        """Tell whether a read model at `position` (-1: none) is too old for this reader; remember its lag."""
        if stream_id not in self.named:
            return False
        self.lag[stream_id] = max(0, self.named[stream_id] - position)
        return self.lag[stream_id] > 0


NOTHING_NAMED = MinVersions({})
