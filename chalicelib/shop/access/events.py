"""What can happen to an account."""

from chalicelib.platform.caller import Role
from chalicelib.platform.eventsourcing.event import Event, Instant


class AccountEvent(Event, aggregate="Account"):
    """A fact about one person's account; its stream has the person's id."""


class RoleGranted(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.RoleGrantedEvent"):
    role: Role
    at: Instant


class RoleRevoked(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.RoleRevokedEvent"):
    role: Role
    at: Instant


class PersonErased(AccountEvent, stored_as="Cloudbash.Domain.Access.Events.PersonErasedEvent"):
    """The person's key was destroyed: what it sealed can be read no more, wherever it lies."""

    at: Instant


class UserCreatedByTheOriginal(AccountEvent, stored_as="Cloudbash.Domain.Users.Events.UserCreatedEvent"):
    """A user of the original. Its name and e-mail address stand there in clear and are not taken over."""


class UserAuthenticatedByTheOriginal(AccountEvent, stored_as="Cloudbash.Domain.Users.Events.UserAuthenticatedEvent"):
    """Read, never written."""
