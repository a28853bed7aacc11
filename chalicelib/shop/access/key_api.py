"""Declares the routes of an organiser's API keys."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import AfterValidator, Field

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.answers import Created, NoContent, Ok, Tagged, created, no_content
from chalicelib.platform.http.paging import page_of
from chalicelib.platform.http.requests import EACH_ONCE, WHOLE, Body, Line
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.access import key_commands as commands
from chalicelib.shop.access.api_key import NewKey
from chalicelib.shop.access.team_api import of_version
from chalicelib.shop.access.team_commands import find_team

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Items
    from chalicelib.shop.access.answers import ListedApiKey, MadeApiKey
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
KeyDays = Annotated[int, Field(ge=1, le=730), WHOLE]


class NewApiKey(Body):
    name: Line
    scopes: Annotated[
        tuple[ScopeName, ...],
        Field(strict=False, min_length=1, max_length=len(KeyScope), json_schema_extra=EACH_ONCE),
        AfterValidator(_each_once),
    ]
    expires_in_days: KeyDays = 365


@routes.post("/organisers/{organiser_id}/api-keys", Role.ORGANISER, refuses=("owner_needed", "team_full"))
def create_api_key(call: Call[KeyServices], body: NewApiKey) -> "Created[MadeApiKey]":
    """Make an API key, for owners; nobody can be told it later."""
    shop, organiser_id = call.shop, call.id("organiser_id")
    new = NewKey(body.name, body.scopes, shop.clock() + timedelta(days=body.expires_in_days))
    made = commands.create_key(shop.repository, call.caller(), organiser_id, new)
    answer: MadeApiKey = {
        "id": str(made.id),
        "key": made.text,
        "name": body.name,
        "scopes": list(body.scopes),
        "expires_at": format_instant(made.expires_at),
        "version": 0,
    }
    return created(answer, f"/organisers/{organiser_id}/api-keys/{made.id}")


@routes.get("/organisers/{organiser_id}/api-keys", Role.ORGANISER, refuses=("owner_needed",))
def list_api_keys(call: Call[KeyServices]) -> "Ok[Items[ListedApiKey]] | Tagged[Items[ListedApiKey]]":
    """List the API keys that were not revoked, for owners; without their secrets."""
    shop, organiser_id = call.shop, call.id("organiser_id")
    call.actor.ensure_owns(organiser_id)
    team, version = find_team(shop.repository, organiser_id)
    used = shop.key_use.last_used(organiser_id) if team.keys else {}
    items: list[ListedApiKey] = [
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
    return of_version(page_of(items, None), version)


@routes.delete("/organisers/{organiser_id}/api-keys/{key_id}", Role.ORGANISER, refuses=("owner_needed",))
def revoke_api_key(call: Call[KeyServices]) -> NoContent:
    """Revoke an API key, for owners; it is refused within a minute."""
    organiser_id, key_id = call.id("organiser_id"), call.id("key_id")
    return no_content(commands.revoke_key(call.shop.repository, call.caller(), organiser_id, key_id))
