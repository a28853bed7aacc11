"""Defines an organiser's team: its members, its invitations, and the list of its API keys.

The organiser's id is that of the person who founded it, who is an owner for good and is not listed.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID, uuid5

from chalicelib.platform.caller import TeamRole
from chalicelib.platform.errors import Expired, IdempotencyKeyReused, NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.access.api_key import NewKey
from chalicelib.shop.access.events import (
    ApiKeyListed,
    ApiKeyUnlisted,
    InvitationRevoked,
    MemberInvited,
    MemberJoined,
    MemberLeft,
)

MOST_INVITATIONS = 100
"""The invitations that a team remembers: until they would have expired, so that a repeated request finds its own."""

MOST_KEYS = 20
MOST_MEMBERS = 500


class InvitationExpired(Expired):
    """The invitation has expired, or was revoked."""

    code = "invitation_expired"


class InvitationUsed(RuleViolated):
    """Another person has accepted the invitation."""

    code = "invitation_used"


class FoundingOwner(RuleViolated):
    """The organiser is this person, who is an owner for good."""

    code = "founding_owner"


class TeamFull(RuleViolated):
    """The team has as many invitations, members or API keys as it may have."""

    code = "team_full"
    fact_types = facts(limit="int")


@dataclass(frozen=True, slots=True)
class Invitation:
    role: TeamRole
    email: Sealed
    secret_hash: str
    expires_at: datetime
    request_hash: str = ""
    accepted_by: UUID | None = None
    is_revoked: bool = False

    def is_open(self, now: datetime) -> bool:
        return self.accepted_by is None and not self.is_revoked and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Member:
    """`email` is the address to which the member was invited."""

    role: TeamRole
    since: datetime
    email: Sealed | None = None


@dataclass(frozen=True, slots=True)
class ListedKey:
    key: NewKey
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Team:
    organiser_id: UUID | None = None
    members: Mapping[UUID, Member] = field(default_factory=dict)
    invitations: Mapping[UUID, Invitation] = field(default_factory=dict)
    keys: Mapping[UUID, ListedKey] = field(default_factory=dict)

    def invite(self, organiser_id: UUID, invitation_id: UUID, invitation: Invitation, now: datetime) -> list[Event]:
        """Invite somebody; the same request again changes nothing.

        Raises:
            IdempotencyKeyReused: another request made this invitation.
            TeamFull: there are too many invitations.
        """
        known = self.invitations.get(invitation_id)
        if known is not None:
            if known.request_hash != invitation.request_hash:
                raise IdempotencyKeyReused
            return []
        remembered = [one for one in self.invitations.values() if now < one.expires_at]
        if len(remembered) >= MOST_INVITATIONS:
            raise TeamFull("The team has too many invitations; some must expire first.", limit=MOST_INVITATIONS)
        invited = MemberInvited(
            organiser_id=organiser_id,
            invitation_id=invitation_id,
            role=invitation.role,
            email=invitation.email,
            secret_hash=invitation.secret_hash,
            expires_at=invitation.expires_at,
            request_hash=invitation.request_hash,
            at=now,
        )
        return [invited]

    def revoke_invitation(self, invitation_id: UUID, now: datetime) -> list[Event]:
        """Revoke an invitation; revoking it again changes nothing.

        Raises:
            NotFound: there is none, or somebody has accepted it.
        """
        invitation = self.invitations.get(invitation_id)
        if invitation is None or invitation.accepted_by is not None:
            raise NotFound("There is no such invitation.")
        return [] if invitation.is_revoked else [InvitationRevoked(invitation_id=invitation_id, at=now)]

    def accept(
        self, organiser_id: UUID, invitation_id: UUID, secret_hash: str, person_id: UUID, now: datetime
    ) -> list[Event]:
        """Let who has the secret join; the same person accepting again changes nothing.

        Raises:
            NotFound: there is no such invitation, or the secret is another one.
            InvitationExpired: it has expired, or was revoked.
            InvitationUsed: another person has accepted it.
            FoundingOwner: the person is the organiser.
        """
        invitation = self.invitations.get(invitation_id)
        if invitation is None or not hmac.compare_digest(invitation.secret_hash, secret_hash):
            raise NotFound("There is no such invitation.")
        if invitation.accepted_by == person_id:
            return []
        if invitation.accepted_by is not None:
            raise InvitationUsed("Another person has accepted this invitation.")
        if not invitation.is_open(now):
            raise InvitationExpired("The invitation has expired or was revoked.")
        return self._joined(organiser_id, person_id, invitation.role, invitation_id, now)

    def join(self, organiser_id: UUID, person_id: UUID, role: TeamRole, now: datetime) -> list[Event]:
        """Let a person be a member with this role; it changes nothing for who has it.

        Raises:
            FoundingOwner: the person is the organiser.
            TeamFull: there are too many members.
        """
        known = self.members.get(person_id)
        if known is not None and known.role is role:
            return []
        return self._joined(organiser_id, person_id, role, None, now)

    def join_for_the_door(self, organiser_id: UUID, person_id: UUID, now: datetime) -> list[Event]:
        """List a person who was granted the organiser's doors, unless it is a member, or the organiser, anyway."""
        is_listed = person_id in self.members or person_id == organiser_id
        return [] if is_listed else self.join(organiser_id, person_id, TeamRole.DOOR, now)

    def leave_the_door(self, person_id: UUID, now: datetime) -> list[Event]:
        """Unlist a person whose doors were revoked, unless it is more than that."""
        member = self.members.get(person_id)
        return [MemberLeft(person_id=person_id, at=now)] if member and member.role is TeamRole.DOOR else []

    def leave(self, person_id: UUID, now: datetime) -> list[Event]:
        """Let a member leave.

        Raises:
            FoundingOwner: the person is the organiser.
            NotFound: there is no such member.
        """
        if person_id == self.organiser_id:
            raise FoundingOwner("The organiser itself stays an owner.")
        if person_id not in self.members:
            raise NotFound("There is no such member.")
        return [MemberLeft(person_id=person_id, at=now)]

    def list_key(self, organiser_id: UUID, key_id: UUID, new: NewKey, now: datetime) -> list[Event]:
        """List an API key that is being made.

        Raises:
            TeamFull: there are too many keys.
        """
        if sum(now < one.key.expires_at for one in self.keys.values()) >= MOST_KEYS:
            raise TeamFull("The organiser has too many API keys; revoke some.", limit=MOST_KEYS)
        listed = ApiKeyListed(
            organiser_id=organiser_id,
            key_id=key_id,
            name=new.name,
            scopes=new.scopes,
            expires_at=new.expires_at,
            at=now,
        )
        return [listed]

    def unlist_key(self, key_id: UUID, now: datetime) -> list[Event]:
        """Take a revoked API key off the list; doing it again changes nothing."""
        return [ApiKeyUnlisted(key_id=key_id, at=now)] if key_id in self.keys else []

    def _joined(
        self, organiser_id: UUID, person_id: UUID, role: TeamRole, invitation_id: UUID | None, now: datetime
    ) -> list[Event]:
        if person_id == organiser_id:
            raise FoundingOwner("The organiser itself is an owner already.")
        if person_id not in self.members and len(self.members) >= MOST_MEMBERS:
            raise TeamFull("The team has too many members.", limit=MOST_MEMBERS)
        joined = MemberJoined(
            organiser_id=organiser_id, person_id=person_id, role=role, invitation_id=invitation_id, at=now
        )
        return [joined]


