"""Invites, changes and removes the members of an organiser's team, for its owners.

What a person may do is read from the person's account, in one read; who belongs to a team is read from the team. Both
streams change in one transaction (ADR 64).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.caller import Caller, TeamRole
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.http.api_keys import hash_of
from chalicelib.platform.ownership import done_before
from chalicelib.shop.access.account import ACCOUNT
from chalicelib.shop.access.team import TEAM, Invitation, Team, team_id

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault


@dataclass(frozen=True, slots=True)
class Invited:
    """Is an invitation with its secret, which nobody can be told later."""

    id: UUID
    secret: str
    invitation: Invitation
    version: int


@dataclass(frozen=True, slots=True)
class Joined:
    role: TeamRole
    version: int


def invite(
    repository: Repository,
    vault: "PersonVault",
    caller: Caller,
    organiser_id: UUID,
    role: TeamRole,
    email: str,
    lasts: timedelta,
) -> Invited:
    """Invite somebody by e-mail. The secret follows from the invitation's id, so a repeated request tells it again.

    Raises Forbidden, OwnerNeeded, IdempotencyKeyReused, TeamFull or Unavailable.
    """
    caller.actor.ensure_owns(organiser_id)
    invitation_id, key = caller.request.id, team_id(organiser_id)

    def command(session: Session) -> Invited:
        team = session.load(TEAM, key)
        secret = session.ids.secret_of("invitation", invitation_id)
        if invitation_id not in team.invitations or vault.knows(
            invitation_id
        ):  # of a forgotten one nothing is compared
            request_hash = vault.digest(invitation_id, caller.request.request_hash)  # the body names a person
            sealed = vault.seal(invitation_id, {"email": email})
            made = Invitation(role, sealed, hash_of(secret), session.now + lasts, request_hash)
            session.append(TEAM, key, *team.invite(organiser_id, invitation_id, made, session.now))
        standing = session.load(TEAM, key).invitations[invitation_id]
        return Invited(invitation_id, secret, standing, session.version(key))

    return repository.execute(command, caller.origin)


def revoke_invitation(repository: Repository, caller: Caller, organiser_id: UUID, invitation_id: UUID) -> int:
    """Revoke an invitation, and return the team's version.

    Raises Forbidden, OwnerNeeded, NotFound or Unavailable.
    """
    caller.actor.ensure_owns(organiser_id)
    key = team_id(organiser_id)

    def command(session: Session) -> int:
        session.append(TEAM, key, *session.load(TEAM, key).revoke_invitation(invitation_id, session.now))
        return session.version(key)

    return repository.execute(command, caller.origin)


def accept_invitation(
    repository: Repository, caller: Caller, organiser_id: UUID, invitation_id: UUID, secret: str
) -> Joined:
    """Let the caller join, who has the invitation's secret.

    Raises NotFound, InvitationExpired, InvitationUsed, FoundingOwner, AccountErased or Unavailable.
    """
    key, person_id = team_id(organiser_id), caller.actor.id

    def command(session: Session) -> Joined:
        team = session.load(TEAM, key)
        events = team.accept(organiser_id, invitation_id, hash_of(secret), person_id, session.now)
        role = team.invitations[invitation_id].role
        if events:
            _be(session, organiser_id, person_id, role, invitation_id)
        session.append(TEAM, key, *events)
        return Joined(role, session.version(key))

    return repository.execute(command, caller.origin)


def set_member(repository: Repository, caller: Caller, organiser_id: UUID, person_id: UUID, role: TeamRole) -> int:
    """Change what a member is; an operator adds members as well. Return the team's version.

    Raises Forbidden, OwnerNeeded, NotFound, PreconditionFailed, FoundingOwner, TeamFull or AccountErased.
    """
    caller.actor.ensure_owns(organiser_id)
    key = team_id(organiser_id)

    def command(session: Session) -> int:
        team = session.load(TEAM, key)
        if (version := done_before(session, caller, key)) is not None:
            return version
        if person_id not in team.members and person_id != organiser_id and not caller.actor.is_operator:
            raise NotFound("There is no such member.")
        session.append(TEAM, key, *team.join(organiser_id, person_id, role, session.now))
        _be(session, organiser_id, person_id, role)
        return session.version(key)

    return repository.execute(command, caller.origin)


def remove_member(repository: Repository, caller: Caller, organiser_id: UUID, person_id: UUID) -> int:
    """Remove a member, who is refused within a minute; anybody may leave. Return the team's version.

    Raises Forbidden, OwnerNeeded, NotFound, PreconditionFailed or FoundingOwner.
    """
    if person_id != caller.actor.id:
        caller.actor.ensure_owns(organiser_id)
    key = team_id(organiser_id)

    def command(session: Session) -> int:
        team = session.load(TEAM, key)
        if (version := done_before(session, caller, key)) is not None:
            return version
        session.append(TEAM, key, *team.leave(person_id, session.now))
        session.append(ACCOUNT, person_id, *session.load(ACCOUNT, person_id).leave(organiser_id, session.now))
        return session.version(key)

    return repository.execute(command, caller.origin)


def find_team(repository: Repository, organiser_id: UUID) -> tuple[Team, int]:
    """Return the team as it is now, and its version, which is -1 while the organiser is alone. It costs one read."""
    return repository.load(TEAM, team_id(organiser_id))


def leave_all_teams(session: Session, person_id: UUID) -> None:
    """Take a person who is being erased out of every team."""
    account = session.load(ACCOUNT, person_id)
    of_doors = (place.organiser_id for place in account.doors if place.organiser_id is not None)
    for organiser_id in {*account.teams, *of_doors}:
        team = session.load(TEAM, team_id(organiser_id))
        if person_id in team.members:
            session.append(TEAM, team_id(organiser_id), *team.leave(person_id, session.now))


def _be(
    session: Session, organiser_id: UUID, person_id: UUID, role: TeamRole, invitation_id: UUID | None = None
) -> None:
    """Grant in the person's account what a member with the role may do."""
    account = session.load(ACCOUNT, person_id)
    session.append(ACCOUNT, person_id, *account.join(organiser_id, role, session.now, invitation_id))
