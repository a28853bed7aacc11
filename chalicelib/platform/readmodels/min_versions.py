"""Lets clients read their own writes: what an answer must reflect, and how far its read model is behind that."""

from collections.abc import Mapping
from uuid import UUID


class MinVersions:
    """The minimum versions of a request, by stream, and the lag that was measured for its answer.

    `lag` is counted in versions: how many of those asked for the read model lacked, for every named stream it follows.
    `told` is the part of it that the caller hears: only of streams that a query has found readable for the caller.
    """

    def __init__(self, named: Mapping[UUID, int]) -> None:
        self.named = named
        self.lag: dict[UUID, int] = {}
        self._readable: set[UUID] = set()

    def lacks(self, stream_id: UUID, position: int) -> bool:
        """Tell whether a read model at `position` (-1: none) is too old for this reader; remember its lag."""
        if stream_id not in self.named:
            return False
        self.lag[stream_id] = max(0, self.named[stream_id] - position)
        return self.lag[stream_id] > 0

    def may_tell_of(self, *stream_ids: UUID) -> None:
        """Let the caller hear of these streams, which the caller may read."""
        self._readable.update(stream_ids)

    @property
    def told(self) -> dict[UUID, int]:
        return {stream_id: versions for stream_id, versions in self.lag.items() if stream_id in self._readable}


NOTHING_NAMED = MinVersions({})
