"""Declares the routes of a concert's areas, whose stock its ticket types share."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.http.answers import Created, NoContent, Tagged, created, no_content, ok
from chalicelib.platform.http.requests import WHOLE, Body, Line
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.concerts import area_commands
from chalicelib.shop.concerts.on_sale import Confirmation, confirmed_by
from chalicelib.shop.inventory.commands import LARGEST_OFFER

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Made
    from chalicelib.shop.concerts.answers import AreaCapacityChanged

routes: Routes[Services] = Routes(__name__)

Capacity = Annotated[int, Field(ge=1, le=LARGEST_OFFER), WHOLE]


class NewArea(Body):
    name: Line
    capacity: Capacity


class AreaCapacity(Body):
    capacity: Capacity
    confirm: Confirmation | None = None


@routes.post(
    "/concerts/{concert_id}/areas",
    Role.ORGANISER,
    if_match=True,
    refuses=("concert_not_draft", "too_many_areas"),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def add_area(call: Call[Services], body: NewArea) -> "Created[Made]":
    """Add an area to a draft: ticket types can draw from its tickets."""
    concert_id = call.id("concert_id")
    area_id, version = area_commands.add_area(call.shop.repository, call.caller(), concert_id, body.name, body.capacity)
    made: Made = {"id": str(area_id), "version": version}
    return created(made, f"/concerts/{concert_id}")


@routes.patch(
    "/concerts/{concert_id}/areas/{area_id}",
    Role.ORGANISER,
    refuses=(
        "capacity_above_pools",
        "capacity_below_committed",
        "capacity_change_in_progress",
        "concert_not_draft",
        "concert_not_published",
        "over_capacity",
    ),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def change_area(call: Call[Services], body: AreaCapacity) -> "Tagged[AreaCapacityChanged]":
    """Change how many tickets the area has: pool by pool once it is on sale, and it may be refused."""
    concert_id, area_id = call.id("concert_id"), call.id("area_id")
    version = area_commands.change_area_capacity(
        call.shop.repository, call.caller(), concert_id, area_id, body.capacity, confirmed_by(body.confirm)
    )
    answer: AreaCapacityChanged = {"id": str(area_id), "capacity": body.capacity, "version": version}
    return ok(answer, version)


@routes.delete(
    "/concerts/{concert_id}/areas/{area_id}",
    Role.ORGANISER,
    if_match=True,
    refuses=("area_in_use", "concert_not_draft"),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def remove_area(call: Call[Services]) -> NoContent:
    """Remove an area of a draft."""
    repository, concert_id, area_id = call.shop.repository, call.id("concert_id"), call.id("area_id")
    return no_content(area_commands.remove_area(repository, call.caller(), concert_id, area_id))
