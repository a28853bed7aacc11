"""Changes a person's account, for operators, and says who may check tickets in, for organisers."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.brief_cache import BriefCache
from chalicelib.platform.caller import Caller, Role
from chalicelib.platform.errors import Forbidden, NotFound, facts
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.access.account import ACCOUNT, Account
from chalicelib.shop.access.doors import DoorHours, Place
from chalicelib.shop.concerts.commands import ConcertFacts, facts_of_concert

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault


MEMORY = timedelta(minutes=1)
"""How old what a container knows of a person or of a concert's schedule may be."""


class NotAtThisDoor(Forbidden):
    """The organiser has not named the caller for the doors of this concert."""

    code = "not_at_this_door"


class DoorNotOpen(Forbidden):
    """The caller may check tickets in at other hours."""

    code = "door_not_open"
    fact_types = facts(opens_at="NotRequired[Instant]", closes_at="NotRequired[Instant]")


class Accounts:
    """Knows the accounts of the people who stand at doors, as they were at most a minute ago."""

    def __init__(self, repository: Repository, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._accounts = BriefCache(lambda person_id: repository.load(ACCOUNT, person_id)[0], clock, MEMORY)
        self._concerts = BriefCache(lambda concert_id: facts_of_concert(repository, concert_id), clock, MEMORY)

    def ensure_at_door(self, person_id: UUID, concert_id: UUID) -> None:
        """Check that the person may let people in to the concert now. It is asked anew before it refuses.

        Raises NotAtThisDoor, DoorNotOpen or Unavailable.
        """
        now = self._clock()
        hours = _hours(self._accounts.get(person_id), self._concerts.get(concert_id))
        if not any(one.include(now) for one in hours):
            hours = _hours(self._accounts.get_fresh(person_id), self._concerts.get_fresh(concert_id))
        if not hours:
            raise NotAtThisDoor("The organiser has not named you for the doors of this concert.")
        if not any(one.include(now) for one in hours):
            raise DoorNotOpen("You may check tickets in at other hours.", **_as_facts(hours[0]))


def _hours(account: Account, concert: ConcertFacts) -> list[DoorHours]:
    """Return when the person is at the concert's doors, by what was granted for it and for its organiser."""
    places = [place for place in (concert.id, concert.organiser_id) if place in account.doors]
    return [account.doors[place].around(concert.starts_at, concert.ends_at) for place in places if place is not None]


def _as_facts(hours: DoorHours) -> dict[str, str]:
    ends = {"opens_at": hours.opens_at, "closes_at": hours.closes_at}
    return {name: format_instant(at) for name, at in ends.items() if at is not None}


def grant_door(repository: Repository, caller: Caller, person_id: UUID, place: Place, hours: DoorHours) -> None:
    """Let a person check tickets in, at a concert of the caller's or at all of the caller's concerts.

    Raises:
        NotFound: there is no such concert.
        Forbidden: it belongs to another organiser.
        InvalidInput: the hours end before they begin.
        AccountErased: the person was erased.
    """
    _ensure_manages(repository, caller, place)
    _change(repository, caller.origin, person_id, lambda account, now: account.grant_door(place, hours, now))


def revoke_door(repository: Repository, caller: Caller, person_id: UUID, place: Place) -> None:
    """Revoke what was granted, which a container that has just asked knows a minute later.

    Raises:
        NotFound: there is no such concert.
        Forbidden: it belongs to another organiser.
    """
    _ensure_manages(repository, caller, place)
    _change(repository, caller.origin, person_id, lambda account, now: account.revoke_door(place, now))


def _ensure_manages(repository: Repository, caller: Caller, place: Place) -> None:
    if place.concert_id is None:
        caller.actor.ensure_manages(place.organiser_id)
        return
    concert = facts_of_concert(repository, place.concert_id)
    if not concert.exists:
        raise NotFound("There is no such concert.")
    caller.actor.ensure_manages(concert.organiser_id)


def disable_account(repository: Repository, origin: Origin, person_id: UUID, reason: str) -> None:
    """Disable an account: its tokens are refused within a minute, for as long as the gateway trusts the authorizer."""
    _change(repository, origin, person_id, lambda account, now: account.disable(reason, now))


def enable_account(repository: Repository, origin: Origin, person_id: UUID) -> None:
    """Enable an account again."""
    _change(repository, origin, person_id, lambda account, now: account.enable(now))


def _change(
    repository: Repository, origin: Origin, person_id: UUID, decide: Callable[[Account, datetime], Sequence[Event]]
) -> None:
    def command(session: Session) -> None:
        session.append(ACCOUNT, person_id, *decide(session.load(ACCOUNT, person_id), session.now))

    repository.execute(command, origin)


def grant_role(repository: Repository, origin: Origin, person_id: UUID, role: Role) -> None:
    """Grant a role, which takes effect with the person's next request.

    Raises:
        InvalidInput: the role is that of a customer.
        AccountErased: the person was erased.
    """
    _change(repository, origin, person_id, lambda account, now: account.grant(role, now))


def revoke_role(repository: Repository, origin: Origin, person_id: UUID, role: Role) -> None:
    """Revoke a role, which takes effect with the person's next request.

    A role inside a token lasts until the token expires.
    """
    _change(repository, origin, person_id, lambda account, now: account.revoke(role, now))


def erase_person(repository: Repository, vault: "PersonVault", origin: Origin, person_id: UUID) -> None:
    """Destroy the person's key, then record it.

    If it is interrupted in between, doing it again finishes it.
    """
    vault.erase(person_id)
    _change(repository, origin, person_id, lambda account, now: account.erase(now))


def granted_roles(repository: Repository, person_id: UUID) -> frozenset[Role]:
    """Return the roles granted here, as of now. It costs one read."""
    account, _ = repository.load(ACCOUNT, person_id)
    return account.roles
