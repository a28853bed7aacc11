"""Declares the route by which callers see who they are, and what they may do."""

from typing import Any, Protocol

from chalicelib.platform.caller import KeyScope, Role, TeamRole
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.requests import Query
from chalicelib.platform.http.routes import Answer, Call, Routes, ok
from chalicelib.platform.services import Services
from chalicelib.shop.access.commands import Accounts
from chalicelib.shop.access.doors import DoorHours, Place


class MeServices(Services, Protocol):
    """Declares what this route uses of the container."""

    @property
    def accounts(self) -> Accounts: ...


routes: Routes[MeServices] = Routes(__name__)


@routes.get("/me", Role.CUSTOMER, scopes=tuple(KeyScope))
def who_am_i(call: Call[MeServices]) -> Answer:
    """Tell a person its roles, organisers and doors, and the holder of an API key whose key it is."""
    call.query(Query)
    actor = call.actor
    if actor.key is not None:
        of_key = {"organiser_id": str(actor.key.organiser_id), "scopes": sorted(actor.key.scopes)}
        return ok({"kind": "api_key", "id": str(actor.id), **of_key})
    call.budget.spend()
    account = call.shop.accounts.read(actor.id)
    roles = actor.roles | account.roles if call.may_be_staff else actor.roles
    teams = account.teams if call.may_be_staff else {}
    own = [(actor.id, TeamRole.OWNER)] if Role.ORGANISER in roles else []
    body: dict[str, Any] = {
        "kind": "person",
        "id": str(actor.id),
        "roles": sorted(roles),
        "second_factor_needed": not call.may_be_staff,
        "organisers": [{"organiser_id": str(key), "role": role} for key, role in [*own, *sorted(teams.items())]],
        "doors": [_door(place, hours) for place, hours in account.doors.items()],
    }
    return ok(body)


def _door(place: Place, hours: DoorHours) -> dict[str, str | None]:
    instants = {"opens_at": hours.opens_at, "closes_at": hours.closes_at}
    return {
        "concert_id": None if place.concert_id is None else str(place.concert_id),
        "organiser_id": None if place.organiser_id is None else str(place.organiser_id),
        **{name: None if at is None else format_instant(at) for name, at in instants.items()},
    }
