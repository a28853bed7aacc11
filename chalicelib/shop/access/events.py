"""Defines the events of a person's account."""

from uuid import UUID

from chalicelib.platform.caller import Role
from chalicelib.platform.eventsourcing.event import Event, Instant


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
    schedule. It replaces what was granted for the same concert or organiser before.
    """

    concert_id: UUID | None = None
    organiser_id: UUID | None = None
    opens_at: Instant | None = None
    closes_at: Instant | None = None
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


class UserCreatedByTheOriginal(AccountEvent, stored_as="Cloudbash.Domain.Users.Events.UserCreatedEvent"):
    """Records that the original Cloudbash created a user.

    It is read and never written. The original stored name and e-mail address in clear; they are not taken over.
    """


class UserAuthenticatedByTheOriginal(AccountEvent, stored_as="Cloudbash.Domain.Users.Events.UserAuthenticatedEvent"):
    """Records that a user signed in to the original Cloudbash.

    The event exists in logs of the original only: it is read and never written.
    """
