"""Commands to execute, and a store that loses races."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from typing import Self
from uuid import UUID, uuid4

from chalicelib.platform.eventsourcing.epoch_cache import CachedResult
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.eventsourcing.store import ConcurrencyError, EventStore, Place, ScanPage
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.shop.venues.events import VenueCreated
from chalicelib.shop.venues.venue import VENUE
from tests.support.operations import as_puts
from tests.support.shop import CountedStore
from tests.support.stored import SOMEBODY

CREATED = VenueCreated(name="", description="", capacity=1, address="", city="", country="", time_zone="UTC")


class Costs:
    """The requests that were sent since the last look, whichever way of appending was used."""

    def __init__(self, store: CountedStore) -> None:
        self._store = store
        self._before = as_puts(store.usage.requests)

    def __call__(self) -> dict[str, int]:
        now = as_puts(self._store.usage.requests)
        since = {name: count - self._before.get(name, 0) for name, count in now.items()}
        self._before = now
        return {name: count for name, count in since.items() if count}


class Unlucky:
    """A store in front of another: it loses the first races, or all, and remembers what was read."""

    def __init__(self, store: EventStore, losses: int, error: Exception | None = None) -> None:
        self.inner = store
        self._error = error
        self.losses = losses
        self.tries = 0
        self.read_after: list[int] = []

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        self.tries += 1
        if self.losses:
            self.losses -= 1
            raise self._error or ConcurrencyError(frozenset(event.aggregate_id for event in events))
        self.inner.append(events, raising)

    def read_slice(self, stream_id: UUID, after: int, limit: int) -> list[StoredEvent]:
        return self.inner.read_slice(stream_id, after, limit)

    def pick(self, places: Sequence[Place]) -> Mapping[Place, StoredEvent]:
        return self.inner.pick(places)

    def metered(self, spend: Callable[[], None]) -> Self:
        metered = copy(self)
        metered.inner = self.inner.metered(spend)
        return metered

    def read_last(self, stream_id: UUID, count: int) -> list[StoredEvent]:
        return self.inner.read_last(stream_id, count)

    def find_result(self, key: UUID) -> CachedResult:
        return self.inner.find_result(key)

    def store_result(self, key: UUID, epoch: int, value: str) -> bool:
        return self.inner.store_result(key, epoch, value)

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        self.read_after.append(after)
        return self.inner.read(stream_id, after)

    def scan(self, segment: int = 0, segments: int = 1, after: str | None = None) -> Iterator[ScanPage]:
        return self.inner.scan(segment, segments, after)

    def size(self) -> int:
        return self.inner.size()


def create(repository: Repository) -> UUID:
    stream_id = uuid4()

    def command(session: Session) -> None:
        session.load(VENUE, stream_id, Load.ASSUME_EMPTY)
        session.append(VENUE, stream_id, CREATED)

    repository.execute(command, SOMEBODY)
    return stream_id


def delete(repository: Repository, stream_id: UUID) -> int:
    def command(session: Session) -> int:
        venue = session.load(VENUE, stream_id)
        session.append(VENUE, stream_id, *venue.delete())
        return session.version(stream_id)

    return repository.execute(command, SOMEBODY)
