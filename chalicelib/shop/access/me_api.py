"""Declares the route by which callers see who they are, and what they may do."""

from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from chalicelib.platform.caller import KeyGrant, KeyScope, Role, TeamRole
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.answers import Ok, ok
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.access.commands import Accounts
from chalicelib.shop.access.doors import DoorHours, Place

if TYPE_CHECKING:
    from chalicelib.shop.access.answers import Machine, OwnDoor, Person


class MeServices(Services, Protocol):
    """Declares what this route uses of the container."""

    @property
    def accounts(self) -> Accounts: ...


routes: Routes[MeServices] = Routes(__name__)


@routes.get("/me", Role.CUSTOMER, scopes=tuple(KeyScope))
def who_am_i(call: Call[MeServices]) -> "Ok[Person | Machine]":
    """Tell a person its roles, organisers and doors, and a machine whose API key it has."""
    actor = call.actor
    if actor.key is not None:
        return ok(_machine(actor.id, actor.key))
    call.budget.spend()
    account = call.shop.accounts.read(actor.id)
    roles = actor.roles | account.roles if call.may_be_staff else actor.roles
    own = {actor.id: TeamRole.OWNER} if Role.ORGANISER in roles else {}
    teams = account.teams if call.may_be_staff else {}
    organisers = [*own.items(), *sorted(teams.items())]
    person: Person = {
        "kind": "person",
        "id": str(actor.id),
        "roles": sorted(roles),
        "second_factor_needed": not call.may_be_staff,
        "organisers": [{"organiser_id": str(organiser_id), "role": role} for organiser_id, role in organisers],
        "doors": [_door(place, hours) for place, hours in account.doors.items()],
    }
    return ok(person)


def _machine(key_id: UUID, key: KeyGrant) -> "Person | Machine":
    return {
        "kind": "api_key",
        "id": str(key_id),
        "organiser_id": str(key.organiser_id),
        "scopes": sorted(key.scopes),
    }


def _door(place: Place, hours: DoorHours) -> "OwnDoor":
    return {
        "concert_id": None if place.concert_id is None else str(place.concert_id),
        "organiser_id": None if place.organiser_id is None else str(place.organiser_id),
        "opens_at": None if hours.opens_at is None else format_instant(hours.opens_at),
        "closes_at": None if hours.closes_at is None else format_instant(hours.closes_at),
    }
