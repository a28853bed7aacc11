"""Finds what is granted to the caller of one request, with one read of the log at most."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Protocol
from uuid import UUID

from chalicelib.platform.caller import Actor, Grants, KeyGrant, Role, TeamRole


class Grantor(Protocol):
    """Knows what the log grants to people."""

    def known_teams(self, person_id: UUID) -> Mapping[UUID, TeamRole]: ...

    def grants_of(self, person_id: UUID) -> Grants: ...

    def ensure_enabled(self, person_id: UUID) -> None: ...

    def note_use(self, key_id: UUID, key: KeyGrant) -> None: ...


class CallerStanding:
    """Says for whom the caller works: as this container has known it for a minute, or as the log has it now."""

    def __init__(self, person_id: UUID, grantor: Grantor, spend: Callable[[], None]) -> None:
        self._person_id = person_id
        self._grantor = grantor
        self._spend = spend

    @cached_property
    def granted(self) -> Grants:
        """Return what holds now. Raises Unavailable or TooMuchToRead."""
        self._spend()
        return self._grantor.grants_of(self._person_id)

    @property
    def known(self) -> Mapping[UUID, TeamRole]:
        if "granted" in self.__dict__:
            return self.granted.teams
        return self._grantor.known_teams(self._person_id)

    def read(self) -> Mapping[UUID, TeamRole]:
        """Return the organisers for which the person works now; an organiser works for itself."""
        own = {self._person_id: TeamRole.OWNER} if Role.ORGANISER in self.granted.roles else {}
        return {**self.granted.teams, **own}


def account_of(actor: Actor) -> UUID:
    """Return whose account counts: the person's, or that of the organiser whose API key this is."""
    return actor.id if actor.key is None else actor.key.organiser_id
