"""Defines the events of a person's account, of an organiser's team, and of an API key."""

from uuid import UUID

from chalicelib.platform.caller import KeyScope, Role, TeamRole
from chalicelib.platform.eventsourcing.event import Event, Instant
from chalicelib.platform.privacy.sealed import Sealed


class AccountEvent(Event, aggregate="Account"):
    """Base of the events of one account, whose stream has the person's id."""


class RoleGranted(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.RoleGrantedEvent"):
    """Records that an operator granted the person a role."""

    role: Role
    at: Instant


class RoleRevoked(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.RoleRevokedEvent"):
    """Records that an operator took a granted role away from the person."""

    role: Role
    at: Instant


class DoorGranted(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.DoorGrantedEvent"):
    """Records that the person may check tickets in at one concert, or at all concerts of one organiser.

    Exactly one of `concert_id` and `organiser_id` is set. An end of the hours that is None follows each concert's
    schedule. It replaces what was granted for the same concert or organiser before. A supervisor may let people in whom
    the rules refuse, and says why. `invitation_id` is the invitation that the person has accepted, if there was one.
    """

    concert_id: UUID | None = None
    organiser_id: UUID | None = None
    opens_at: Instant | None = None
    closes_at: Instant | None = None
    is_supervisor: bool = False
    invitation_id: UUID | None = None
    at: Instant


class DoorRevoked(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.DoorRevokedEvent"):
    """Records that the person may no longer check tickets in there."""

    concert_id: UUID | None = None
    organiser_id: UUID | None = None
    at: Instant


class AccountDisabled(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.AccountDisabledEvent"):
    """Records that an operator disabled the account, so that its tokens are refused.

    Its roles and doors stay as they are, and count again once it is enabled.
    """

    reason: str
    at: Instant


class AccountEnabled(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.AccountEnabledEvent"):
    """Records that an operator enabled the account again."""

    at: Instant


class GuestJoined(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.GuestJoinedEvent"):
    """Records that an order of this guest was joined to the account: the guest is the person of the account.

    Whoever erases the person erases the guest too.
    """

    guest_id: UUID
    at: Instant


class PersonErased(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.PersonErasedEvent"):
    """Records that the person's data key was destroyed.

    Whatever the key sealed can no longer be read, wherever it is stored.
    """

    at: Instant


class TeamJoined(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.TeamJoinedEvent"):
    """Records that the person works for an organiser, as an owner or as staff.

    It replaces what the person was to the same organiser before. Who only lets people in has a `DoorGranted` instead.
    """

    organiser_id: UUID
    role: TeamRole
    invitation_id: UUID | None = None
    at: Instant


class TeamLeft(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.TeamLeftEvent"):
    """Records that the person works for the organiser no longer."""

    organiser_id: UUID
    at: Instant


class UserCreatedByTheOriginal(AccountEvent, stored_as="Cloudbash.Domain.Users.Events.UserCreatedEvent"):
    """Records that the original Cloudbash created a user.

    It is read and never written. The original stored name and e-mail address in clear; they are not taken over.
    """


class UserAuthenticatedByTheOriginal(AccountEvent, stored_as="Cloudbash.Domain.Users.Events.UserAuthenticatedEvent"):
    """Records that a user signed in to the original Cloudbash.

    The event exists in logs of the original only: it is read and never written.
    """


class TeamEvent(Event, aggregate="Team"):
    """Base of the events of one organiser's team: members, invitations, and the list of API keys."""


class MemberInvited(TeamEvent, stored_as="Cloudbash.Domain.Access.Events.MemberInvitedEvent"):
    """Records that an owner invited somebody by e-mail.

    The address is sealed with a key of the invitation's own. Of the invitation's secret only the hash is stored.
    """

    organiser_id: UUID
    invitation_id: UUID
    role: TeamRole
    email: Sealed
    secret_hash: str
    expires_at: Instant
    request_hash: str = ""
    at: Instant


class InvitationRevoked(TeamEvent, stored_as="Cloudbash.Domain.Access.Events.InvitationRevokedEvent"):
    """Records that nobody can accept the invitation any more."""

    invitation_id: UUID
    at: Instant


class MemberJoined(TeamEvent, stored_as="Cloudbash.Domain.Access.Events.MemberJoinedEvent"):
    """Records that a person is a member with this role, which replaces an earlier one.

    `invitation_id` is the invitation that the person has accepted, if there was one.
    """

    organiser_id: UUID
    person_id: UUID
    role: TeamRole
    invitation_id: UUID | None = None
    at: Instant


class MemberLeft(TeamEvent, stored_as="Cloudbash.Domain.Access.Events.MemberLeftEvent"):
    """Records that the person is a member no longer, by whoever's wish."""

    person_id: UUID
    at: Instant


class ApiKeyListed(TeamEvent, stored_as="Cloudbash.Domain.Access.Events.ApiKeyListedEvent"):
    """Records that the organiser has an API key, whose own stream begins in the same commit."""

    organiser_id: UUID
    key_id: UUID
    name: str
    scopes: tuple[KeyScope, ...]
    expires_at: Instant
    at: Instant


class ApiKeyUnlisted(TeamEvent, stored_as="Cloudbash.Domain.Access.Events.ApiKeyUnlistedEvent"):
    """Records that the organiser has revoked an API key."""

    key_id: UUID
    at: Instant


class ApiKeyEvent(Event, aggregate="ApiKey"):
    """Base of the events of one API key: what a request with the key needs to read, and no more."""


class ApiKeyCreated(ApiKeyEvent, stored_as="Cloudbash.Domain.Access.Events.ApiKeyCreatedEvent"):
    """Records that an owner made an API key for a machine. Of its secret only the hash is stored."""

    organiser_id: UUID
    scopes: tuple[KeyScope, ...]
    secret_hash: str
    expires_at: Instant
    request_hash: str = ""
    at: Instant


class ApiKeyRevoked(ApiKeyEvent, stored_as="Cloudbash.Domain.Access.Events.ApiKeyRevokedEvent"):
    """Records that the API key is refused from now on."""

    at: Instant