def evolve(team: Team, event: Event) -> Team:
    match event:
        case MemberInvited():
            invitation = Invitation(event.role, event.email, event.secret_hash, event.expires_at, event.request_hash)
            kept = {key: one for key, one in team.invitations.items() if event.at < one.expires_at}
            invitations = {**kept, event.invitation_id: invitation}
            return replace(team, organiser_id=event.organiser_id, invitations=invitations)
        case InvitationRevoked():
            return _with_invitation(team, event.invitation_id, lambda one: replace(one, is_revoked=True))
        case MemberJoined():
            members = {**team.members, event.person_id: _member(team, event)}
            joined = replace(team, organiser_id=event.organiser_id, members=members)
            return _with_invitation(joined, event.invitation_id, lambda one: replace(one, accepted_by=event.person_id))
        case MemberLeft():
            return replace(team, members={key: one for key, one in team.members.items() if key != event.person_id})
        case ApiKeyListed():
            listed = ListedKey(NewKey(event.name, event.scopes, event.expires_at), event.at)
            kept_keys = {key: one for key, one in team.keys.items() if event.at < one.key.expires_at}
            return replace(team, organiser_id=event.organiser_id, keys={**kept_keys, event.key_id: listed})
        case ApiKeyUnlisted():
            return replace(team, keys={key: one for key, one in team.keys.items() if key != event.key_id})
    return team


def _member(team: Team, event: MemberJoined) -> Member:
    """Return the member; who joined again keeps the date, and the address unless there is a new one."""
    known = team.members.get(event.person_id) or Member(event.role, event.at)
    invitation = None if event.invitation_id is None else team.invitations.get(event.invitation_id)
    return replace(known, role=event.role, email=known.email if invitation is None else invitation.email)


def _with_invitation(team: Team, invitation_id: UUID | None, change: Callable[[Invitation], Invitation]) -> Team:
    if invitation_id is None or invitation_id not in team.invitations:
        return team
    changed = change(team.invitations[invitation_id])
    return replace(team, invitations={**team.invitations, invitation_id: changed})


def team_id(organiser_id: UUID) -> UUID:
    """Return the id of the stream of an organiser's team; without events the team is the organiser alone."""
    return uuid5(organiser_id, "team")


TEAM = Aggregate("Team", Team(), evolve, owner=lambda team: team.organiser_id)
