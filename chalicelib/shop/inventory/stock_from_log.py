"""Answers what is available from the log, for the requests of one container together (ADR 41)."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from chalicelib.platform.errors import CloudbashError, NotFound, ReadModelBehind, TooMuchToRead, Unavailable
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.readmodels.min_versions import MinVersions

logger = logging.getLogger(__name__)

SHARED_FOR = timedelta(seconds=1)
MOST_CONCERTS = 10
"""The concerts that one container reads from the log within `SHARED_FOR`."""

WAIT_SECONDS = 1.0
"""How long a request waits for another one that reads the same concert."""


@dataclass(frozen=True, slots=True)
class StockAsOf:
    """The stock of a concert as the log has it, and the versions of the streams that were read for it."""

    ticket_types: list[JsonObject]
    versions: Mapping[UUID, int]


Read = Callable[[], StockAsOf]
"""Reads the stock of a concert from the log. It raises NotFound, TooMuchToRead or Unavailable."""


@dataclass(slots=True)
class _SharedAnswer:
    lock: Lock = field(default_factory=Lock)
    read_at: datetime | None = None
    outcome: StockAsOf | CloudbashError = field(default_factory=lambda: ReadModelBehind("Nothing has been read yet."))


class StockFromLog:
    """Shares each answer for a second: one request reads, and others wait for it or take what it has read.

    A refusal is shared as well, so that what cannot be answered is not tried again by each request.
    """

    def __init__(self) -> None:
        self._shared: dict[UUID, _SharedAnswer] = {}
        self._lock = Lock()

    def answer(self, concert_id: UUID, now: datetime, min_versions: MinVersions, read: Read) -> list[JsonObject]:
        """Return the stock as `read` gives it, or has given it to another request less than a second ago.

        Raises:
            NotFound: there is no such published concert.
            ReadModelBehind: it takes too many reads, too many concerts are asked for, or the shared answer lacks what
                this reader has seen.
            Unavailable: the log is away.
        """
        shared = self._place_of(concert_id, now)
        if not shared.lock.acquire(timeout=WAIT_SECONDS):
            raise ReadModelBehind("Others are reading this from the log; try again later.")
        try:
            is_shared = _is_fresh(shared, now)
            if not is_shared:
                shared.outcome, shared.read_at = _outcome(read), now
            outcome = shared.outcome
        finally:
            shared.lock.release()
        if not isinstance(outcome, StockAsOf):
            raise outcome
        if is_shared:
            _ensure_reached(outcome, min_versions)
        return outcome.ticket_types

    def _place_of(self, concert_id: UUID, now: datetime) -> _SharedAnswer:
        """Return the place of a concert's answer, and forget those that nobody may share any more.

        Raises ReadModelBehind.
        """
        with self._lock:
            if concert_id in self._shared:
                return self._shared[concert_id]
            for key in [key for key, shared in self._shared.items() if not shared.lock.locked()]:
                if not _is_fresh(self._shared[key], now):
                    del self._shared[key]
            if len(self._shared) >= MOST_CONCERTS:
                raise ReadModelBehind("Too many concerts are read from the log at this moment; try again later.")
            return self._shared.setdefault(concert_id, _SharedAnswer())


def _is_fresh(shared: _SharedAnswer, now: datetime) -> bool:
    return shared.read_at is not None and abs(now - shared.read_at) < SHARED_FOR


def _outcome(read: Read) -> StockAsOf | CloudbashError:
    try:
        return read()
    except TooMuchToRead as error:
        logger.info("%s", error.detail)
        return ReadModelBehind("The read model lacks this concert, which is too large to read from the log at once.")
    except (NotFound, Unavailable) as error:
        return error.with_traceback(None)


def _ensure_reached(stock: StockAsOf, min_versions: MinVersions) -> None:
    if any(stock.versions.get(key, version) < version for key, version in min_versions.named.items()):
        raise ReadModelBehind("What was read less than a second ago is older than what was seen; try again.")
