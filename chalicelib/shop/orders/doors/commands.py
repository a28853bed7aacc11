"""Sets the rules of a concert's doors, and changes the key that signs its tickets."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.ownership import done_before
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.orders.doors.rules import DOORS, Doors, doors_id

Decide = Callable[[Doors, datetime], Sequence[Event]]


def set_rules(repository: Repository, caller: Caller, concert_id: UUID, has_reentry: bool) -> int:
    """Set what holds from now on at the doors of a concert of the caller, and return the version.

    Raises NotFound, Forbidden or PreconditionFailed.
    """
    organiser_id = _organiser_of(repository, caller, concert_id)
    return _change(
        repository, caller, concert_id, lambda doors, now: doors.set_rules(concert_id, organiser_id, has_reentry, now)
    )


def find_rules(repository: Repository, concert_id: UUID) -> tuple[Doors, int]:
    """Return what holds at the doors, and its version, which is -1 if nobody has said anything yet.

    Raises NotFound for an unknown concert.
    """
    doors, version = repository.load(DOORS, doors_id(concert_id))
    if version < 0 and not facts_of_concert(repository, concert_id).exists:
        raise NotFound("There is no such concert.")
    return doors, version


def rotate_key(repository: Repository, caller: Caller, concert_id: UUID, reason: str) -> int:
    """Sign the concert's tickets with another key from now on, and return the version.

    Raises NotFound, PreconditionFailed or TooManyKeys.
    """
    _organiser_of(repository, caller, concert_id)
    return _change(repository, caller, concert_id, lambda doors, now: doors.rotate_key(concert_id, reason, now))


def revoke_key(repository: Repository, caller: Caller, concert_id: UUID, generation: int, reason: str) -> int:
    """Refuse what a key of the concert has signed, and return the version.

    Raises NotFound, PreconditionFailed or TooManyKeys.
    """
    _organiser_of(repository, caller, concert_id)
    return _change(
        repository, caller, concert_id, lambda doors, now: doors.revoke_key(concert_id, generation, reason, now)
    )


def _organiser_of(repository: Repository, caller: Caller, concert_id: UUID) -> UUID | None:
    concert = facts_of_concert(repository, concert_id)
    if not concert.exists:
        raise NotFound("There is no such concert.")
    caller.actor.ensure_manages(concert.organiser_id)
    return concert.organiser_id


def _change(repository: Repository, caller: Caller, concert_id: UUID, decide: Decide) -> int:
    key = doors_id(concert_id)

    def command(session: Session) -> int:
        doors = session.load(DOORS, key)
        if (version := done_before(session, caller, key)) is not None:
            return version
        session.append(DOORS, key, *decide(doors, session.now))
        return session.version(key)

    return repository.execute(command, caller.origin)
