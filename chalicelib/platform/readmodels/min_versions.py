"""Lets clients read their own writes: what an answer must reflect, and how far its read model is behind that."""

from collections.abc import Mapping
from uuid import UUID


class MinVersions:
    """The minimum versions of a request, by stream, and the lag that was measured for its answer.

    `lag` is counted in versions: how many of those asked for the read model lacked, for every named stream it follows.
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
