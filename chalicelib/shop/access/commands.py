"""Changes a person's account, for operators, and says who may check tickets in, for organisers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.brief_cache import BriefCache
from chalicelib.platform.caller import Actor, Caller, Grants, Role, TeamRole
from chalicelib.platform.errors import Forbidden, NotFound, facts
from chalicelib.platform.eventsourcing.codec import Origin, recorded
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.ids import IdKey
from chalicelib.platform.ownership import done_before
from chalicelib.shop.access.account import ACCOUNT, Account
from chalicelib.shop.access.doors import DoorHours, Place
from chalicelib.shop.access.events import PersonErased
from chalicelib.shop.access.team import TEAM, team_id
from chalicelib.shop.concerts.commands import ConcertFacts, facts_of_concert
from chalicelib.shop.orders.events import BuyerErased

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import ErasureCertificate

STATEMENT = (
    "The data key of this person was destroyed, and the person never gets another one. Nobody can read any more what"
    " the key has sealed, names and addresses above all, wherever it is stored. The event that records it has this"
    " hash, which the signed heads of the log prove."
)

MEMORY = timedelta(minutes=1)
"""How old what a container knows of a person or of a concert's schedule may be."""


class NotAtThisDoor(Forbidden):
    """The organiser has not named the caller for the doors of this concert."""

    code = "not_at_this_door"


class DoorNotOpen(Forbidden):
    """The caller may check tickets in at other hours."""

    code = "door_not_open"
    fact_types = facts(opens_at="NotRequired[Instant]", closes_at="NotRequired[Instant]")


class NotASupervisor(Forbidden):
    """The caller is at the door, and no supervisor of it."""

    code = "not_a_supervisor"


