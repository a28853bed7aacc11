"""Declares the routes of an organiser's API keys."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import AfterValidator, Field

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.paging import page_of
from chalicelib.platform.http.requests import Body, Line, Query
from chalicelib.platform.http.routes import Answer, Call, Routes, created, no_content, ok
from chalicelib.platform.services import Services
from chalicelib.shop.access import key_commands as commands
from chalicelib.shop.access.api_key import NewKey
from chalicelib.shop.access.team_commands import find_team

if TYPE_CHECKING:
    from chalicelib.shop.access.key_use import KeyUse


class KeyServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def key_use(self) -> "KeyUse": ...


routes: Routes[KeyServices] = Routes(__name__)


def _each_once(scopes: tuple[KeyScope, ...]) -> tuple[KeyScope, ...]:
    if len(set(scopes)) < len(scopes):
        raise ValueError("must name each scope once")
    return scopes


ScopeName = Annotated[KeyScope, Field(strict=False)]
KeyDays = Annotated[int, Field(ge=1, le=730)]


class NewApiKey(Body):
    name: Line
    scopes: Annotated[
        tuple[ScopeName, ...], Field(strict=False, min_length=1, max_length=len(KeyScope)), AfterValidator(_each_once)
    ]
    expires_in_days: KeyDays = 365


@routes.post("/organisers/{organiser_id}/api-keys", Role.ORGANISER)
def create_api_key(call: Call[KeyServices]) -> Answer:
    """Make an API key; nobody can be told it later."""
    body, shop, organiser_id = call.body(NewApiKey), call.shop, call.id("organiser_id")
    new = NewKey(body.name, body.scopes, shop.clock() + timedelta(days=body.expires_in_days))
    made = commands.create_key(shop.repository, call.caller(body), organiser_id, new)
    answer = {
        "id": str(made.id),
        "key": made.text,
        "name": body.name,
        "scopes": list(body.scopes),
        "expires_at": format_instant(made.expires_at),
        "version": 0,
    }
    return created(answer, f"/organisers/{organiser_id}/api-keys/{made.id}")


@routes.get("/organisers/{organiser_id}/api-keys", Role.ORGANISER)
def list_api_keys(call: Call[KeyServices]) -> Answer:
    """List the keys that were not revoked, without their secrets; `last_used_at` is right to the hour."""
    call.query(Query)
    shop, organiser_id = call.shop, call.id("organiser_id")
    call.actor.ensure_owns(organiser_id)
    team, version = find_team(shop.repository, organiser_id)
    used = shop.key_use.last_used(organiser_id) if team.keys else {}
    items = [
        {
            "id": str(key_id),
            "name": listed.key.name,
            "scopes": list(listed.key.scopes),
            "created_at": format_instant(listed.created_at),
            "expires_at": format_instant(listed.key.expires_at),
            "last_used_at": format_instant(used[key_id]) if key_id in used else None,
        }
        for key_id, listed in team.keys.items()
    ]
    return ok(page_of(items, None), version if version >= 0 else None)


@routes.delete("/organisers/{organiser_id}/api-keys/{key_id}", Role.ORGANISER)
def revoke_api_key(call: Call[KeyServices]) -> Answer:
    organiser_id, key_id = call.id("organiser_id"), call.id("key_id")
    return no_content(commands.revoke_key(call.shop.repository, call.caller(), organiser_id, key_id))
