"""What a decision may rest on, by the option with which the session loaded a stream."""

from contextlib import suppress
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import RuleViolated
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.venues.events import VenueDeleted
from chalicelib.shop.venues.venue import VENUE
from tests.support.shop import ORGANISER, Clock, Shop
from tests.support.stored import item

ORIGIN = Shop(MemoryEventStore()).request(ORGANISER).origin
BOUGHT = VenueDeleted()
"""Any event: here it stands for what the command wants to write."""


class Container:
    """It knows a stream of one event, to which another container has appended; a second stream it does not know."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.repository = Repository(self.store, Clock(), pause=lambda _: None)
        self.known, self.unknown = uuid4(), uuid4()
        for stream_id in (self.known, self.unknown):
            self.store.append([item(BOUGHT, stream_id)])
        self.repository.load(VENUE, self.known)
        Repository(self.store, Clock()).execute(lambda session: session.append(VENUE, self.known, BOUGHT), ORIGIN)
        self._reads = self.store.usage.reads
        self.attempts: list[int] = []

    @property
    def reads(self) -> int:
        return self.store.usage.reads - self._reads

    def look(self, session: Session, stream_id: UUID, how: Load) -> None:
        """Note, for every attempt, up to which version it sees the stream."""
        session.load(VENUE, stream_id, how)
        self.attempts.append(session.version(stream_id))


@pytest.fixture
def container() -> Container:
    return Container()


@pytest.mark.parametrize(
    ("how", "version", "reads"),
    [(Load.CACHED, 0, 0), (Load.ASSUME_EMPTY, 0, 0), (Load.ALLOW_STALE, 0, 0), (Load.FRESH, 1, 1)],
    ids=str,
)
def test_what_the_container_knows_is_used_without_asking_unless_it_must_be_fresh(
    container: Container, how: Load, version: int, reads: int
) -> None:
    def command(session: Session) -> None:
        container.look(session, container.known, how)
        assert container.reads == reads or len(container.attempts) > 1

    container.repository.execute(command, ORIGIN)
    assert container.attempts[0] == version


@pytest.mark.parametrize(
    ("how", "version"),
    [(Load.CACHED, 0), (Load.ASSUME_EMPTY, -1), (Load.ALLOW_STALE, 0), (Load.FRESH, 0)],
    ids=str,
)
def test_an_unknown_stream_is_read_unless_it_is_assumed_to_be_empty(
    container: Container, how: Load, version: int
) -> None:
    container.repository.execute(lambda session: container.look(session, container.unknown, how), ORIGIN)
    assert container.attempts[0] == version
    assert container.attempts[-1] == 0, "to do nothing is decided on what is in the log"


@pytest.mark.parametrize(
    ("how", "attempts"),
    [(Load.CACHED, [0, 1]), (Load.ASSUME_EMPTY, [0, 1]), (Load.ALLOW_STALE, [0]), (Load.FRESH, [1])],
    ids=str,
)
def test_a_commit_to_another_stream_rests_on_an_old_state_only_if_that_is_allowed(
    container: Container, how: Load, attempts: list[int]
) -> None:
    def command(session: Session) -> None:
        container.look(session, container.known, how)
        session.append(VENUE, uuid4(), BOUGHT)

    container.repository.execute(command, ORIGIN)
    assert container.attempts == attempts


@pytest.mark.parametrize(
    ("how", "attempts"),
    [(Load.CACHED, [0, 1]), (Load.ASSUME_EMPTY, [0, 1]), (Load.ALLOW_STALE, [0, 1]), (Load.FRESH, [1])],
    ids=str,
)
def test_a_refusal_never_rests_on_an_old_state(container: Container, how: Load, attempts: list[int]) -> None:
    def command(session: Session) -> None:
        container.look(session, container.known, how)
        raise RuleViolated("No.")

    with suppress(RuleViolated):
        container.repository.execute(command, ORIGIN)
    assert container.attempts == attempts


@pytest.mark.parametrize("how", [Load.CACHED, Load.ASSUME_EMPTY, Load.ALLOW_STALE], ids=str)
def test_a_commit_to_the_stream_itself_loses_its_race_if_the_state_was_old(container: Container, how: Load) -> None:
    def command(session: Session) -> None:
        container.look(session, container.known, how)
        session.append(VENUE, container.known, BOUGHT)

    container.repository.execute(command, ORIGIN)
    assert container.attempts == [0, 1]
    assert [event.aggregate_version for event in container.store.read(container.known)] == [0, 1, 2]