class Accounts:
    """Knows the accounts of the people who work here, as they were at most a minute ago."""

    def __init__(self, repository: Repository, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._accounts = BriefCache(lambda person_id: repository.load(ACCOUNT, person_id)[0], clock, MEMORY)
        self._concerts = BriefCache(lambda concert_id: facts_of_concert(repository, concert_id), clock, MEMORY)

    def known_teams(self, person_id: UUID) -> Mapping[UUID, TeamRole]:
        """Return for whom the person works, as far as that was read within a minute; nothing is asked."""
        account = self._accounts.find(person_id)
        return {} if account is None else account.teams

    def read(self, person_id: UUID) -> Account:
        """Return the account as it is now. It costs one read."""
        return self._accounts.get_fresh(person_id)

    def grants_of(self, person_id: UUID) -> Grants:
        """Return what the log grants the person now. It costs one read."""
        account = self.read(person_id)
        return Grants(account.roles, account.teams, account.disabled, account.erased)

    def ensure_at_door(self, actor: Actor, concert_id: UUID, *, as_supervisor: bool = False) -> None:
        """Check that the caller may let people in to the concert now. It is asked anew before it refuses.

        Raises NotAtThisDoor, DoorNotOpen, NotASupervisor or Unavailable.
        """
        now = self._clock()
        hours = self._hours(actor, self._concerts.get(concert_id), self._accounts.get)
        if not any(one.lets(now, as_supervisor) for one in hours):
            hours = self._hours(actor, self._concerts.get_fresh(concert_id), self._accounts.get_fresh)
        if not hours:
            raise NotAtThisDoor("The organiser has not named you for the doors of this concert.")
        if not any(one.include(now) for one in hours):
            raise DoorNotOpen("You may check tickets in at other hours.", **_as_facts(hours[0]))
        if not any(one.lets(now, as_supervisor) for one in hours):
            raise NotASupervisor("Only a supervisor of these doors may let in whom the rules refuse.")

    def ensure_watches(self, actor: Actor, concert_id: UUID) -> None:
        """Check that the person manages the concert, or may let people in to it now.

        Raises NotAtThisDoor, DoorNotOpen or Unavailable.
        """
        if not actor.manages(self._concerts.get(concert_id).organiser_id):
            self.ensure_at_door(actor, concert_id)

    def _hours(self, actor: Actor, concert: ConcertFacts, account_of: Callable[[UUID], Account]) -> list[DoorHours]:
        """Return when the caller is at the doors: an API key by the schedule, a person by what was granted."""
        if actor.key is not None:
            is_own = concert.exists and actor.works_for(concert.organiser_id)
            return [DoorHours().around(concert.starts_at, concert.ends_at)] if is_own else []
        doors, places = account_of(actor.id).doors, [Place(concert_id=concert.id)]
        if concert.organiser_id is not None:
            places.append(Place(organiser_id=concert.organiser_id))
        return [doors[place].around(concert.starts_at, concert.ends_at) for place in places if place in doors]


def _as_facts(hours: DoorHours) -> dict[str, str]:
    ends = {"opens_at": hours.opens_at, "closes_at": hours.closes_at}
    return {name: format_instant(at) for name, at in ends.items() if at is not None}


def grant_door(repository: Repository, caller: Caller, person_id: UUID, place: Place, hours: DoorHours) -> None:
    """Let a person check tickets in, at a concert of the caller's or at all of the caller's concerts.

    Raises:
        NotFound: there is no such concert.
        Forbidden: it belongs to another organiser.
        InvalidInput: the hours end before they begin.
        IdempotencyKeyReused: the request has granted the person something else before.
        AccountErased: the person was erased.
    """
    _ensure_manages(repository, caller, place)

    def command(session: Session) -> None:
        account = session.load(ACCOUNT, person_id)
        if done_before(session, caller, person_id) is not None:
            return
        session.append(ACCOUNT, person_id, *account.grant_door(place, hours, session.now))
        if place.organiser_id is not None:
            key = team_id(place.organiser_id)
            joined = session.load(TEAM, key).join_for_the_door(place.organiser_id, person_id, session.now)
            session.append(TEAM, key, *joined)

    repository.execute(command, caller.origin)


def revoke_door(repository: Repository, caller: Caller, person_id: UUID, place: Place) -> None:
    """Revoke what was granted, which a container that has just asked knows a minute later.

    Raises:
        NotFound: there is no such concert.
        Forbidden: it belongs to another organiser.
    """
    _ensure_manages(repository, caller, place)

    def command(session: Session) -> None:
        account = session.load(ACCOUNT, person_id)
        if done_before(session, caller, person_id) is not None:
            return
        session.append(ACCOUNT, person_id, *account.revoke_door(place, session.now))
        if place.organiser_id is not None:
            key = team_id(place.organiser_id)
            session.append(TEAM, key, *session.load(TEAM, key).leave_the_door(person_id, session.now))

    repository.execute(command, caller.origin)


def _ensure_manages(repository: Repository, caller: Caller, place: Place) -> None:
    if place.concert_id is None:
        caller.actor.ensure_manages(place.organiser_id)
        return
    concert = facts_of_concert(repository, place.concert_id)
    if not concert.exists:
        raise NotFound("There is no such concert.")
    caller.actor.ensure_manages(concert.organiser_id)


def disable_account(repository: Repository, caller: Caller, person_id: UUID, reason: str) -> None:
    """Disable an account: its tokens are refused within a minute, for as long as the gateway trusts the authorizer.

    Raises IdempotencyKeyReused.
    """
    _change_once(repository, caller, person_id, lambda account, now: account.disable(reason, now))


def enable_account(repository: Repository, caller: Caller, person_id: UUID) -> None:
    """Enable an account again."""
    _change_once(repository, caller, person_id, lambda account, now: account.enable(now))


def _change_once(
    repository: Repository, caller: Caller, person_id: UUID, decide: Callable[[Account, datetime], Sequence[Event]]
) -> None:
    def command(session: Session) -> None:
        account = session.load(ACCOUNT, person_id)
        if done_before(session, caller, person_id) is None:
            session.append(ACCOUNT, person_id, *decide(account, session.now))

    repository.execute(command, caller.origin)


def change_account(
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
    change_account(repository, origin, person_id, lambda account, now: account.grant(role, now))


def revoke_role(repository: Repository, origin: Origin, person_id: UUID, role: Role) -> None:
    """Revoke a role, which takes effect with the person's next request.

    A role inside a token lasts until the token expires.
    """
    change_account(repository, origin, person_id, lambda account, now: account.revoke(role, now))


def join_guest(session: Session, account_id: UUID, guest_id: UUID) -> None:
    """Note in the same commit that the person has bought as this guest.

    Raises AccountErased.
    """
    session.append(ACCOUNT, account_id, *session.load(ACCOUNT, account_id).join_guest(guest_id, session.now))


def granted_roles(repository: Repository, person_id: UUID) -> frozenset[Role]:
    """Return the roles granted here, as of now. It costs one read."""
    account, _ = repository.load(ACCOUNT, person_id)
    return account.roles


def certificate_of(log: EventStore, person_id: UUID) -> "ErasureCertificate":
    """Return the certificate of a person's erasure, or of a guest's by the order's id: one read of the log.

    Raises NotFound or Unavailable.
    """
    for stored in log.read(person_id):
        match recorded(stored).event:
            case PersonErased(at=at) | BuyerErased(at=at) as event:
                return {
                    "person_id": str(person_id),
                    "erased_at": format_instant(at),
                    "event": {
                        "id": stored.event_id,
                        "type": type(event).__name__,
                        "version": stored.aggregate_version,
                        "hash": stored.chain_hash,
                    },
                    "statement": STATEMENT,
                }
    raise NotFound("Nobody with this id was erased.")


def secret_of_invitation(ids: IdKey, invitation_id: UUID) -> str:
    """Return the secret with which an invitation is accepted: it follows from the id, and is stored nowhere."""
    return ids.secret_of("invitation", invitation_id)
