"""Describes a caller: the person, the roles, and the request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol
from uuid import UUID, uuid5

from chalicelib.platform.errors import Forbidden, InvalidInput

if TYPE_CHECKING:
    from chalicelib.platform.eventsourcing.codec import Origin

_PERSONS = UUID("0c8a1d3e-64f5-4b0b-9d0f-6c1f2f4f8b7a")
_GUESTS = 0x67756573_0000_8000_8000_000000000000
_OF_GUESTS = 0xFFFFFFFF_0000_F000_C000_000000000000
"""The bits that say that an id is of a guest: a UUID of version 8 that begins with the letters `gues`."""


class Role(StrEnum):
    """The groups that matter here; the values are those of `cognito:groups`. Whoever has a token is a customer."""

    CUSTOMER = "customers"
    ORGANISER = "organisers"
    DOOR = "door"
    OPERATOR = "operators"


class TeamRole(StrEnum):
    """What a member is to an organiser. Owners may do everything; a member for the door lets people in (ADR 36)."""

    OWNER = "owner"
    STAFF = "staff"
    DOOR = "door"


class KeyScope(StrEnum):
    """What an API key may be made for. A route names those of which a key needs one (ADR 65)."""

    CONCERTS_WRITE = "concerts:write"
    SALES_READ = "sales:read"
    ATTENDEES_READ = "attendees:read"
    DOOR = "door"


class OwnerNeeded(Forbidden):
    """Only owners of the organiser, or operators, may do this."""

    code = "owner_needed"


class Teams(Protocol):
    """Says for which organisers a person works, as an owner or as staff (ADR 64)."""

    @property
    def known(self) -> Mapping[UUID, TeamRole]:
        """Return what is known without asking, at most a minute old; it says nothing of the person's own streams."""

    def read(self) -> Mapping[UUID, TeamRole]:
        """Return what holds now, asked at most once a request. Raises Unavailable or TooMuchToRead."""


@dataclass(frozen=True, slots=True)
class Grants:
    """Holds what the log grants a person: roles, and the organisers for which the person works."""

    roles: frozenset[Role] = frozenset()
    teams: Mapping[UUID, TeamRole] = field(default_factory=dict)
    is_disabled: bool = False
    is_erased: bool = False


class _NoTeams:
    known: Mapping[UUID, TeamRole] = MappingProxyType({})

    def read(self) -> Mapping[UUID, TeamRole]:
        return self.known


NO_TEAMS: Teams = _NoTeams()


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """Says whose API key a caller is, and what the key may do."""

    organiser_id: UUID
    scopes: frozenset[KeyScope]


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller. `id` is the token's `sub` where that is a UUID, and a UUIDv5 of it otherwise; or an API key's."""

    id: UUID
    roles: frozenset[Role]
    key: KeyGrant | None = None
    teams: Teams = field(default=NO_TEAMS, compare=False, repr=False)

    @property
    def is_guest(self) -> bool:
        return is_guest(self.id)

    @classmethod
    def of(cls, subject: str, groups: list[str]) -> "Actor":
        roles = {Role(group) for group in groups if group in set(Role)}
        return cls(person_id(subject), frozenset(roles | {Role.CUSTOMER}))

    @classmethod
    def of_key(cls, key_id: UUID, key: KeyGrant) -> "Actor":
        """Return the caller that has this API key: no person, and without any role."""
        return cls(key_id, frozenset(), key)

    @property
    def is_operator(self) -> bool:
        return Role.OPERATOR in self.roles

    def has(self, scope: KeyScope) -> bool:
        """Tell whether an API key has the scope; persons need none."""
        return self.key is None or scope in self.key.scopes

    def works_for(self, organiser_id: UUID | None) -> bool:
        """Tell whether this is the organiser, an owner or staff of it, or its API key. It asks before it says no."""
        if self.key is not None:
            return organiser_id == self.key.organiser_id
        return organiser_id is not None and self._role_in(organiser_id) is not None

    def manages(self, owner_id: UUID | None) -> bool:
        """Tell whether this caller manages a stream: who works for its organiser does, and operators manage every one.

        Only operators manage imported streams without an owner.
        """
        return self.is_operator or self.works_for(owner_id)

    def ensure_manages(self, owner_id: UUID | None) -> None:
        """Check that this caller manages the stream of this owner.

        Raises Forbidden.
        """
        if not self.manages(owner_id):
            raise Forbidden("This belongs to another organiser.")

    def owns(self, organiser_id: UUID) -> bool:
        """Tell whether this person decides for the organiser about members, API keys and money, or is an operator."""
        return self.is_operator or (self.key is None and self._role_in(organiser_id) is TeamRole.OWNER)

    def ensure_owns(self, organiser_id: UUID | None) -> None:
        """Check that this person decides for the organiser about members, API keys and money, or is an operator.

        Raises Forbidden or OwnerNeeded.
        """
        self.ensure_manages(organiser_id)
        if organiser_id is not None and not self.owns(organiser_id):
            raise OwnerNeeded("This is for the owners of the organiser only.")

    def organiser(self, named: UUID | None, pointer: str = "#/organiser_id") -> UUID:
        """Return for whom this caller acts: who is named, oneself, or the only organiser that one works for.

        Raises:
            Forbidden: another organiser is named.
            InvalidInput: the caller works for several organisers and names none.
        """
        if named is not None:
            self.ensure_manages(named)
            return named
        if self.key is not None:
            return self.key.organiser_id
        if self.roles & {Role.ORGANISER, Role.OPERATOR}:
            return self.id
        teams = self.teams.read()
        if self.id in teams or not teams:
            return self.id
        if len(teams) > 1:
            organisers = sorted(map(str, teams))
            raise InvalidInput("Name the organiser for whom this is.", ((pointer, "is needed"),), organisers=organisers)
        return next(iter(teams))

    def _role_in(self, organiser_id: UUID) -> TeamRole | None:
        if organiser_id == self.id and Role.ORGANISER in self.roles:
            return TeamRole.OWNER
        return self.teams.known.get(organiser_id) or self.teams.read().get(organiser_id)


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """Identifies a request: what it creates gets `id`, and `request_hash` tells a repeated body from another one.

    Only a request to which the client gave an `Idempotency-Key` can come again, with the same cause: it
    `is_repeatable`.
    """

    id: UUID
    request_hash: str
    is_repeatable: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """One request of one actor. `expected_version` is the version that the caller has seen, if it says so."""

    actor: Actor
    origin: "Origin"
    request: RequestIdentity
    expected_version: int | None = None


def is_guest(person_id: UUID) -> bool:
    """Tell whether this is the id of a guest, which no other person has (ADR 62)."""
    return person_id.int & _OF_GUESTS == _GUESTS


def guest_id(bits: int) -> UUID:
    """Return the id of the guest of these random bits, of which 90 count."""
    return UUID(int=bits & ~_OF_GUESTS & 2**128 - 1 | _GUESTS)


def person_id(subject: str) -> UUID:
    """Return the id under which the log knows the person of a token's `sub`."""
    try:
        return UUID(subject)
    except ValueError:
        return uuid5(_PERSONS, subject)
