"""Describes a caller: the person, the roles, and the request."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from chalicelib.platform.errors import Forbidden

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


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller. `id` is the token's `sub` where that is a UUID, and a UUIDv5 of it otherwise."""

    id: UUID
    roles: frozenset[Role]

    @property
    def is_guest(self) -> bool:
        return is_guest(self.id)

    @classmethod
    def of(cls, subject: str, groups: list[str]) -> "Actor":
        roles = {Role(group) for group in groups if group in set(Role)}
        return cls(person_id(subject), frozenset(roles | {Role.CUSTOMER}))

    def manages(self, owner_id: UUID | None) -> bool:
        """Tell whether this person manages a stream: its owner does, and operators manage every stream.

        Only operators manage imported streams without an owner.
        """
        return self.id == owner_id or Role.OPERATOR in self.roles

    def ensure_manages(self, owner_id: UUID | None) -> None:
        """Check that this person manages the stream of this owner.

        Raises Forbidden.
        """
        if not self.manages(owner_id):
            raise Forbidden("This belongs to another organiser.")


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """Identifies a request: what it creates gets `id`, and `request_hash` tells a repeated body from another one."""

    id: UUID
    request_hash: str


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
