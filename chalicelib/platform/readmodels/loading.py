"""Loads the log into a generation of a read model, many streams at once."""

import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

from chalicelib.platform.bus.consumer import MAX_LOST_RACES
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import LogDamaged, Unavailable
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.readmodels.folding import FoldedStream, refolded
from chalicelib.platform.readmodels.port import ReadModel, Rewrite

WRITTEN_AT_ONCE = 500

logger = logging.getLogger(__name__)


class Loader:
    """Loads streams while consumers feed them, under the same positions, and stops before the same poison.

    If the read model has effects, nothing is loaded that its live generation, `live`, has not applied: after a switch
    it would count as applied, and its effects would never happen.
    """

    def __init__(self, model: ReadModel, store: EventStore, live: ReadModel) -> None:
        self._model = model
        self._store = store
        self._live = live

    def load(self, streams: Iterable[FoldedStream]) -> None:
        """Load the folded streams; those whose position is as far already are left as they are.

        Raises Unavailable.
        """
        left = self._allowed([folded for folded in streams if folded.version >= 0])
        for _ in range(MAX_LOST_RACES):
            positions = self._model.positions([folded.stream_id for folded in left])
            due = [
                Rewrite(one.stream_id, positions.get(one.stream_id, -1), one.version, one.contents)
                for one in left
                if one.contents is not None and positions.get(one.stream_id, -1) < one.version
            ]
            moved = self._rewrite_all(due)
            if not moved:
                return
            left = [one for one in left if one.stream_id in moved]
        raise Unavailable(f"Other consumers keep moving {len(left)} streams of {self._model.name}.")

    def _allowed(self, streams: list[FoldedStream]) -> list[FoldedStream]:
        """Fold each no further than it may be loaded."""
        if not self._model.has_effects:
            return streams
        reached = self._live.positions([folded.stream_id for folded in streams])
        allowed = []
        for folded in streams:
            limit = reached.get(folded.stream_id, -1)
            if folded.version <= limit:
                allowed.append(folded)
            elif limit >= 0:
                allowed.append(refolded(self._store, self._model, folded.stream_id, limit))
        return allowed

    def _rewrite_all(self, due: Sequence[Rewrite]) -> set[UUID]:
        """Rewrite all streams that are due; return those whose position moved meanwhile."""
        moved: set[UUID] = set()
        for start in range(0, len(due), WRITTEN_AT_ONCE):
            moved |= self._rewrite(due[start : start + WRITTEN_AT_ONCE])
        return moved

    def _rewrite(self, due: Sequence[Rewrite]) -> set[UUID]:
        try:
            return set(self._model.rewrite(due))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one stream that the store does not take must not stop the others
            if len(due) == 1:
                logger.warning("%s: stream %s cannot be loaded: %r", self._model.name, due[0].stream_id, error)
                return self._apply_singly(due[0])
            # Halving finds the one stream in a few tries, and still writes the others many at once.
            half = len(due) // 2
            return self._rewrite(due[:half]) | self._rewrite(due[half:])

    def _apply_singly(self, one: Rewrite) -> set[UUID]:
        """Apply the events one by one as far as the store takes them; return the stream if its position moved."""
        position = one.expected
        try:
            for event in self._store.read(one.stream_id, position):
                if event.aggregate_version > one.version:
                    break
                self._model.apply(one.stream_id, position, [recorded(event)])
                position = event.aggregate_version
        except PositionMoved:
            return {one.stream_id}
        except (Unavailable, LogDamaged):
            raise
        except Exception:
            logger.exception("%s: stream %s stops at version %d", self._model.name, one.stream_id, position)
        return set()
